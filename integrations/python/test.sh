#!/bin/sh
# The wheel in an empty environment: its metadata, its types, and calls over sockets.
# Needs `make component`. Installs what is missing into target/; with INSTALL=no it skips instead.
set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
STAND_IN=$(realpath "${STAND_IN:-$ROOT/target/release/host-harness}")
export STAND_IN
cd "$ROOT/integrations/python"

TARGET=$ROOT/target/python-package

has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; }

# What was installed last is named in an environment: nothing to do where it is the same.
is_installed() { cmp -s requirements-test.txt "$1/.installed"; }

# An environment of this Python, with the wheel.
environment() {
    if ! is_installed "$2"; then
        "$1" -m venv --clear "$2" || return 1
        "$2/bin/python" -m pip install --quiet --require-hashes --requirement requirements-test.txt
        cp requirements-test.txt "$2/.installed"
    fi
    "$2/bin/python" -m pip install --quiet --force-reinstall --no-deps "$WHEEL"
    "$2/bin/python" -m pip check
}

may_install() { [ "${INSTALL:-yes}" != no ]; }
can_build() { cmp -s requirements-build.txt "$ROOT/target/python-wheel/.installed"; }
has_pyright() { [ node_modules/.package-lock.json -nt package-lock.json ]; }

if ! may_install && ! { can_build && is_installed "$TARGET"; }; then
    echo "skipped: the packages that build and test the wheel are not installed"
    exit 0
fi

WHEEL=$(./build.sh)
export WHEEL
environment python3 "$TARGET"
"$TARGET/bin/python" -m twine check --strict "$WHEEL"

if has_node && { has_pyright || may_install; }; then
    has_pyright || npm ci --silent
    for version in 3.10 3.11 3.12 3.13; do
        echo "pyright, as of Python $version:"
        node_modules/.bin/pyright --pythonpath "$TARGET/bin/python" --pythonversion "$version"
    done
else
    echo "skipped: pyright, or the Node.js 20 that it needs, is not installed"
fi

"$TARGET/bin/python" -m pytest

# In other versions, as far as they are here.
THIS=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
for python in python3.10 python3.11 python3.12 python3.13; do
    [ "$python" = "$THIS" ] && continue
    if command -v "$python" >/dev/null && { is_installed "$TARGET-$python" || may_install; } &&
        environment "$python" "$TARGET-$python"; then
        "$TARGET-$python/bin/python" -m pytest
    else
        echo "skipped: $python is not installed"
    fi
done
