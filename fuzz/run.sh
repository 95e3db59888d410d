#!/bin/sh
# Fuzzes each target for FUZZ_SECONDS (60); says so and passes where cargo-fuzz or nightly is missing.
set -eu
cd "$(dirname "$0")/.."

if ! cargo fuzz --version >/dev/null 2>&1 || ! rustc +nightly --version >/dev/null 2>&1; then
    echo "skipped: fuzzing needs cargo-fuzz (cargo install cargo-fuzz) and a nightly toolchain"
    exit 0
fi
for target in ${TARGETS:-request response base_url}; do
    echo "=== $target"
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=10 -print_final_stats=1 2>&1 |
        tee "fuzz/$target.log" | grep -E 'DONE|stat::|panicked|ERROR|SUMMARY' || true
    grep -q 'DONE' "fuzz/$target.log"
done
