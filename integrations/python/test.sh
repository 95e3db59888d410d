#!/bin/sh
# The wheel in an empty environment: its metadata, its types, and calls over sockets.
# Needs `make component`. Installs what is missing into target/; with INSTALL=no it skips instead.
set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
STAND_IN=$(realpath "${STAND_IN:-$ROOT/target/release/host-harness}")
export STAND_IN
cd "$ROOT/integrations/python"

TARGET=$ROOT/target/python-package
ALL="requirements-test.txt requirements-tools.txt"


# What was installed last is named in an environment: nothing to do where it is the same.
is_installed() {
    target=$1
    shift
    cat "$@" | cmp -s - "$target/.installed"
}

# An environment of this Python with these requirements, and the wheel.
environment() {
    python=$1 target=$2
    shift 2
    if ! is_installed "$target" "$@"; then
        "$python" -m venv --clear "$target"
        for requirements in "$@"; do
            "$target/bin/python" -m pip install --quiet --require-hashes --requirement "$requirements"
        done
        cat "$@" > "$target/.installed"
    fi
    "$target/bin/python" -m pip install --quiet --force-reinstall --no-deps "$WHEEL"
    "$target/bin/python" -m pip check
}

# A Python of this version, as it is called or as pyenv keeps it.
find_python() {
    for found in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$found" -c 'import ensurepip' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    return 1
}

may_install() { [ "${INSTALL:-yes}" != no ]; }
can_build() { cmp -s requirements-build.txt "$ROOT/target/python-wheel/.installed"; }
has_pyright() { [ node_modules/.package-lock.json -nt package-lock.json ]; }

if ! may_install && ! { can_build && is_installed "$TARGET" $ALL; }; then
    ../../scripts/skip.sh "the wheel" "make test-wheel installs what builds and tests it"
    exit 0
fi

WHEEL=$(./build.sh)
export WHEEL
environment python3 "$TARGET" $ALL
"$TARGET/bin/python" -m twine check --strict "$WHEEL"
# The README's examples, which pyright reads as one program.
sed -n '/^```python$/,/^```$/{/^```/!p;}' README.md > tests/readme.py

if has_pyright || may_install; then
    has_pyright || npm ci --silent
    for version in 3.10 3.11 3.12 3.13; do
        echo "pyright, as of Python $version:"
        node_modules/.bin/pyright --pythonpath "$TARGET/bin/python" --pythonversion "$version"
    done
else
    ../../scripts/skip.sh "pyright over the wheel" "make test-wheel installs it, with npm"
fi

"$TARGET/bin/python" -m pytest

# In other versions, as far as they are here.
THIS=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for version in 3.10 3.11 3.12 3.13; do
    [ "$version" = "$THIS" ] && continue
    if other=$(find_python "$version") && { may_install || is_installed "$TARGET-$version" requirements-test.txt; }; then
        echo "the tests in Python $version:"
        environment "$other" "$TARGET-$version" requirements-test.txt
        "$TARGET-$version/bin/python" -m pytest
    else
        ../../scripts/skip.sh "the wheel in Python $version" "that version is not on this machine"
    fi
done
