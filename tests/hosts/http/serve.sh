#!/bin/sh
# Plugs the card into the handler, and serves both in wasmtime.
set -eu
wac plug target/hosts/create-profile-over-http.wasm --plug dist/mixpanel-create-profile.wasm \
    --output target/hosts/served.wasm
exec wasmtime serve -S cli --addr "${ADDRESS:-127.0.0.1:8080}" \
    --env MIXPANEL_PROJECT_TOKEN --env MIXPANEL_BASE_URL target/hosts/served.wasm
