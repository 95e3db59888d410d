"""Uses of the package that pyright checks in its strict mode, and that tests run."""

import os
from datetime import datetime, timezone

from mixpanel_create_profile import (
    CardError,
    Connection,
    Input,
    InvalidInputError,
    check_connection,
    create_profile,
    create_profiles,
    create_profiles_in_parts,
)


def one(connection: Connection) -> int:
    """Three lines: import, call, status code."""
    output = create_profile(
        connection,
        {"profile": {"profile-id": "user-4711"}, "properties": {"name": "Ada Lovelace"}},
    )
    return output["status-code"]


def many(connection: Connection, names: list[str]) -> list[str]:
    """What became of each."""
    now = datetime.now(timezone.utc)
    users: list[Input] = [
        {
            "profile": {"profile-id": f"user-{number}", "time": now},
            "properties": {
                "name": name,
                "custom-properties": {"plan": "free"},
                "dynamic-fields": [{"name": "seats", "value": {"number": 3}}],
            },
        }
        for number, name in enumerate(names)
    ]
    outcomes: list[str] = []
    for result in create_profiles(connection, users):
        if isinstance(result, InvalidInputError):
            outcomes += [invalid["field"] for invalid in result.detail]
        elif isinstance(result, CardError):
            outcomes.append("never" if result.permanent else "later")
        else:
            outcomes.append(result["reason"] or "created")
    return outcomes


def some(connection: Connection, users: list[Input], most: int) -> int:
    """No part is sent after so many errors."""
    errors = 0
    for results in create_profiles_in_parts(connection, users):
        errors += sum(isinstance(result, CardError) for result in results)
        if errors >= most:
            break
    return errors


def is_wrong(connection: Connection) -> bool:
    return check_connection(connection)["verdict"] == "invalid"


if __name__ == "__main__":
    print(one({"project-token": os.environ["MIXPANEL_PROJECT_TOKEN"], "region": "eu"}))
