#!/bin/sh
# Installs what checks packages, workflows and dependencies into target/tools, and prints the folder of
# its programs. Needs Python 3.11 or newer.
set -eu
cd "$(dirname "$0")/.."

TOOLS=target/tools
if ! cmp -s scripts/tools/requirements.txt "$TOOLS/.installed"; then
    echo "tools: installing into $TOOLS" >&2
    python3 -m venv --clear "$TOOLS"
    "$TOOLS/bin/python" -m pip install --quiet --require-hashes --requirement scripts/tools/requirements.txt >&2
    cp scripts/tools/requirements.txt "$TOOLS/.installed"
fi
echo "$PWD/$TOOLS/bin"
