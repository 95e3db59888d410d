#!/bin/sh
# Pushes the component and the WIT package in dist/ to a registry as OCI artifacts. The annotations are
# the metadata that the files bear. Needs `make packages`, and wash (https://wasmcloud.com).
#
#   scripts/publish.sh ghcr.io/OWNER       pushes OWNER/mixpanel/create-profile and OWNER/mixpanel/cards
#
# Log in first (`docker login`, `podman login`): wash reads $DOCKER_CONFIG/config.json. With
# INSECURE=yes the registry is spoken to without TLS.
set -eu
cd "$(dirname "$0")/.."

REGISTRY=${1:-}
CARD=dist/mixpanel-create-profile.wasm
WIT=dist/mixpanel-cards.wasm

fail() { echo "publish: $*" >&2; exit 1; }

[ -n "$REGISTRY" ] || fail "name a registry: make publish REGISTRY=ghcr.io/OWNER"
command -v wash >/dev/null || fail "wash is not installed: see https://wasmcloud.com/docs/installation"
for file in "$CARD" "$WIT"; do
    [ -e "$file" ] || fail "$file is not there: run make packages"
done
# What is published is what was checked.
(cd dist && sha256sum --check --quiet --ignore-missing SHA256SUMS)

VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
insecure=
[ "${INSECURE:-no}" = no ] || insecure=--insecure
push() {
    # It reports errors on standard output.
    said=$(wash oci push ${insecure:+"$insecure"} "$REGISTRY/$1:$VERSION" "$2" 2>&1) || fail "$said"
    echo "pushed $REGISTRY/$1:$VERSION"
}
push mixpanel/cards "$WIT"
push mixpanel/create-profile "$CARD"
