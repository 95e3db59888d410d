"""Calls the card so many times in Python, and prints a line for each."""

import os
import sys

from embed import Card, record

card = Card("dist/mixpanel-create-profile.wasm")
connection = record(
    project_token=os.environ["MIXPANEL_PROJECT_TOKEN"],
    region="eu",
    base_url=os.environ["MIXPANEL_BASE_URL"],
    max_retries=0,
)
names = ["avatar", "first_name", "last_name", "created", "email", "phone", "custom_properties"]
properties = record(**dict.fromkeys(names), name="Ada Lovelace", dynamic_fields=[])
for number in range(int(sys.argv[1])):
    profile = record(profile_id=f"user-{number}", ip_address=None, time=None)
    result = card.create_profile(connection, record(profile=profile, properties=properties))
    print(getattr(result, "status-code"), flush=True)
