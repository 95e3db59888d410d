"""The card's JSON Schema, and what it says about a value that is to be passed to the card.

The schema is made from the interface, and is the one source of names, types and required fields here.
`converter` turns a part of it into a function that checks a Python value and returns what wasmtime's
package takes, so that nothing of the wrong shape reaches the card. The card's own rules (lengths,
dates, placeholders) are not repeated: it names the fields that break them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from typing import Any, cast

from wasmtime.component import Record, Variant

from .json_text import AlteredNumber, ObjectWithRepeats


def resource(suffix: str) -> bytes:
    """A file of the package: the component, or its schema."""
    folder = files("mixpanel_create_profile")
    return folder.joinpath(f"mixpanel-create-profile{suffix}").read_bytes()


SCHEMA: dict[str, Any] = json.loads(resource(".schema.json"))

DEFINITIONS: dict[str, Any] = SCHEMA["$defs"]


FIELD_NAME = re.compile("[$]?[A-Za-z0-9_-]{1,24}")
"""What may be a field's name that somebody has mistaken. Anything else may be a value in its place,
even a token, which has 32 characters."""


def python_kind(value: object) -> str:
    """What a value is in Python."""
    if value is None:
        return "None"
    given = type(value)
    if given in (AlteredNumber, ObjectWithRepeats):
        given = given.__base__ or given
    return f"a value of type {given.__name__}"


def in_inputs(index: int, path: str) -> str:
    """How the field of a list's user is named."""
    return f"inputs[{index}].{path}" if path else f"inputs[{index}]"


class Problems:
    """What is wrong with the arguments of a call. No value is in it.

    Args:
        place: Names a field of the user that has this index in a list.
        kind: Says what a value is.
    """

    def __init__(
        self,
        place: Callable[[int, str], str] = in_inputs,
        kind: Callable[[object], str] = python_kind,
    ) -> None:
        self._place, self._kind = place, kind
        self._found: list[str] = []
        self._wrong_type = False
        self.index: int | None = None
        """Of the user that is looked at, in a list."""

    def wrong_type(self, path: str, wanted: str, value: object, hint: str = "") -> None:
        """The value at this path is of a type that cannot be passed."""
        self._wrong_type = True
        self.add(path, f"must be {wanted}, not {self._kind(value)}{hint}")

    def add(self, path: str, rule: str) -> None:
        """The value at this path breaks this rule."""
        named = path if self.index is None else self._place(self.index, path)
        self._found.append(f"{named or 'input'} {rule}")

    def unknown(self, path: str, name: object, fields: Iterable[str]) -> None:
        """The object at this path has a field of this name, which it cannot have."""
        if not isinstance(name, str):
            shown = f"of such a name ({self._kind(name)})"
        elif FIELD_NAME.fullmatch(name):
            shown = f"'{name}'"
        else:
            shown = f"of such a name (a string of {len(name)} characters)"
        self.add(path, f"has no field {shown}: its fields are {', '.join(fields)}")

    def error(self) -> TypeError | ValueError | None:
        """All of them in one exception; a `TypeError` where a type is wrong."""
        if not self._found:
            return None
        named = self._found[:20]
        if len(self._found) > len(named):
            named.append(f"and {len(self._found) - len(named)} more")
        return (TypeError if self._wrong_type else ValueError)("; ".join(named))

    def __len__(self) -> int:
        return len(self._found)


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
        for name in given:
            if name not in fields:
                problems.unknown(path, name, fields)
        _refuse_repeats(given, path, problems, fields)
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
        _refuse_repeats(given, path, problems, payloads)
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
        return problems.wrong_type(path, "a string", value, _in_quotes(value))
    try:
        value.encode()
    except UnicodeEncodeError:
        return problems.add(path, "must be Unicode text: it has half of a surrogate pair")
    return value


def _date_time(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, datetime):
        if not isinstance(value, str):
            return problems.wrong_type(path, "a string or a datetime", value, _in_quotes(value))
        return _string(value, path, problems)
    offset = value.utcoffset()
    if offset is None:
        return problems.add(path, "must have a time zone, such as datetime.timezone.utc")
    if offset % timedelta(minutes=1):
        # RFC 3339 has no seconds in an offset; local times before time zones had such.
        try:
            value = value.astimezone(timezone.utc)
        except OverflowError:
            return problems.add(path, "must be a moment of the years 1 to 9999 in UTC")
    return value.isoformat()


def _json_object(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, Mapping):
        if not isinstance(value, str):
            return problems.wrong_type(path, "a dictionary, or the text of a JSON object", value)
        return _string(value, path, problems)
    # Of any kind of mapping, json takes dictionaries only.
    mapping = cast("Mapping[Any, Any]", value)
    given = dict(mapping)
    before = len(problems)
    _refuse_repeats(mapping, path, problems, given)
    for name, text in given.items():
        if isinstance(name, str):
            _string(text, f"{path}.{_short(name)}", problems)
        else:
            problems.wrong_type(path, "a dictionary with strings as its keys", name)
    # With every other character escaped, whatever a name has in it is valid Unicode.
    return None if len(problems) > before else json.dumps(given)


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
        return problems.wrong_type(path, "a number", value, _without_quotes(value))
    if isinstance(value, AlteredNumber):
        return problems.add(path, "cannot be carried exactly as a number: give it as a text")
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
    if not isinstance(value, bool):
        return problems.wrong_type(path, "a boolean", value, _without_quotes(value))
    return value


def _refuse_repeats(
    given: object, path: str, problems: Problems, known: Mapping[Any, object]
) -> None:
    """Names the fields that are twice in the text of an object."""
    if isinstance(given, ObjectWithRepeats):
        for name in given.repeated:
            if name in known:
                problems.add(
                    f"{path}.{_short(name)}" if path else name, "is there twice: give it once"
                )


def _in_quotes(value: object) -> str:
    return ": put it in quotes" if isinstance(value, int | float) else ""


def _without_quotes(value: object) -> str:
    return ": give it without quotes" if isinstance(value, str) else ""


def _short(name: str) -> str:
    """A name that the author chose is part of a path, but no more of it than tells which one it is."""
    return name if len(name) <= 60 else f"{name[:60]}…"
