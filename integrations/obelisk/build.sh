#!/bin/sh
# Makes components/: the card from dist/ as it is, and the workflow over it.
#
# Obelisk itself writes the WIT packages that the workflow is built from: what its functions for
# workflows are, and how a workflow submits the card and awaits it.
set -eu
cd "$(dirname "$0")"

CARD=../../dist/mixpanel-create-profile.wasm
DEPS=workflow/wit/deps

command -v obelisk >/dev/null || {
    echo "build: no obelisk on the PATH: see README.md, or run make test-obelisk" >&2
    exit 1
}
[ -e "$CARD" ] || make -C ../.. component

rm -rf "$DEPS"
mkdir -p "$DEPS/mixpanel_cards" components
cp ../../wit/*.wit "$DEPS/mixpanel_cards/"
cp ../../wit/deps/*.wit "$DEPS/"
obelisk generate wit-support workflow "$DEPS" >/dev/null
obelisk generate wit-extensions activity ../../wit "$DEPS" >/dev/null
# A link, so that the script of the card builds the folder that it is called in.
workflow/scripts/build-component.sh >/dev/null

cp "$CARD" components/
cp "${CARGO_TARGET_DIR:-workflow/target}/wasm32-unknown-unknown/component/mixpanel_import_users.wasm" \
    components/mixpanel-import-users.wasm
