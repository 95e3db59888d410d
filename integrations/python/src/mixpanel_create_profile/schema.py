"""The card's JSON Schema, and what it says about a value that is to be passed to the card.

The schema is made from the interface, and is the one source of names, types and required fields here.
`converter` turns a part of it into a function that checks a Python value and returns what wasmtime's
package takes, so that nothing of the wrong shape reaches the card. The card's own rules (lengths,
dates, placeholders) are not repeated: it names the fields that break them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, cast

from wasmtime.component import Record, Variant


def resource(suffix: str) -> bytes:
    """A file of the package: the component, or its schema."""
    folder = files("mixpanel_create_profile")
    return folder.joinpath(f"mixpanel-create-profile{suffix}").read_bytes()


SCHEMA: dict[str, Any] = json.loads(resource(".schema.json"))

DEFINITIONS: dict[str, Any] = SCHEMA["$defs"]


class Problems:
    """What is wrong with the arguments of a call. No value is in it."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._wrong_type = False

    def wrong_type(self, path: str, wanted: str, value: object) -> None:
        """The value at this path is of a type that cannot be passed."""
        self._wrong_type = True
        self.add(path, f"must be {wanted}, not {_kind(value)}")

    def add(self, path: str, rule: str) -> None:
        """The value at this path breaks this rule."""
        self._found.append(f"{path or 'input'} {rule}")

    def error(self) -> TypeError | ValueError | None:
        """All of them in one exception; a `TypeError` where a type is wrong."""
        if not self._found:
            return None
        named = self._found[:20]
        if len(self._found) > len(named):
            named.append(f"and {len(self._found) - len(named)} more")
        return (TypeError if self._wrong_type else ValueError)("; ".join(named))


Converter = Callable[[Any, str, Problems], Any]
"""Returns what wasmtime takes, or notes what is wrong with the value at this path."""


def converter(schema: dict[str, Any]) -> Converter:
    """The converter for a part of the schema, of a value that is there."""
    schema = inner(schema)
    if "enum" in schema:
        return _choice(schema["enum"])
    if "oneOf" in schema:
        return _variant(schema["oneOf"])
    match schema["type"]:
        case "object":
            return _record(schema)
        case "array":
            return _list(converter(schema["items"]))
        case "string" if is_date_time(schema):
            return _date_time
        case "string" if is_json(schema):
            return _json_object
        case "string":
            return _string
        case "integer":
            return _integer(schema["minimum"], schema["maximum"])
        case "number":
            return _number
        case "boolean":
            return _boolean
        case unknown:
            raise NotImplementedError(f"the schema's type {unknown}")


def inner(schema: dict[str, Any]) -> dict[str, Any]:
    """What the schema says of a value that is there: without null, and where it refers to."""
    match schema:
        case {"$ref": reference}:
            return DEFINITIONS[reference.removeprefix("#/$defs/")]
        case {"type": [kind, "null"]}:
            return {**schema, "type": kind}
        case {"anyOf": [alternative, {"type": "null"}]}:
            return inner(alternative)
        case _:
            return schema


def is_date_time(schema: dict[str, Any]) -> bool:
    """Whether a string is a moment."""
    return any(form.get("format") == "date-time" for form in schema.get("anyOf", []))


def is_json(schema: dict[str, Any]) -> bool:
    """Whether a string is the text of a JSON object."""
    return schema.get("contentMediaType") == "application/json"


def _record(schema: dict[str, Any]) -> Converter:
    required = schema["required"]
    fields = {
        name: converter(field) if name in required else _optional(field)
        for name, field in schema["properties"].items()
    }

    def record(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, Mapping):
            return problems.wrong_type(path, "an object", value)
        given = cast("Mapping[Any, Any]", value)
        for name in given.keys() - fields.keys():
            problems.add(path, f"has no field {_shown(name)}: its fields are {', '.join(fields)}")
        converted = Record()
        for name, convert in fields.items():
            inner_path = f"{path}.{name}" if path else name
            if name in given or name not in required:
                setattr(converted, name, convert(given.get(name), inner_path, problems))
            else:
                problems.add(inner_path, "is required")
        return converted

    return record


def _optional(schema: dict[str, Any]) -> Converter:
    convert, default = converter(schema), schema.get("default")

    def optional(value: Any, path: str, problems: Problems) -> Any:
        value = default if value is None else value
        return None if value is None else convert(value, path, problems)

    return optional


def _variant(cases: list[dict[str, Any]]) -> Converter:
    payloads = {
        name: converter(payload) for case in cases for name, payload in case["properties"].items()
    }
    wanted = f"an object with one of {', '.join(payloads)}"

    def variant(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, Mapping):
            return problems.wrong_type(path, wanted, value)
        given = cast("Mapping[Any, Any]", value)
        if len(given) != 1 or not given.keys() <= payloads.keys():
            return problems.add(path, f"must be {wanted}")
        [(name, payload)] = given.items()
        return Variant(name, payloads[name](payload, f"{path}.{name}", problems))

    return variant


def _list(convert: Converter) -> Converter:
    def items(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, list | tuple):
            return problems.wrong_type(path, "a list", value)
        given = cast("Iterable[Any]", value)
        return [convert(item, f"{path}[{index}]", problems) for index, item in enumerate(given)]

    return items


def _choice(names: list[str]) -> Converter:
    wanted = f"one of {', '.join(names)}"

    def choice(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            return problems.wrong_type(path, wanted, value)
        if value not in names:
            return problems.add(path, f"must be {wanted}")
        return value

    return choice


def _string(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, str):
        return problems.wrong_type(path, "a string", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        return problems.add(path, "must be Unicode text: it has half of a surrogate pair")
    return value


def _date_time(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, datetime):
        if not isinstance(value, str):
            return problems.wrong_type(path, "a string or a datetime", value)
        return _string(value, path, problems)
    if value.utcoffset() is None:
        return problems.add(path, "must have a time zone, such as datetime.timezone.utc")
    return value.isoformat()


def _json_object(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, Mapping):
        if not isinstance(value, str):
            return problems.wrong_type(path, "a dictionary, or the text of a JSON object", value)
        return _string(value, path, problems)
    given = cast("Mapping[Any, Any]", value)
    for name, text in given.items():
        if isinstance(name, str):
            _string(text, f"{path}.{name[:80]}", problems)
        else:
            problems.wrong_type(path, "a dictionary with strings as its keys", name)
    # With every other character escaped, whatever a name has in it is valid Unicode.
    return None if problems.error() else json.dumps(given)


def _integer(minimum: int, maximum: int) -> Converter:
    def integer(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            return problems.wrong_type(path, "an integer", value)
        if not minimum <= value <= maximum:
            return problems.add(path, f"must be from {minimum} to {maximum}")
        return value

    return integer


def _number(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return problems.wrong_type(path, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return problems.add(path, "must be a finite number")
    if number != value:
        return problems.add(path, "must be a number that a double can hold: give it as text")
    return number


def _boolean(value: Any, path: str, problems: Problems) -> Any:
    return value if isinstance(value, bool) else problems.wrong_type(path, "a boolean", value)


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _shown(name: object) -> str:
    text = repr(name)
    return text if len(text) <= 80 else f"{text[:80]}…"
