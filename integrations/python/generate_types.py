"""Writes the card's Python types: `generate_types.py FOLDER`, where its component and its schema are.

Names, fields and help texts come from the JSON Schema of the form; what that does not have comes from
the component itself.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wasmtime import Engine
from wasmtime.component import (
    U8,
    U16,
    Bool,
    Component,
    ComponentInstanceType,
    EnumType,
    ListType,
    OptionType,
    RecordType,
    String,
    ValType,
)

Schema = dict[str, Any]

HEAD = '''"""The card's types, made by `generate_types.py`: dictionaries with the names of its JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypedDict

from .errors import CardError
'''

SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def main(folder: Path) -> None:
    schema = json.loads((folder / "mixpanel-create-profile.schema.json").read_text("utf-8"))
    component = (folder / "mixpanel-create-profile.wasm").read_bytes()
    (folder / "types.py").write_text(python(component_definitions(component) | schema["$defs"]))


def component_definitions(component: bytes) -> dict[str, Schema]:
    """The named types of the component's interfaces, without help texts."""
    engine = Engine()
    named: dict[str, Schema] = {}
    for interface in Component(engine, component).type.exports(engine).values():
        assert isinstance(interface.ty, ComponentInstanceType)
        for name, item in interface.ty.exports(engine).items():
            if isinstance(item.ty, RecordType | EnumType):
                named[name] = component_schema(item.ty)
    return named


def component_schema(type: ValType) -> Schema:
    """The JSON Schema of a type."""
    match type:
        case RecordType():
            fields = {name: component_schema(field) for name, field in type.fields}
            optional = {name for name, field in type.fields if isinstance(field, OptionType)}
            return {"type": "object", "properties": fields, "required": fields.keys() - optional}
        case EnumType():
            return {"enum": type.names}
        case OptionType():
            return {"anyOf": [component_schema(type.payload), {"type": "null"}]}
        case ListType():
            return {"type": "array", "items": component_schema(type.element)}
        case String():
            return {"type": "string"}
        case Bool():
            return {"type": "boolean"}
        case U8() | U16():
            return {"type": "integer"}
        case _:
            # Variants are in the schema of the form.
            return {"type": "object", "properties": {}, "required": []}


def python(definitions: dict[str, Schema]) -> str:
    """A module with all of them, and an exception for each case of the error."""
    error = definitions.pop("error")
    for name in definitions.keys() - given(definitions, "connection", "input"):
        # In a result every field is there.
        definitions[name]["required"] = definitions[name].get("properties", {}).keys()
    blocks = [
        block for name, schema in definitions.items() for block in named_type(python_name(name), schema)
    ]
    exceptions = {error_name(case): exception(case) for case in error["oneOf"]}
    names = [*map(python_name, definitions), *exceptions]
    listed = "".join(f"    {name!r},\n" for name in sorted(names))
    errors = "".join(f"    {name}.case: {name},\n" for name in exceptions)
    return "\n\n".join(
        [
            HEAD.strip(),
            f"__all__ = [\n{listed}]",
            *blocks,
            *exceptions.values(),
            f"ERRORS = {{\n{errors}}}\n",
        ]
    )


def given(definitions: dict[str, Schema], *names: str) -> set[str]:
    """The types of the arguments: these, and those that they consist of."""
    found: set[str] = set()
    for name in names:
        text = json.dumps(definitions[name])
        found |= {name} | given(definitions, *re.findall(r"#/\$defs/([\w-]+)", text))
    return found


def named_type(name: str, schema: Schema) -> Iterator[str]:
    """The statements that define one type."""
    if "properties" in schema:
        yield from typed_dict(name, schema)
    elif "oneOf" in schema:
        cases: list[str] = []
        for case in schema["oneOf"]:
            cases.append(f"{name}{python_name(case['title'])}")
            yield from typed_dict(cases[-1], case)
        yield f"{name} = (\n    {' | '.join(cases)}\n)"
    else:
        yield f"{name} = {python_type(schema)}\n{docstring(schema, '')}"


def typed_dict(name: str, schema: Schema) -> Iterator[str]:
    """A dictionary's type. Its fields' names have hyphens, so that a class cannot have them.

    Where some may be left out and some may not, it is a class over one type for each kind.
    """
    required, optional = fields(schema, True), fields(schema, False)
    if required and optional:
        yield f"_{name}Required = TypedDict('_{name}Required', {{\n{required}}})"
        yield f"_{name}Optional = TypedDict('_{name}Optional', {{\n{optional}}}, total=False)"
        yield f"class {name}(_{name}Required, _{name}Optional):\n{docstring(schema, '    ')}"
    else:
        total = "" if required else ", total=False"
        lines = required or optional
        yield f"{name} = TypedDict({name!r}, {{\n{lines}}}{total})\n{docstring(schema, '')}"


def fields(schema: Schema, required: bool) -> str:
    """A line for each field that must be there, or that may be left out."""
    return "".join(
        f"    {name!r}: {python_type(field)!r},\n"
        for name, field in schema["properties"].items()
        if (name in schema["required"]) is required
    )


def exception(case: Schema) -> str:
    """The class of one case of the error."""
    lines = [
        f"class {error_name(case)}(CardError):",
        docstring(case, "    "),
        "",
        f"    title = {case['title']!r}",
        f"    case = {case_name(case)!r}",
    ]
    for payload in case.get("properties", {}).values():
        lines += [
            "",
            f"    def __init__(self, detail: {python_type(payload)}) -> None:",
            "        super().__init__(detail)",
            "        self.detail = detail",
        ]
    return "\n".join(lines)


def case_name(case: Schema) -> str:
    """A case has a payload under its name, or is its name."""
    [name] = case.get("properties", {}) or [case["const"]]
    return name


def error_name(case: Schema) -> str:
    return f"{python_name(case_name(case).removeprefix('permanent-'))}Error"


def python_name(name: str) -> str:
    """`invalid-field` → `InvalidField`."""
    return "".join(word.capitalize() for word in re.findall(r"\w+", name))


def python_type(schema: Schema) -> str:
    """What a part of the schema is in Python."""
    match schema:
        case {"$ref": reference}:
            return python_name(reference.removeprefix("#/$defs/"))
        case {"enum": names}:
            return f"Literal[{', '.join(map(repr, names))}]"
        case {"type": [kind, "null"]}:
            return f"{python_type({**schema, 'type': kind})} | None"
        case {"type": "string", "anyOf": _}:
            return "str | datetime"
        case {"type": "string", "contentMediaType": "application/json"}:
            return "str | Mapping[str, str]"
        case {"type": "array", "items": items}:
            return f"list[{python_type(items)}]"
        case {"type": kind}:
            return SIMPLE[kind]
        case {"anyOf": alternatives}:
            return " | ".join(map(python_type, alternatives))
        case _:
            raise NotImplementedError(f"a schema with {', '.join(schema)}")


def docstring(schema: Schema, indent: str) -> str:
    parts = [schema[key] for key in ("title", "description") if key in schema]
    text = ". ".join(part.rstrip(".") for part in parts) or "Of the card's interface"
    lines = textwrap.wrap(f'"""{text}."""', 98 - len(indent))
    return "\n".join(indent + line for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
