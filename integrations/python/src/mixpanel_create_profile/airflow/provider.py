"""What Airflow is told of the package. Nothing of Airflow is imported here."""

from __future__ import annotations

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
                    "relabeling": {"password": _fields()[TOKEN]["title"]},
                    "placeholders": {"password": _fields()[TOKEN]["description"]},
                },
                "conn-fields": {
                    name: _form_field(field) for name, field in _fields().items() if name != TOKEN
                },
            }
        ],
    }


def _fields() -> dict[str, dict[str, Any]]:
    return DEFINITIONS["connection"]["properties"]


def _form_field(field: dict[str, Any]) -> dict[str, Any]:
    kept = ("type", "enum", "minimum", "maximum")
    schema = {key: value for key, value in inner(field).items() if key in kept}
    if "null" in field.get("type", ()):
        schema["type"] = field["type"]
    return {"label": field["title"], "description": field["description"], "schema": schema}
