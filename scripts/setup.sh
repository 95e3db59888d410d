#!/bin/sh
# Says what is missing on this machine, before a build fails for it in worse words.
set -eu

missing=
for tool in cargo rustc cc; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "Missing:$missing. Install Rust with rustup (https://rustup.rs), and a C compiler" >&2
    echo "(on Debian: apt-get install build-essential)." >&2
    exit 1
fi
