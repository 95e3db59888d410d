#!/bin/sh
# Builds the card: target/…/mixpanel_create_profile.wasm, a component. Prints its path.
#
# The target is wasm32-unknown-unknown with wasm-component-ld as its linker: wasm32-wasip2 would
# make the component import a file system, an environment and stdio, none of which it uses.
# The standard library for that target comes from, in this order:
#   1. rustup's toolchain, where the target is installed;
#   2. rustup, which downloads it;
#   3. Debian's packages of Rust, which build it from source.
# With INSTALL=no, only from what is installed already.
set -eu
cd "$(dirname "$0")/.."

TARGET=wasm32-unknown-unknown
DEBIAN_PACKAGES="rustc-web cargo-web rust-web-src"

say() { echo "build-component: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else return 1
    fi
}

# rustup's toolchain carries the linker for components, whoever's compiler runs.
SYSROOT=$(rustc --print sysroot)
HOST=$(rustc -vV | sed -n 's/^host: //p')
LINKERS="$SYSROOT/lib/rustlib/$HOST/bin"
if [ ! -x "$LINKERS/wasm-component-ld" ]; then
    say "no wasm-component-ld in $LINKERS: install Rust with rustup (https://rustup.rs)"
    exit 1
fi
export PATH="$PATH:$LINKERS:$LINKERS/gcc-ld"
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-component-ld
# The builder's folders are in no panic's message: the same source gives the same component everywhere.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src= --remap-path-prefix=$SYSROOT="

has_target() { [ -d "$(rustc --print target-libdir --target $TARGET)" ]; }
has_packages() { dpkg -s $DEBIAN_PACKAGES >/dev/null 2>&1; }
file_of() { dpkg -L "$1" | grep -E "$2" | head -n 1; }

build() { "$@" build --locked --quiet --profile component --target $TARGET --lib >&2; }

may_install() { [ "${INSTALL:-yes}" != no ]; }

if has_target || { may_install && command -v rustup >/dev/null &&
    say "rustup adds $TARGET" && rustup target add $TARGET >/dev/null 2>&1 && has_target; }; then
    build cargo
elif has_packages || { may_install && command -v apt-get >/dev/null &&
    say "rustup cannot add $TARGET: installing Debian's $DEBIAN_PACKAGES, as root" &&
    as_root apt-get update -qq >&2 &&
    as_root apt-get install -y -qq --no-install-recommends $DEBIAN_PACKAGES >&2; }; then
    RUSTC=$(file_of rustc-web '/bin/rustc$')
    # Building std with a released compiler is what these two are for.
    __CARGO_TESTS_ONLY_SRC_ROOT=$(file_of rust-web-src '/library$')
    RUSTC_BOOTSTRAP=1
    export RUSTC RUSTC_BOOTSTRAP __CARGO_TESTS_ONLY_SRC_ROOT
    # rustup's cargo would set these for its own toolchain.
    unset RUSTUP_TOOLCHAIN CARGO
    build "$(file_of cargo-web '/bin/cargo$')" -Zbuild-std=std,panic_abort
else
    say "no standard library for $TARGET."
    say "Run 'rustup target add $TARGET', or on Debian, as root, 'apt-get install $DEBIAN_PACKAGES'."
    exit 1
fi

echo "${CARGO_TARGET_DIR:-target}/$TARGET/component/mixpanel_create_profile.wasm"
