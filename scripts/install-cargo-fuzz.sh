#!/bin/sh
# Installs cargo-fuzz where it is missing, into the user's cargo folder: the next run finds it there.
set -eu

VERSION=0.13.2

PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
[ "$(cargo fuzz --version 2>/dev/null)" = "cargo-fuzz $VERSION" ] && exit

echo "install-cargo-fuzz: compiling cargo-fuzz $VERSION, about a minute" >&2
exec cargo install --quiet --locked cargo-fuzz --version "$VERSION"
