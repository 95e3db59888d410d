#!/bin/sh
# Runs every test ROUNDS times in a row (20) while something else keeps all processors busy: a test
# that depends on speed fails here.
set -eu
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-20}
busy=
trap 'kill $busy 2>/dev/null || true' EXIT INT TERM
for _ in $(seq "$(nproc)"); do
    sh -c 'while :; do :; done' &
    busy="$busy $!"
done

cargo test --locked --release --workspace --no-run --quiet
for round in $(seq "$rounds"); do
    echo "round $round of $rounds"
    cargo test --locked --release --workspace --quiet 2>&1 | grep -E '^(test result|error|failures|    )' || true
done >target/stress.log
if grep -vE '^(round|test result: ok)' target/stress.log; then
    echo "failed: see target/stress.log"
    exit 1
fi
echo "$rounds rounds passed"
