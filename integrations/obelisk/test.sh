#!/bin/sh
# The card in Obelisk: as an activity, in a workflow, and on two servers of which one is killed.
# Installs Obelisk and what it needs where that is missing; with INSTALL=no it skips instead.
set -eu
cd "$(dirname "$0")"

VERSION=0.38.3
PACKAGES="protobuf-compiler libprotobuf-dev postgresql"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else
        echo "test: as root, run: $*" >&2
        return 1
    fi
}

has_obelisk() { [ "$(obelisk --version 2>/dev/null)" = "obelisk $VERSION" ]; }
has_postgres() { ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }

export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
if ! has_obelisk || ! has_postgres; then
    if [ "${INSTALL:-yes}" = no ]; then
        echo "skipped: obelisk is not installed (make test-obelisk installs it)"
        exit 0
    fi
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends $PACKAGES
    has_obelisk || cargo install --locked obelisk --version "$VERSION"
fi

./build.sh
exec python3 tests
