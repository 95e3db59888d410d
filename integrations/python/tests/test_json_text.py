"""What is read of a JSON text is what stands there, or is marked."""

import pytest
from conftest import TOKEN, user
from mixpanel_create_profile import create_profile, json_text
from mixpanel_create_profile.json_text import AlteredNumber

CARRIED = [
    ("0", 0),
    ("-0", 0),
    ("0.0", 0.0),
    ("0e5", 0.0),
    ("0e99999999999999999999", 0.0),
    ("1", 1),
    ("-1", -1),
    ("1.50", 1.5),
    ("0.1", 0.1),
    ("15e-1", 1.5),
    ("1E+2", 100.0),
    ("1e300", 1e300),
    ("9007199254740992", 2**53),
    ("9007199254740994", 2**53 + 2),
    ("36893488147419103232", 2**65),
    ("1.7976931348623157e308", 1.7976931348623157e308),
    ("5e-324", 5e-324),
    # The shortest form of a double, which is another integer.
    ("738529527931269400", 738529527931269400.0),
    # One tenth's double, to its last digit.
    ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
]

ALTERED = [
    "738529527931269425",
    "-738529527931269425",
    "738529527931269425.0",
    "9007199254740993",
    "18446744073709551615",
    "12345678901234567.2",
    "0.12345678901234567890123",
    "1.0000000000000000001",
    "1e400",
    "-1e400",
    "1e-400",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "9" * 10_000,
]


@pytest.mark.parametrize(("text", "number"), CARRIED)
def test_a_number_that_a_double_carries_is_read(text, number):
    read = json_text.parse(text)
    assert (read, type(read)) == (number, type(number))


@pytest.mark.parametrize("text", ALTERED)
def test_a_number_that_it_would_alter_is_marked_and_refused(stand_in, connection, text):
    assert type(json_text.parse(text)) is AlteredNumber
    given = json_text.parse(
        '{"profile": {"profile-id": "a"}, "properties": '
        f'{{"dynamic-fields": [{{"name": "n", "value": {{"number": {text}}}}}]}}}}'
    )
    words = "cannot be carried exactly as a number: give it as a text"
    with pytest.raises(ValueError, match=f"^properties.dynamic-fields.0..value.number {words}$"):
        create_profile(connection, given)
    assert stand_in.requests() == []


def input_of(properties):
    return f'{{"profile": {{"profile-id": "a"}}, "properties": {{{properties}}}}}'


REPEATED = [
    ('{"profile": {"profile-id": "a"}, "profile": {"profile-id": "b"}}', "profile"),
    ('{"profile": {"profile-id": "a", "profile-id": "a"}}', "profile.profile-id"),
    (input_of('"name": "a", "name": null'), "properties.name"),
    (
        input_of('"dynamic-fields": [{"name": "n", "name": "m", "value": {"text": "a"}}]'),
        "properties.dynamic-fields[0].name",
    ),
    (
        input_of('"dynamic-fields": [{"name": "n", "value": {"text": "a", "text": "b"}}]'),
        "properties.dynamic-fields[0].value.text",
    ),
    (
        input_of('"custom-properties": {"plan": "pro", "plan": "free"}'),
        "properties.custom-properties.plan",
    ),
    (
        input_of(f'"custom-properties": {{"{"x" * 90}": "a", "{"x" * 90}": "b"}}'),
        f"properties.custom-properties.{'x' * 60}…",
    ),
]


@pytest.mark.parametrize(("text", "path"), REPEATED)
def test_a_field_that_is_there_twice_is_refused(stand_in, connection, text, path):
    with pytest.raises(ValueError) as raised:
        create_profile(connection, json_text.parse(text))
    assert str(raised.value) == f"{path} is there twice: give it once"
    assert stand_in.requests() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"profile": 738529527931269425}', "profile must be an object, not a value of type float"),
        ('{"profile": {"profile-id": 1e400}}', "profile.profile-id must be a string, not a value"),
        ('{"profile": {"profile-id": {"a": 1, "a": 2}}}', "profile.profile-id must be a string, not a"),
        (
            input_of('"dynamic-fields": [{"name": "n", "value": {"number": NaN}}]'),
            "properties.dynamic-fields[0].value.number must be a finite number",
        ),
        (input_of('"mail": 1, "mail": 2'), "properties has no field 'mail'"),
    ],
)
def test_what_is_marked_is_called_what_it_is(connection, text, words):
    with pytest.raises((TypeError, ValueError)) as raised:
        create_profile(connection, json_text.parse(text))
    assert str(raised.value).startswith(words)
    assert "Altered" not in str(raised.value)
    assert "Repeats" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", f"'{TOKEN}'", f'{{"a": {TOKEN}}}', "[" * 100_000, "1 2"])
def test_what_is_not_json_is_said_without_the_text(text):
    with pytest.raises(ValueError, match="^is not JSON$") as raised:
        json_text.parse(text)
    # The parser's own error has it.
    assert raised.value.__context__ is None


def test_nothing_else_is_changed(stand_in, connection):
    given = user(name="Zoë", custom_properties={"plan": "pro"})
    text = '{"profile": {"profile-id": "user-1"}, "properties": {"name": "Zo\\u00eb", '
    assert json_text.parse(text + '"custom-properties": {"plan": "pro"}}}') == given
