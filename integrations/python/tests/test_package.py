"""The package: what is in it, and that it says the same as the component and the schema."""

import copy
import os
import re
import sys
import zipfile

import pytest
import usage
from conftest import ROOT, user
from mixpanel_create_profile import CardError, types
from mixpanel_create_profile.card import _card
from mixpanel_create_profile.schema import DEFINITIONS, Problems, converter, inner
from wasmtime.component import (
    EnumType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    VariantType,
)


def test_the_wheel_has_the_component_and_its_schema_and_no_tests():
    with zipfile.ZipFile(os.environ["WHEEL"]) as wheel:
        names = wheel.namelist()
        for name in ("mixpanel-create-profile.wasm", "mixpanel-create-profile.schema.json"):
            assert wheel.read(f"mixpanel_create_profile/{name}") == (ROOT / "dist" / name).read_bytes()
    assert "mixpanel_create_profile/py.typed" in names
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_the_version_is_the_cards():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert f"-{version}-" in os.environ["WHEEL"]


def same(schema, type):
    """Whether a part of the schema is this type of the component's."""
    schema = inner(schema)
    match type:
        case RecordType():
            assert schema["properties"].keys() == dict(type.fields).keys()
            for name, field in type.fields:
                given = schema["properties"][name]
                may_be_left_out = isinstance(field, OptionType) or "default" in given
                assert (name in schema["required"]) != may_be_left_out, name
                same(given, field.payload if isinstance(field, OptionType) else field)
        case VariantType():
            cases = {}
            for case in schema["oneOf"]:
                cases |= {case["const"]: None} if "const" in case else case["properties"]
            assert cases.keys() == dict(type.cases).keys()
            for name, payload in type.cases:
                assert (payload is None) == (cases[name] is None)
                if payload:
                    same(cases[name], payload)
        case ListType():
            assert schema["type"] == "array"
            same(schema["items"], type.element)
        case EnumType():
            assert schema["enum"] == type.names
        case _:
            names = {"String": "string", "F64": "number", "Bool": "boolean"}
            name = type.__class__.__name__
            assert schema["type"] == names.get(name, "integer")
            if schema["type"] == "integer":
                bits = int(re.fullmatch(r"U(\d+)", name)[1])
                assert (schema["minimum"], schema["maximum"]) == (0, 2**bits - 1)


def test_the_schema_has_the_types_of_the_component():
    _, function = _card().functions["create-profile"]
    for name, type in function.params:
        same(DEFINITIONS[name], type)
    assert isinstance(function.result, ResultType)
    same(DEFINITIONS["output"], function.result.ok)
    same(DEFINITIONS["error"], function.result.err)


def test_there_is_an_exception_for_each_case_of_the_error():
    _, function = _card().functions["create-profile"]
    assert types.ERRORS.keys() == dict(function.result.err.cases).keys()
    for error in types.ERRORS.values():
        assert issubclass(error, CardError)
        assert error.__doc__


def test_a_field_that_is_added_to_the_interface_needs_nothing_here():
    sys.path.insert(0, str(ROOT / "integrations" / "python"))
    from generate_types import python

    definitions = copy.deepcopy(DEFINITIONS)
    added = {"title": "Nickname", "description": "A nickname.", "type": ["string", "null"]}
    definitions["properties"]["properties"]["nickname"] = added
    definitions["profile"]["properties"]["level"] = {"type": "integer", "minimum": 0, "maximum": 255}
    definitions["profile"]["required"].append("level")
    case = {"title": "Too Many", "type": "object", "properties": {"too-many": {"type": "integer"}}}
    definitions["error"]["oneOf"].append(case)
    made = python(copy.deepcopy(definitions))
    assert "'nickname': 'str | None'" in made
    assert "'level': 'int'" in made
    assert "class TooManyError(CardError)" in made
    compile(made, "types.py", "exec")

    problems = Problems()
    convert = converter(definitions["profile"])
    assert vars(convert({"profile-id": "a", "level": 1}, "profile", problems))["level"] == 1
    convert({"profile-id": "a"}, "profile", problems)
    assert str(problems.error()) == "profile.level is required"


def test_the_uses_that_pyright_checks(stand_in, connection):
    assert usage.one(connection) == 200
    names = ["Ada", "x" * 256, "Bob"]
    assert usage.many(connection, names) == ["created", "properties.name", "created"]
    assert stand_in.count() == 3
    users = [user("null"), *(user(f"some-{number}") for number in range(4_000))]
    assert usage.some(connection, users, 1) == 1
    assert stand_in.count() == 3 + 1_999


def test_the_readme_shows_what_works(stand_in, connection, capsys):
    readme = (ROOT / "integrations" / "python" / "README.md").read_text()
    namespace = {"connection": connection}
    for example in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        exec(re.sub(r"^connection: .*", "", example, flags=re.MULTILINE), namespace)
        assert namespace["output"]["status-code"] == 200
    assert capsys.readouterr().out == "200 None\n"
    assert len(stand_in.requests()) == 2


@pytest.mark.parametrize("name", ["Connection", "Input", "Output", "InvalidField", "Region"])
def test_types_can_be_imported(name):
    assert hasattr(types, name)
