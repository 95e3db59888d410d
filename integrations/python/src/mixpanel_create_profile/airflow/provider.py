"""What Airflow is told of the package. Nothing of Airflow is imported here."""

from __future__ import annotations

import re
from typing import Any

from ..schema import DEFINITIONS, inner

CONNECTION_TYPE = "mixpanel"
TOKEN = "project-token"


def provider_info() -> dict[str, Any]:
    """The connection type and its form, made of the card's schema."""
    hooks = f"{__package__}.hooks"
    operators = f"{__package__}.operators"
    return {
        "package-name": "mixpanel-create-profile",
        "name": "Mixpanel Create Profile",
        "description": "Creates user profiles in Mixpanel",
        "integrations": [
            {
                "integration-name": "Mixpanel",
                "external-doc-url": "https://docs.mixpanel.com",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": "Mixpanel", "python-modules": [hooks]}],
        "operators": [{"integration-name": "Mixpanel", "python-modules": [operators]}],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-name": "Mixpanel",
                "hook-class-name": f"{hooks}.MixpanelHook",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "login", "schema", "extra"],
                    "relabeling": {"password": fields()[TOKEN]["title"]},
                    "placeholders": {"password": fields()[TOKEN]["description"]},
                },
                "conn-fields": {
                    name: _form_field(field) for name, field in fields().items() if name != TOKEN
                },
            }
        ],
    }


def fields() -> dict[str, dict[str, Any]]:
    """What the card's schema says of each field of a connection."""
    return DEFINITIONS["connection"]["properties"]


def _form_field(field: dict[str, Any]) -> dict[str, Any]:
    kept = ("type", "enum", "minimum", "maximum")
    schema = {key: value for key, value in inner(field).items() if key in kept}
    if "null" in field.get("type", ()):
        schema["type"] = field["type"]
    # The card allows less than the type holds: its help says how much.
    if "maximum" in schema and (allowed := re.search("([0-9]+) to ([0-9]+)", field["description"])):
        schema["minimum"], schema["maximum"] = map(int, allowed.groups())
    return {"label": field["title"], "description": field["description"], "schema": schema}
