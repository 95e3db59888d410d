#!/bin/sh
# The wheel in an empty environment: its metadata, its types, and calls over sockets.
# Needs `make component`. Installs what is missing into target/; with INSTALL=no it skips instead.
set -eu
cd "$(dirname "$0")"

ROOT=$(cd ../.. && pwd)
TARGET=$ROOT/target/python-package
PYTHON=$TARGET/bin/python
export STAND_IN="${STAND_IN:-$ROOT/target/release/host-harness}"

has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; }

if [ "${INSTALL:-yes}" = no ] && ! { has_node && cmp -s requirements-test.txt "$TARGET/.installed"; }; then
    echo "skipped: the tests' packages are not installed"
    exit 0
fi

WHEEL=$(./build.sh)
export WHEEL

# What was installed last is named in the environment: nothing to do where it is the same.
if ! cmp -s requirements-test.txt "$TARGET/.installed"; then
    python3 -m venv --clear "$TARGET"
    "$PYTHON" -m pip install --quiet --require-hashes --requirement requirements-test.txt
    cp requirements-test.txt "$TARGET/.installed"
fi
"$PYTHON" -m pip install --quiet --force-reinstall --no-deps "$WHEEL"
"$PYTHON" -m pip check
"$PYTHON" -m twine check --strict "$WHEEL"

if has_node; then
    [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent
    for version in 3.10 3.11 3.12 3.13; do
        echo "pyright, as of Python $version:"
        node_modules/.bin/pyright --pythonpath "$PYTHON" --pythonversion "$version"
    done
else
    echo "skipped: pyright, since Node.js 20 or newer is not installed"
fi

# In other versions of Python, as far as they are here: the calls, with wasmtime alone.
"$PYTHON" -m pytest
