#!/bin/sh
# The provider in Airflow itself: its parts, DAGs that run, and its pages in a real browser.
# Needs `make component`. Installs what is missing: Python's packages into target/, and Debian's
# chromium. With INSTALL=no it skips instead. With SCREENSHOTS=FOLDER it takes the README's pictures.
set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
TARGET=$ROOT/target/airflow
PYTHON=$TARGET/bin/python
STAND_IN=$(realpath "${STAND_IN:-$ROOT/target/release/host-harness}")
export STAND_IN
if [ -n "${SCREENSHOTS:-}" ]; then
    SCREENSHOTS=$(realpath "$SCREENSHOTS")
    export SCREENSHOTS
fi
cd "$ROOT/integrations/airflow"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then
        echo "test: installing with sudo: $*"
        sudo "$@"
    else
        echo "test: as root, run: $*" >&2
        return 1
    fi
}

has_chromium() {
    for command in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        if command -v "$command" >/dev/null; then return 0; fi
    done
    return 1
}
# What was installed last is named in the environment: nothing to do where it is the same.
has_airflow() { cmp -s requirements.txt "$TARGET/.installed"; }
can_build() { cmp -s ../python/requirements-build.txt "$ROOT/target/python-wheel/.installed"; }
has_pyright() { [ ../python/node_modules/.package-lock.json -nt ../python/package-lock.json ]; }
may_install() { [ "${INSTALL:-yes}" != no ]; }

if ! may_install && ! { has_chromium && has_airflow && can_build; }; then
    ../../scripts/skip.sh Airflow "make test-airflow installs it and chromium"
    exit 0
fi
if ! has_chromium; then
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends chromium
fi
if ! has_airflow; then
    python3 -m venv --clear "$TARGET"
    "$PYTHON" -m pip install --quiet --require-hashes --requirement requirements.txt
    cp requirements.txt "$TARGET/.installed"
fi

WHEEL=$(../python/build.sh)
"$PYTHON" -m pip install --quiet --force-reinstall --no-deps "$WHEEL"
# All that the extra asks for is there.
"$PYTHON" -m pip install --quiet --no-index "$WHEEL[airflow]"
"$PYTHON" -m pip check

if has_pyright || may_install; then
    has_pyright || (cd ../python && npm ci --silent)
    ../python/node_modules/.bin/pyright --pythonpath "$PYTHON"
else
    ../../scripts/skip.sh "pyright over the provider" "make test-airflow installs it, with npm"
fi

# Airflow makes its files where this says, even when a test only imports it.
AIRFLOW_HOME=$(mktemp -d)
export AIRFLOW_HOME
trap 'rm -rf "$AIRFLOW_HOME"' EXIT
"$PYTHON" -m pytest --quiet -p no:cacheprovider tests
