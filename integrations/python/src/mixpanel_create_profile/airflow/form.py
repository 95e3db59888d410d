"""A form to trigger a run with, made of the card's schema.

    with DAG("create_profile", params=form_params()):
        MixpanelCreateProfileOperator(task_id="create_profile", input=form_input)

Each field of the card's input is a parameter of the run; its name is the field's path, such as
`profile.profile-id`, as the card's errors have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from airflow.sdk import Context, Param

from .. import Input
from ..schema import DEFINITIONS, inner, is_date_time, is_json


def form_params() -> Any:
    """A parameter for each field. With more of your own: `{**form_params(), "mine": Param(…)}`.

    It is a `dict[str, Param]`. A DAG takes that, but its type says that it does not.
    """
    return {
        f"{part}.{name}": _param(field, record["title"], name in inner(record)["required"])
        for part, record in DEFINITIONS["input"]["properties"].items()
        for name, field in inner(record)["properties"].items()
    }


def form_input(context: Context, jinja_env: object) -> Input:
    """The input of the card that a run's parameters make. Give it to the operator as `input`."""
    params: Mapping[str, Any] = cast("Any", context)["params"]
    input: dict[str, dict[str, Any]] = {part: {} for part in DEFINITIONS["input"]["properties"]}
    for path in params:
        part, _, name = path.partition(".")
        if part in input and params[path] is not None:
            input[part][name] = params[path]
    return cast("Input", input)


def _param(field: dict[str, Any], section: str, required: bool) -> Param:
    given = inner(field)
    kind = "object" if is_json(given) else given["type"]
    schema: dict[str, Any] = {
        "title": field["title"],
        "section": section,
        "type": kind if required else [kind, "null"],
    }
    if "description" in field:
        schema["description_md"] = field["description"]
    if is_date_time(given):
        schema["format"] = "date-time"
    if kind == "array":
        schema["items"] = {"type": "object"}
    if required:
        return Param(schema={**schema, "minLength": 1})
    return Param(field.get("default"), schema=schema)
