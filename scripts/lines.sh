#!/bin/sh
# Prints how many lines of Rust the card and the host harness have, without tests, blanks and comments.
set -eu
cd "$(dirname "$0")/.."

lines() {
    find "$1" -name '*.rs' ! -path '*tests*' -exec \
        awk 'FNR == 1 { test = 0 } /^#\[cfg\(test\)\]/ { test = 1 } !test && !/^[ \t]*(\/\/|$)/ { n++ } END { print n }' {} +
}
echo "card: $(lines src)"
echo "host harness: $(lines host-harness/src)"
