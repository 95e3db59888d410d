#!/bin/sh
# Builds the wheel into dist/: the component, its schema, and the Python around them.
# Needs `make component`.
set -eu
cd "$(dirname "$0")"

DIST=$(cd ../.. && pwd)/dist
TARGET=$(cd ../.. && pwd)/target/python-wheel
PACKAGE=src/mixpanel_create_profile

# What was installed last is named in the environment: nothing to do where it is the same.
if ! cmp -s requirements-build.txt "$TARGET/.installed"; then
    python3 -m venv --clear "$TARGET"
    "$TARGET/bin/python" -m pip install --quiet --require-hashes --requirement requirements-build.txt
    cp requirements-build.txt "$TARGET/.installed"
fi

cp ../../LICENSE .
cp "$DIST/mixpanel-create-profile.wasm" "$DIST/mixpanel-create-profile.schema.json" "$PACKAGE"
"$TARGET/bin/python" generate_types.py "$PACKAGE"
rm -f "$DIST"/mixpanel_create_profile-*.whl

# The same sources make the same bytes.
SOURCE_DATE_EPOCH=1767225600 "$TARGET/bin/python" -m pip wheel --quiet --no-deps --no-build-isolation \
    --no-cache-dir --wheel-dir "$DIST" .
chmod 644 "$DIST"/mixpanel_create_profile-*.whl
ls "$DIST"/mixpanel_create_profile-*.whl
