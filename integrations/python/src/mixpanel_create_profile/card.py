"""The card: compiled once for a process, a fresh instance for each call."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, cast

from wasmtime import Config, Engine, Store, WasiConfig, WasmtimeError
from wasmtime.component import (
    Component,
    ComponentInstanceType,
    ExportIndex,
    FuncType,
    Linker,
    Record,
    Variant,
)

from .component_types import FunctionType
from .errors import CardError, is_passing
from .schema import SCHEMA, Converter, Problems, converter, resource
from .tracebacks import hiding_arguments
from .types import (
    ERRORS,
    Connection,
    ConnectionCheck,
    ExecutionFailedError,
    Input,
    InvalidField,
    InvalidInputError,
    Output,
    TransportError,
)

MEMORY_BYTES = 64 << 20
"""What one call may use. The lists that were tried, of `LIST_BYTES`, needed half of it at most."""

LIST_LENGTH = 2_000
"""How many users are passed to the card at once: as many as Mixpanel takes in one request."""

LIST_BYTES = 4_000_000
"""How long their texts may be together, about; one user may be as long as `ARGUMENT_BYTES` says."""

ARGUMENT_BYTES = 8_000_000
"""How long a part of an argument may be. The card refuses an update of over 1 MB, which as JSON may be
six times as long; with much more, its memory would not be enough to say so."""

VALUE_BYTES = 10
"""What each value takes beside its text, about."""

LONGEST_WAIT_SECONDS = 60
"""What the card waits at most where a server asks to, as its `retry.rs` has it."""

RETRIES = "max-retries"

ASKED_TO_WAIT = re.compile(
    r"(?:; not sent)? \((?:tried [0-9]+ times; )?the server asks to wait ([0-9]+) s\)$"
)
"""The end of a reason, in the card's words."""


def _parts(inputs: Iterable[Input], problems: Problems) -> Iterator[list[Record | CardError]]:
    """What one call each takes, converted; the error in the place of a user that is too long."""
    given = cast("object", inputs)
    # A string or a dictionary can be iterated over, too, and is a mistake.
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return problems.wrong_type("inputs", "a list", cast("object", given))
    part: list[Record | CardError] = []
    length = 0
    for index, input in enumerate(inputs):
        problems.index = index
        user = _converters()["input"](input, "", problems)
        if problems.error():
            # Nothing will be sent.
            continue
        sizes = _sizes(user)
        too_long = _too_long(sizes)
        size = 0 if too_long else sum(sizes.values())
        if part and (len(part) == LIST_LENGTH or length + size > LIST_BYTES):
            yield part
            part, length = [], 0
        part.append(too_long or user)
        length += size
    yield part


@hiding_arguments()
def create_profile(connection: Connection, input: Input) -> Output:
    """Creates one user's profile, or adds what an existing one lacks.

    The status code says whether the profile is there; see the README for each. A call blocks its
    thread until it is over, with the interpreter lock released: several threads call at once. Where
    a signal's handler ends it (Ctrl-C), what was sent may still arrive.

    Raises:
        TypeError: An argument has a value of the wrong type; all such fields are named. Nothing was
            sent.
        ValueError: An argument has an unknown field, lacks a required one, or has a value that
            cannot be passed. Nothing was sent.
        CardError: There is no status code; the exception's class says who must act.
    """
    problems = Problems()
    to = _converters()["connection"](connection, "connection", problems)
    user = _converters()["input"](input, "", problems)
    if error := problems.error():
        raise error
    if error := _too_long(_sizes(to), "connection.") or _too_long(_sizes(user)):
        raise error
    return cast("Output", _to_json(_call("create-profile", to, user)))


@hiding_arguments(_parts.__code__)
def create_profiles(
    connection: Connection, inputs: Iterable[Input]
) -> list[Output | CardError]:
    """The same for many users, in as few requests as Mixpanel takes.

    Results are in the order of the inputs. Where there is no status code for one user, the exception
    is in its place, and the others go on. Lists of any length are fine; all of it is checked first.

    Raises:
        TypeError: As of `create_profile`, for any of the users. Nothing was sent.
        ValueError: As of `create_profile`, for any of the users. Nothing was sent.
        CardError: The connection is at fault: no profile was created.
    """
    return [result for part in in_parts(connection, inputs, Problems()) for result in part]


@hiding_arguments(_parts.__code__)
def create_profiles_in_parts(
    connection: Connection, inputs: Iterable[Input]
) -> Iterator[list[Output | CardError]]:
    """As `create_profiles`, with the results of each part as soon as they are there.

    All of the list is checked before this returns. A part is sent when its results are asked for.
    """
    return in_parts(connection, inputs, Problems())


def in_parts(
    connection: Connection, inputs: Iterable[Input], problems: Problems
) -> Iterator[list[Output | CardError]]:
    """As `create_profiles_in_parts`, with other words for what cannot be passed."""
    to = _converters()["connection"](connection, "connection", problems)
    parts = list(_parts(inputs, problems))
    if error := problems.error():
        raise error
    if error := _too_long(_sizes(to), "connection."):
        raise error
    return _results(to, parts)


@hiding_arguments()
def check_connection(connection: Connection) -> ConnectionCheck:
    """Asks Mixpanel whether the project token is right. Creates nothing.

    An aid for whoever sets a connection up, never a reason to stop a flow.

    Raises:
        TypeError: As of `create_profile`.
        ValueError: As of `create_profile`.
        CardError: Mixpanel was not asked: the connection is at fault, or the host.
    """
    problems = Problems()
    to = _converters()["connection"](connection, "connection", problems)
    if error := problems.error():
        raise error
    if error := _too_long(_sizes(to), "connection."):
        raise error
    return cast("ConnectionCheck", _to_json(_call("check-connection", to)))


def _results(
    connection: Record, parts: Iterable[list[Record | CardError]]
) -> Iterator[list[Output | CardError]]:
    """Sends part after part, by the rules that the card has for the requests of one call."""
    retries = getattr(connection, RETRIES)
    not_sent: Output | None = None
    for part in parts:
        if not_sent:
            # They would only be refused as well.
            yield [user if isinstance(user, CardError) else not_sent.copy() for user in part]
            continue
        results = _sent(connection, part)
        not_sent = _not_sent(results)
        # These say whether the server can be reached, others do not.
        told = [
            result
            for result in results
            if not isinstance(result, CardError) or isinstance(result, TransportError)
        ]
        if told:
            # With Mixpanel out of reach, a long list would wait for hours otherwise.
            setattr(connection, RETRIES, 0 if all(map(is_passing, told)) else retries)
        yield results


def _sent(connection: Record, part: list[Record | CardError]) -> list[Output | CardError]:
    users = [user for user in part if not isinstance(user, CardError)]
    try:
        outcomes = iter(_call("create-profiles", connection, users))
    except CardError as error:
        if error.permanent:
            # Of the connection, and so for every part.
            raise
        return [user if isinstance(user, CardError) else error for user in part]
    return [user if isinstance(user, CardError) else _result(next(outcomes)) for user in part]


def _result(outcome: Record | Variant) -> Output | CardError:
    return _error(outcome) if isinstance(outcome, Variant) else cast("Output", _to_json(outcome))


def _not_sent(results: Iterable[Output | CardError]) -> Output | None:
    """What becomes of all that are left, where the server asks to wait longer than the card does."""
    for result in results:
        if isinstance(result, CardError) or not result["reason"] or not is_passing(result):
            continue
        asked = ASKED_TO_WAIT.search(result["reason"])
        if asked and int(asked[1]) > LONGEST_WAIT_SECONDS:
            words = result["reason"][: asked.start()]
            reason = f"{words}; not sent (the server asks to wait {asked[1]} s)"
            return {"status-code": result["status-code"], "reason": reason}
    return None


def _sizes(record: Record) -> dict[str, int]:
    """How long each part of an argument is."""
    return {name: _size(value) for name, value in vars(record).items()}


def _size(value: Any) -> int:
    """About how many bytes a converted value has."""
    if isinstance(value, str):
        return VALUE_BYTES + (len(value) if value.isascii() else len(value.encode()))
    if isinstance(value, Record):
        return VALUE_BYTES + sum(map(_size, vars(value).values()))
    if isinstance(value, Variant):
        return VALUE_BYTES + _size(value.payload)
    if isinstance(value, list):
        return VALUE_BYTES + sum(map(_size, cast("list[Any]", value)))
    return VALUE_BYTES


def _too_long(sizes: Mapping[str, int], place: str = "") -> InvalidInputError | None:
    """As the card's own error of an update that is too long."""
    reason = f"is longer than {ARGUMENT_BYTES} bytes: that is more than any update may be"
    found: list[InvalidField] = [
        {"field": f"{place}{name}", "reason": reason}
        for name, size in sizes.items()
        if size > ARGUMENT_BYTES
    ]
    return InvalidInputError(found) if found else None


@functools.cache
def _converters() -> dict[str, Converter]:
    return {name: converter(SCHEMA["properties"][name]) for name in ("connection", "input")}


class _Card:
    """The component, compiled and linked. Threads share it; each call has a store of its own."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.engine = Engine(_configuration())
        self.component = Component(self.engine, resource(".wasm"))
        self.linker = Linker(self.engine)
        self.linker.add_wasip2()
        self.linker.add_wasi_http()
        self.functions = dict(self._functions())

    def _functions(self) -> Iterator[tuple[str, tuple[ExportIndex, FunctionType]]]:
        """The functions of all interfaces: where each is, and its type."""
        for interface, exported in self.component.type.exports(self.engine).items():
            assert isinstance(exported.ty, ComponentInstanceType)
            instance = self.component.get_export_index(interface)
            for name, item in exported.ty.exports(self.engine).items():
                if isinstance(item.ty, FuncType):
                    index = self.component.get_export_index(name, instance)
                    assert index is not None
                    yield name, (index, FunctionType(item.ty))


def _configuration() -> Config:
    config = Config()
    with contextlib.suppress(WasmtimeError):
        # Compiled code is kept in the user's cache folder. Where there is none that can be written,
        # each process compiles: that costs time and nothing else.
        config.cache = True
    return config


_compiling = threading.Lock()


@functools.cache
def _compiled() -> _Card:
    return _Card()


def _card() -> _Card:
    with _compiling:
        return _compiled()


def _call(name: str, *arguments: object) -> Any:
    """What a function of the component returns; its error is raised."""
    if threading.current_thread() is not threading.main_thread():
        return _call_in_this_thread(name, *arguments)
    # Python's handlers of signals (Ctrl-C, time limits) run in the main thread alone, and not before
    # it has come back from a call.
    future: Future[Any] = Future()

    def call() -> None:
        try:
            future.set_result(_call_in_this_thread(name, *arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=call, name=name, daemon=True).start()
    return future.result()


def _call_in_this_thread(name: str, *arguments: object) -> Any:
    """The call itself.

    The instance is used for this call alone: nothing is left of a call, and one that trapped could
    not be called again.
    """
    card = _card()
    if card.process != os.getpid():
        # The threads that do wasmtime's input and output are not in this process: it would hang.
        raise RuntimeError(
            "the card was called before this process was forked: call it in the child processes "
            "only, or start them with multiprocessing's method 'spawn'"
        )
    index, type = card.functions[name]
    with Store(card.engine) as store:
        store.set_wasi(WasiConfig())
        store.set_wasi_http()
        store.set_limits(memory_size=MEMORY_BYTES)
        function = card.linker.instantiate(store, card.component).get_func(store, index)
        assert function is not None
        # It would read it from the component in each call.
        function.type = lambda store: type
        try:
            result = function(store, *arguments)
        except Exception as trap:
            # The frames of wasmtime's package have the arguments.
            raise ExecutionFailedError from trap.with_traceback(None)
    if isinstance(result, Variant):
        raise _error(result)
    return result


def _error(variant: Variant) -> CardError:
    detail = _to_json(variant.payload)
    return ERRORS[variant.tag](*([] if detail is None else [detail]))


def _to_json(value: Any) -> Any:
    """A value of wasmtime's as JSON has it."""
    if isinstance(value, Record):
        return {name: _to_json(field) for name, field in vars(value).items()}
    if isinstance(value, list):
        return [_to_json(item) for item in cast("list[Any]", value)]
    return value
