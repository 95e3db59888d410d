"""Parameters of executions: from the files of `params/`, or as many as are wanted."""

import json

from obelisk import HERE


def parameter(name):
    return json.loads((HERE / "params" / name).read_text())


def connection(base_url, max_retries=0):
    return {
        **parameter("connection.stand-in.json"),
        "base_url": base_url,
        "max_retries": max_retries,
    }


def user(profile_id, ip_address=None):
    made = parameter("new-profile.json")
    made["profile"] = {"profile_id": profile_id, "ip_address": ip_address, "time": None}
    return made


def small_user(profile_id, email="a@b.c"):
    """As few bytes as can be: Obelisk's API takes 2 MiB in all."""
    return {
        "profile": {"profile_id": profile_id},
        "properties": {"email": email, "dynamic_fields": []},
    }
