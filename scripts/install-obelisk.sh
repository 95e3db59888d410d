#!/bin/sh
# Installs Obelisk where it is missing, into the user's cargo folder: the next run finds it there.
# With INSTALL=no it fails instead. It needs Rust 1.96 or newer, which comes from, in this order:
#   1. the compiler that is there;
#   2. rustup, which downloads it;
#   3. Debian's packages of Rust.
set -eu

VERSION=0.41.5
RUST=1.96.0
DEBIAN_PACKAGES="rustc-web cargo-web"

PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
[ "$(obelisk --version 2>/dev/null)" = "obelisk $VERSION" ] && exit
[ "${INSTALL:-yes}" != no ] || exit 1

say() { echo "install-obelisk: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else
        say "as root, run: $*"
        return 1
    fi
}

install_packages() {
    say "installing Debian's packages $*"
    as_root apt-get update -qq >&2
    as_root apt-get install -y -qq --no-install-recommends "$@" >&2
}

is_new_enough() { printf '%s\n' "$RUST" "$("$@" --version 2>/dev/null | cut -d ' ' -f 2)" | sort -VC; }
file_of() { dpkg -L "$1" 2>/dev/null | grep -E "$2" | head -n 1; }

command -v protoc >/dev/null || install_packages protobuf-compiler libprotobuf-dev

if is_new_enough rustc; then
    :
elif command -v rustup >/dev/null && rustup toolchain install "$RUST" --profile minimal >/dev/null 2>&1; then
    export RUSTUP_TOOLCHAIN="$RUST"
else
    say "rustup cannot download Rust $RUST"
    [ -n "$(file_of rustc-web '/bin/rustc$')" ] && [ -n "$(file_of cargo-web '/bin/cargo$')" ] &&
        is_new_enough "$(file_of rustc-web '/bin/rustc$')" || install_packages $DEBIAN_PACKAGES
    RUSTC=$(file_of rustc-web '/bin/rustc$')
    is_new_enough "$RUSTC" || {
        say "Obelisk $VERSION needs Rust $RUST or newer, and Debian's packages are older"
        exit 1
    }
    export RUSTC
    PATH=$(dirname "$(file_of cargo-web '/bin/cargo$')"):$PATH
    # rustup's cargo would set these for its own toolchain.
    unset RUSTUP_TOOLCHAIN CARGO
fi

# Obelisk's own settings for a release take much longer to compile.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1

say "compiling Obelisk $VERSION: 41 minutes of a processor"
exec cargo install --quiet --locked obelisk --version "$VERSION"
