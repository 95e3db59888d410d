#!/bin/sh
# Says that something is skipped, and why, and keeps it for the last line of `.ci/run`.
set -eu
echo "skipped: $1 ($2)"
[ -z "${SKIPPED:-}" ] || echo "$1" >>"$SKIPPED"
