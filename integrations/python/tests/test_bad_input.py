"""What cannot be passed to the card is refused by field, before anything is sent."""

import contextlib
import copy
import math
import signal
import traceback
from collections import ChainMap
from datetime import datetime, timedelta, timezone

import pytest
from conftest import TOKEN, dynamic, user
from mixpanel_create_profile import (
    CardError,
    ExecutionFailedError,
    InvalidInputError,
    card,
    check_connection,
    create_profile,
    create_profiles,
    create_profiles_in_parts,
)
from mixpanel_create_profile.schema import Problems

FIELDS = "properties.dynamic-fields[0]"


# A text of 32 characters, as a token is, may be one.
SECRET = "0123456789abcdef0123456789abcdef"


class Unshowable:
    """A key of a dictionary that cannot be shown."""

    def __repr__(self):
        raise AssertionError("a value is never shown")


def nested(depth):
    """A list in a list, deeper than Python goes."""
    inner = []
    for _ in range(depth):
        inner = [inner]
    return inner


def with_seconds(**offset):
    return timezone(timedelta(seconds=15, **offset))


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
    ({**user(), 1: 1}, ValueError, "input has no field of such a name (a value of type int): its"),
    ({**user(), Unshowable(): 1}, ValueError, "input has no field of such a name (a value of type Un"),
    ({**user(), "b": 1, "a": 1}, ValueError, "input has no field 'b': its fields are profile, properti"),
    (user(**{"$email": 1}), ValueError, "properties has no field '$email'"),
    (user(profile={SECRET: 1}), ValueError, "profile has no field of such a name (a string of 32 char"),
    (user(**{"a b": 1}), ValueError, "properties has no field of such a name (a string of 3 character"),
    (user(profile={"profile_id": "a"}), ValueError, "profile has no field 'profile_id'"),
    (user(mail="a@example.com"), ValueError, "properties has no field 'mail'"),
    (user(**{"x" * 200: 1}), ValueError, "properties has no field of such a name (a string of 2"),
    # Wrong types.
    (user(4711), TypeError, "profile.profile-id must be a string, not a value of type int"),
    (user(None), TypeError, "profile.profile-id must be a string, not None"),
    (user(b"user-1"), TypeError, "profile.profile-id must be a string, not a value of type bytes"),
    (user(name=["Ada"]), TypeError, "properties.name must be a string, not a value of type list"),
    (user(created=1611164108), TypeError, "properties.created must be a string or a datetime"),
    (user(dynamic_fields={"a": 1}), TypeError, "properties.dynamic-fields must be a list"),
    (user(dynamic_fields="a"), TypeError, "properties.dynamic-fields must be a list"),
    (user(dynamic_fields=nested(100_000)), TypeError, f"{FIELDS} must be an object, not a value of ty"),
    (user(nested(100_000)), TypeError, "profile.profile-id must be a string, not a value of type list"),
    (user(dynamic_fields=["a"]), TypeError, f"{FIELDS} must be an object"),
    (user(custom_properties=["a"]), TypeError, "properties.custom-properties must be a dictionary"),
    (user(custom_properties={"a": 1}), TypeError, "properties.custom-properties.a must be a string"),
    (user(custom_properties=ChainMap({"a": 1})), TypeError, "properties.custom-properties.a must be a"),
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
    # Moments that are out of Python's years in UTC, which is needed for an offset with seconds.
    (
        user(created=datetime(9999, 12, 31, 23, tzinfo=with_seconds(hours=-5))),
        ValueError,
        "properties.created must be a moment of the years 1 to 9999 in UTC",
    ),
    (
        user(created=datetime(1, 1, 1, tzinfo=with_seconds(hours=5))),
        ValueError,
        "properties.created must be a moment of the years 1 to 9999 in UTC",
    ),
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


def test_unknown_fields_are_named_in_their_order(connection):
    names = [f"field-{number}" for number in (3, 1, 2, 9, 7, 8)]
    with pytest.raises(ValueError) as raised:
        create_profile(connection, {**user(), **dict.fromkeys(names)})
    assert [part.split("'")[1] for part in str(raised.value).split("; ")] == names


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (user(4711), ": put it in quotes"),
        (user(True), ": put it in quotes"),
        (user(created=4711), ": put it in quotes"),
        (value({"number": "1"}), ": give it without quotes"),
        (value({"boolean": "true"}), ": give it without quotes"),
        (user(["a"]), "list"),
    ],
)
def test_a_wrong_type_is_refused_with_what_to_do(connection, given, hint):
    with pytest.raises(TypeError) as raised:
        create_profile(connection, given)
    assert str(raised.value).endswith(hint)


LONG = "x" * card.ARGUMENT_BYTES


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (user(name=LONG), ["properties"]),
        (user(name="ü" * (card.ARGUMENT_BYTES // 2)), ["properties"]),
        (user(LONG), ["profile"]),
        (user(LONG, name=LONG), ["profile", "properties"]),
        (user(dynamic_fields=[{"name": "a", "value": {"text": "b"}}] * 200_000), ["properties"]),
    ],
)
def test_a_user_that_is_longer_than_any_update_is_an_error_of_its_own(
    stand_in, connection, given, fields
):
    """The card's memory would not be enough to say it."""
    with pytest.raises(InvalidInputError, match="is longer than 8000000 bytes") as raised:
        create_profile(connection, given)
    assert [invalid["field"] for invalid in raised.value.detail] == fields
    assert stand_in.requests() == []
    results = create_profiles(connection, [user("a"), given, user("b"), given])
    assert [isinstance(result, InvalidInputError) for result in results] == [False, True, False, True]
    assert results[1].detail == raised.value.detail
    assert len(stand_in.requests()) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda connection: create_profile(connection, user()),
        lambda connection: create_profiles(connection, []),
        lambda connection: check_connection(connection),
    ],
)
def test_a_connection_that_is_too_long_is_named(connection, call):
    with pytest.raises(InvalidInputError, match="connection.base-url: is longer than"):
        call({**connection, "base-url": LONG})


def test_a_user_that_is_just_not_too_long_is_one_that_the_card_refuses(connection):
    given = user(name="x" * (card.ARGUMENT_BYTES - 1_000))
    with pytest.raises(InvalidInputError, match="properties.name: has 7999000 bytes"):
        create_profile(connection, given)


def test_many_faults_are_counted(connection):
    with pytest.raises(TypeError, match="; and 980 more$"):
        create_profiles(connection, [user(number) for number in range(1_000)])


def test_arguments_are_not_changed(stand_in, connection):
    given = user(custom_properties={"a": "b"}, dynamic_fields=dynamic(tags=("text-list", ["a"])))
    before = copy.deepcopy((connection, given))
    create_profile(connection, given)
    assert (connection, given) == before


class Stopped(BaseException):
    """What a signal's handler raises."""


class Raising(dict):
    """A dictionary that is stopped while it is read."""

    def get(self, name, default=None):
        signal.raise_signal(signal.SIGUSR1)


def users_that_end(error):
    yield user()
    raise error


@pytest.fixture(autouse=True)
def stop():
    def handle(*_):
        raise Stopped

    before = signal.signal(signal.SIGUSR1, handle)
    yield
    signal.signal(signal.SIGUSR1, before)


def at_the_end_of_the_stack(call):
    """Calls with less and less room for what the call itself calls."""
    with contextlib.suppress(ValueError):
        call()
    at_the_end_of_the_stack(call)


def trap(connection):
    large = user(dynamic_fields=dynamic(**{f"n{n}": ("text", "x" * 250) for n in range(1_900)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "MEMORY_BYTES", 1_500_000)
        create_profile(connection, large)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda connection: create_profile(connection, {}),
        lambda connection: create_profile({**connection, "region": "us"}, user()),
        lambda connection: create_profile(connection, user("null")),
        lambda connection: create_profile({**connection, "base-url": "http://127.0.0.1:1"}, user()),
        lambda connection: create_profiles(connection, [user(), {}]),
        lambda connection: create_profiles({**connection, "max-retries": 11}, [user()]),
        lambda connection: next(create_profiles_in_parts({**connection, "max-retries": 11}, [])),
        lambda connection: create_profiles_in_parts(connection, [{}]),
        lambda connection: check_connection({**connection, "region": "us"}),
        # What is not the package's own: the caller's iterator, a signal, the end of the stack.
        lambda connection: create_profiles(connection, users_that_end(Stopped())),
        lambda connection: create_profiles_in_parts(connection, users_that_end(Stopped())),
        lambda connection: create_profiles(connection, [Raising(user())]),
        lambda connection: create_profile(connection, Raising(user())),
        lambda connection: check_connection(Raising(connection)),
        lambda connection: at_the_end_of_the_stack(lambda: create_profile(connection, {})),
        trap,
    ],
)
def test_no_traceback_shows_the_token(connection, break_it):
    """Even one with the local variables of functions: but for those of the caller."""
    with pytest.raises((CardError, TypeError, ValueError, RecursionError, Stopped)) as raised:
        break_it(connection)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    frames = [frame for frame in shown.stack if frame.filename != __file__]
    assert any("mixpanel_create_profile" in frame.filename for frame in frames)
    if isinstance(raised.value, ExecutionFailedError):
        frames += shown.__cause__.stack
    for frame in frames:
        assert TOKEN not in str(frame.locals)
        assert "user-1" not in str(frame.locals)
    assert TOKEN not in str(raised.value)
    assert TOKEN not in "".join(traceback.format_exception(raised.value))


def test_neither_does_that_of_an_error_which_was_handled_just_then(connection, monkeypatch):
    def stop(*_):
        raise Stopped

    monkeypatch.setattr(Problems, "add", stop)
    try:
        raise LookupError("of the caller")
    except LookupError as error:
        callers = error
        with pytest.raises(Stopped) as raised:
            create_profile(connection, user("user-1\ud800"))
    handled = raised.value.__context__
    assert (type(handled), handled.__traceback__) == (UnicodeEncodeError, None)
    assert handled.__context__ is callers
    assert callers.__traceback__ is not None


@pytest.mark.parametrize("call", [create_profiles, create_profiles_in_parts])
def test_a_traceback_shows_where_the_callers_iterator_ends(connection, call):
    with pytest.raises(ZeroDivisionError) as raised:
        call(connection, (user(str(1 // (1 - number))) for number in range(3)))
    assert raised.traceback[-1].path.name == "test_bad_input.py"
    assert raised.traceback[-1].name == "<genexpr>"


@pytest.mark.parametrize("arguments", [(), ("z",), ("a", "b")])
def test_an_error_that_somebody_makes_can_be_shown(arguments):
    error = CardError(*arguments)
    assert str(error) == ": ".join(["Error", *arguments[:1]])
    assert not error.permanent
    assert repr(error.to_json())
