"""JSON text → Python values, of which none is silently another one.

`json.loads` keeps the last of two fields of the same name, and rounds numbers. Here what it would alter
is marked, so that the checks of `schema` name the field.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any


class ObjectWithRepeats(dict[str, Any]):
    """An object in which names are there twice: the last of each, as `json.loads` has it."""

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        super().__init__(members)
        seen: set[str] = set()
        self.repeated: dict[str, None] = {}
        """The names, in their order."""
        for name, _ in members:
            if name in seen:
                self.repeated[name] = None
            seen.add(name)


class AlteredNumber(float):
    """A number that no double carries: the nearest one."""


def parse(text: str) -> Any:
    """What a text holds.

    Raises:
        ValueError: It is not JSON. The parser's own error has the text in it, and is left out.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_int=_integer
        )
    except (ValueError, RecursionError):
        pass
    raise ValueError("is not JSON")


def kind(value: object) -> str:
    """What a value is in JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(members)
    return given if len(given) == len(members) else ObjectWithRepeats(members)


def _integer(text: str) -> int | float:
    number = _number(text)
    # One that it carries by its shortest form alone would be another integer in Python.
    return int(number) if number.is_integer() and Decimal(text) == int(number) else number


def _number(text: str) -> float:
    """A double carries what it holds exactly (`9007199254740994`), and what it is itself written as
    (`0.1`): the shortest decimal that leads back to it."""
    number = float(text)
    if not math.isfinite(number):
        return AlteredNumber(number)
    if number == 0:
        digits = re.split("[eE]", text)[0]
        return AlteredNumber(number) if re.search("[1-9]", digits) else number
    given = Decimal(text)
    is_carried = given == Decimal(repr(number)) or given == Decimal(number)
    return number if is_carried else AlteredNumber(number)
