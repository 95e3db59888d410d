#!/bin/sh
# The nodes in Node-RED: its test helper, sockets, and its editor in a real browser.
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

has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; }
has_chromium() {
    for command in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        if command -v "$command" >/dev/null; then return 0; fi
    done
    return 1
}

if ! has_node; then
    [ "${INSTALL:-yes}" = no ] && { echo "skipped: Node.js 20 or newer is not installed"; exit 0; }
    echo "test: install Node.js 20 or newer" >&2
    exit 1
fi
if ! has_chromium || ! command -v openssl >/dev/null; then
    [ "${INSTALL:-yes}" = no ] && { echo "skipped: chromium or openssl is not installed"; exit 0; }
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends chromium openssl
fi

# The lock file of the last installation stands in node_modules: nothing to do where it is the same.
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --no-audit --no-fund
    cp package-lock.json node_modules/.installed
fi

npm run --silent build
npm run --silent test
npm run --silent test:browser
