#!/bin/sh
# Builds the handler: target/hosts/create-profile-over-http.wasm, a component that imports the card's
# interface.
set -eu
cd "$(dirname "$0")"

CARGO_TARGET_DIR=$(realpath -m ../../../target/hosts/http)
export CARGO_TARGET_DIR
# A link, so that the script of the card builds the folder that it is called in.
scripts/build-component.sh >/dev/null
cp "$CARGO_TARGET_DIR/wasm32-unknown-unknown/component/create_profile_over_http.wasm" \
    ../../../target/hosts/create-profile-over-http.wasm
