#!/bin/sh
# Fuzzes each target for FUZZ_SECONDS (60). Installs cargo-fuzz where it is missing; with INSTALL=no
# it skips instead.
set -eu
cd "$(dirname "$0")/.."

PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
if ! scripts/install-cargo-fuzz.sh; then
    [ "${INSTALL:-yes}" = no ] || exit 1
    scripts/skip.sh fuzzing "make fuzz installs cargo-fuzz"
    exit 0
fi

# cargo-fuzz turns on a sanitizer and coverage, which are options of the nightly compiler. The
# released compiler has both too, and takes the options with this variable: so what is fuzzed is
# compiled by the compiler of everything else here, and no second one is needed.
export RUSTC_BOOTSTRAP=1

for target in ${TARGETS:-$(cargo fuzz list)}; do
    echo "=== $target"
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=10 -print_final_stats=1 2>&1 |
        tee "fuzz/$target.log" | grep -E 'DONE|stat::|panicked|ERROR|SUMMARY|^error' || true
    grep -q 'DONE' "fuzz/$target.log"
done
