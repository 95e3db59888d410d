#!/bin/sh
# Draws docs/images/chart-light.svg and chart-dark.svg from scripts/chart/figures.csv.
set -eu
cd "$(dirname "$0")/.."

python3 -m venv target/chart
target/chart/bin/python -m pip install --quiet --require-hashes --requirement scripts/chart/requirements.txt
target/chart/bin/python scripts/chart/chart.py docs/images
