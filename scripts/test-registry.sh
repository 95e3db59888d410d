#!/bin/sh
# Publishes to a registry on loopback, and looks at what arrives: see test_registry.py.
# Needs `make packages`. Installs Debian's docker-registry, and wash for Linux on x86_64, where they are
# missing; with INSTALL=no it skips instead.
set -eu
cd "$(dirname "$0")/.."

PYTHON=target/registry/bin/python

say() { echo "test-registry: $*"; }
has() { command -v "$1" >/dev/null; }
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif has sudo; then sudo "$@"
    else
        say "as root, run: $*" >&2
        return 1
    fi
}

PATH=$PATH:$PWD/target/registry/bin
export PATH
if ! has docker-registry || ! has wash; then
    if [ "${INSTALL:-yes}" = no ]; then
        scripts/skip.sh "a registry" "make test-registry installs docker-registry and wash"
        exit 0
    fi
fi
if ! has docker-registry; then
    say "installing Debian's package docker-registry, as root"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends docker-registry >/dev/null
fi
if ! has wash; then
    say "installing wash into target/registry"
    python3 -m venv target/registry
    "$PYTHON" -m pip install --quiet --no-deps --require-hashes --requirement tests/hosts/requirements.txt
fi

exec python3 scripts/test_registry.py
