#!/bin/sh
# The card in Obelisk: as an activity, in a workflow, and on two servers of which one is killed.
# Needs `make component`. Installs Obelisk and PostgreSQL where they are missing; with INSTALL=no it
# skips instead.
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

has_postgres() { ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }

export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
if [ "${INSTALL:-yes}" = no ] && ! { ../../scripts/install-obelisk.sh && has_postgres; }; then
    ../../scripts/skip.sh Obelisk "make test-obelisk installs it and PostgreSQL"
    exit 0
fi
../../scripts/install-obelisk.sh
has_postgres || {
    echo "test: installing Debian's package postgresql" >&2
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends postgresql
}

./build.sh
(cd workflow && cargo test --quiet --locked)
exec python3 tests
