#!/bin/sh
# Fills dist/ with what a release consists of:
#   mixpanel-create-profile.wasm, .schema.json   the component and its form, by `make component`
#   mixpanel-create-profile.cdx.json             the crates in it: an SBOM (CycloneDX)
#   mixpanel-cards.wasm                          the interface, with its help texts, as a WIT package
#   node-red-contrib-…tgz                        the Node-RED nodes, for npm
#   mixpanel_create_profile-…whl                 the Python package with the Airflow provider
#   SHA256SUMS
set -eu
cd "$(dirname "$0")/.."

DIST=$PWD/dist

fail() { echo "packages: $*" >&2; exit 1; }

[ -e dist/mixpanel-create-profile.wasm ] || fail "run make component first"
command -v npm >/dev/null || fail "install Node.js 20 or newer: the Node-RED package needs npm"

cargo run --locked --release --quiet --example wit_package dist/mixpanel-cards.wasm

"$(scripts/tools.sh)/python" scripts/sbom.py dist/mixpanel-create-profile.cdx.json

(
    cd integrations/node-red
    if ! cmp -s package-lock.json node_modules/.installed; then
        npm ci --no-audit --no-fund
        cp package-lock.json node_modules/.installed
    fi
    rm -f "$DIST"/node-red-contrib-mixpanel-create-profile-*.tgz
    npm pack --silent --pack-destination "$DIST"
)

if [ -x integrations/python/build.sh ]; then
    integrations/python/build.sh
fi

cd dist
rm -f SHA256SUMS
sha256sum -- * >SHA256SUMS
cat SHA256SUMS
