#!/bin/sh
# Installs cargo-fuzz where it is missing, into the user's cargo folder: the next run finds it there.
# With INSTALL=no it fails instead.
set -eu

VERSION=0.13.2

PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
cargo fuzz --version >/dev/null 2>&1 && exit
[ "${INSTALL:-yes}" != no ] || exit 1

echo "install-cargo-fuzz: compiling cargo-fuzz $VERSION, about a minute" >&2
exec cargo install --quiet --locked cargo-fuzz --version "$VERSION"
