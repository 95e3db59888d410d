"""What cannot be passed to the card is refused by field, before anything is sent."""

import copy
import math
import traceback
from datetime import datetime

import pytest
from conftest import TOKEN, dynamic, user
from mixpanel_create_profile import CardError, create_profile, create_profiles

FIELDS = "properties.dynamic-fields[0]"


def value(given):
    return user(dynamic_fields=[{"name": "n", "value": given}])


INPUTS = [
    # Not an object.
    (None, TypeError, "input must be an object, not None"),
    ([user()], TypeError, "input must be an object, not a value of type list"),
    ("user-1", TypeError, "input must be an object, not a value of type str"),
    ({"profile": [], "properties": {}}, TypeError, "profile must be an object"),
    # Missing and unknown fields.
    ({}, ValueError, "profile is required"),
    ({"profile": None}, TypeError, "profile must be an object, not None"),
    ({"profile": {}, "properties": {}}, ValueError, "profile.profile-id is required"),
    ({**user(), "extra": 1}, ValueError, "input has no field 'extra': its fields are profile, prop"),
    ({**user(), 1: 1}, ValueError, "input has no field 1"),
    (user(profile={"profile_id": "a"}), ValueError, "profile has no field 'profile_id'"),
    (user(mail="a@example.com"), ValueError, "properties has no field 'mail'"),
    (user(**{"x" * 200: 1}), ValueError, "properties has no field 'xxx"),
    # Wrong types.
    (user(4711), TypeError, "profile.profile-id must be a string, not a value of type int"),
    (user(None), TypeError, "profile.profile-id must be a string, not None"),
    (user(b"user-1"), TypeError, "profile.profile-id must be a string, not a value of type bytes"),
    (user(name=["Ada"]), TypeError, "properties.name must be a string, not a value of type list"),
    (user(created=1611164108), TypeError, "properties.created must be a string or a datetime"),
    (user(dynamic_fields={"a": 1}), TypeError, "properties.dynamic-fields must be a list"),
    (user(dynamic_fields="a"), TypeError, "properties.dynamic-fields must be a list"),
    (user(dynamic_fields=["a"]), TypeError, f"{FIELDS} must be an object"),
    (user(custom_properties=["a"]), TypeError, "properties.custom-properties must be a dictionary"),
    (user(custom_properties={"a": 1}), TypeError, "properties.custom-properties.a must be a string"),
    (user(custom_properties={1: "a"}), TypeError, "properties.custom-properties must be a dictionary"),
    # Values of dynamic fields.
    (value("a"), TypeError, f"{FIELDS}.value must be an object with one of text, number, boolean"),
    (value({}), ValueError, f"{FIELDS}.value must be an object with one of"),
    (value({"text": "a", "number": 1}), ValueError, f"{FIELDS}.value must be an object with one of"),
    (value({"date": "2026-01-01"}), ValueError, f"{FIELDS}.value must be an object with one of"),
    (value({"text": 1}), TypeError, f"{FIELDS}.value.text must be a string"),
    (value({"text": None}), TypeError, f"{FIELDS}.value.text must be a string, not None"),
    (value({"boolean": 1}), TypeError, f"{FIELDS}.value.boolean must be a boolean"),
    (value({"text-list": "ab"}), TypeError, f"{FIELDS}.value.text-list must be a list"),
    (value({"text-list": ["a", 1]}), TypeError, f"{FIELDS}.value.text-list[1] must be a string"),
    (value({"number": "1"}), TypeError, f"{FIELDS}.value.number must be a number"),
    (value({"number": True}), TypeError, f"{FIELDS}.value.number must be a number"),
    (value({"number": math.nan}), ValueError, f"{FIELDS}.value.number must be a finite number"),
    (value({"number": -math.inf}), ValueError, f"{FIELDS}.value.number must be a finite number"),
    (value({"number": 10**400}), ValueError, f"{FIELDS}.value.number must be a finite number"),
    (value({"number": 2**53 + 1}), ValueError, f"{FIELDS}.value.number must be a number that a doub"),
    # Moments without a zone.
    (user(created=datetime(2026, 1, 1)), ValueError, "properties.created must have a time zone"),
    (user(profile={"time": datetime(2026, 1, 1)}), ValueError, "profile.time must have a time zone"),
    (value({"date-time": datetime(2026, 1, 1)}), ValueError, f"{FIELDS}.value.date-time must have a"),
    # Text that is not Unicode.
    (user("a\ud800"), ValueError, "profile.profile-id must be Unicode text"),
    (user(created="\udfff"), ValueError, "properties.created must be Unicode text"),
    (user(dynamic_fields=dynamic(**{"\ud800": ("number", 1)})), ValueError, f"{FIELDS}.name must be"),
]

CONNECTIONS = [
    (None, TypeError, "connection must be an object, not None"),
    ({"region": "eu"}, ValueError, "connection.project-token is required"),
    ({"project-token": TOKEN}, ValueError, "connection.region is required"),
    ({"project-token": None, "region": "eu"}, TypeError, "connection.project-token must be a string"),
    ({"project-token": TOKEN, "region": "us"}, ValueError, "connection.region must be one of standar"),
    ({"project-token": TOKEN, "region": 1}, TypeError, "connection.region must be one of standard, e"),
    ({"max-retries": 256}, ValueError, "connection.max-retries must be from 0 to 255"),
    ({"max-retries": -1}, ValueError, "connection.max-retries must be from 0 to 255"),
    ({"max-retries": True}, TypeError, "connection.max-retries must be an integer"),
    ({"max-retries": 1.0}, TypeError, "connection.max-retries must be an integer"),
    ({"token": TOKEN}, ValueError, "connection has no field 'token'"),
]


@pytest.mark.parametrize(("given", "error", "message"), INPUTS)
def test_an_input_is_refused(stand_in, connection, given, error, message):
    with pytest.raises(error) as raised:
        create_profile(connection, given)
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 400
    with pytest.raises(error) as raised:
        create_profiles(connection, [user(), given])
    assert str(raised.value).replace("inputs[1].", "").replace("inputs[1]", "input").startswith(message)
    assert stand_in.requests() == []


@pytest.mark.parametrize(("given", "error", "message"), CONNECTIONS)
def test_a_connection_is_refused(stand_in, connection, given, error, message):
    for name in ("project-token", "region"):
        if given is not None and f"connection.{name} is required" != message:
            given.setdefault(name, connection[name])
    for call, input in [(create_profile, user()), (create_profiles, [user()])]:
        with pytest.raises(error) as raised:
            call(given, input)
        assert message in str(raised.value)
    assert stand_in.requests() == []


@pytest.mark.parametrize("given", [None, "ab", {"a": 1}, 1, user()])
def test_users_must_be_a_list(stand_in, connection, given):
    with pytest.raises(TypeError, match="^inputs must be a list, not "):
        create_profiles(connection, given)
    assert stand_in.requests() == []


def test_all_that_is_wrong_is_named_at_once_and_no_value(connection):
    given = user(4711, name=["secret"], created=datetime(2026, 1, 1), mail="secret")
    with pytest.raises(TypeError) as raised:
        create_profile({**connection, "region": "secret"}, given)
    message = str(raised.value)
    assert message.count(";") == 4
    assert "secret" not in message
    assert "4711" not in message


def test_many_faults_are_counted(connection):
    with pytest.raises(TypeError, match="; and 980 more$"):
        create_profiles(connection, [user(number) for number in range(1_000)])


def test_arguments_are_not_changed(stand_in, connection):
    given = user(custom_properties={"a": "b"}, dynamic_fields=dynamic(tags=("text-list", ["a"])))
    before = copy.deepcopy((connection, given))
    create_profile(connection, given)
    assert (connection, given) == before


@pytest.mark.parametrize(
    "break_it",
    [
        lambda connection: create_profile(connection, {}),
        lambda connection: create_profile({**connection, "region": "us"}, user()),
        lambda connection: create_profile(connection, user("null")),
        lambda connection: create_profile({**connection, "base-url": "http://127.0.0.1:1"}, user()),
        lambda connection: create_profiles(connection, [user(), {}]),
        lambda connection: create_profiles({**connection, "max-retries": 11}, [user()]),
    ],
)
def test_no_traceback_shows_the_token(connection, break_it):
    """Even one with the local variables of the package's functions."""
    with pytest.raises((CardError, TypeError, ValueError)) as raised:
        break_it(connection)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    frames = [frame for frame in shown.stack if "mixpanel_create_profile" in frame.filename]
    assert frames
    for frame in frames:
        assert TOKEN not in str(frame.locals)
    assert TOKEN not in str(raised.value)
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
