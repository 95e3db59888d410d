#!/bin/sh
# Creates one profile with the card, in wasmtime's command line.
exec wasmtime run -S http --invoke "create-profile(
  {
    project-token: \"$MIXPANEL_PROJECT_TOKEN\",
    region: eu${MIXPANEL_BASE_URL:+, base-url: some(\"$MIXPANEL_BASE_URL\")}
  },
  {
    profile: {profile-id: \"user-4711\"},
    properties: {name: some(\"Ada Lovelace\"), email: some(\"ada@example.com\"), dynamic-fields: []}
  }
)" dist/mixpanel-create-profile.wasm
