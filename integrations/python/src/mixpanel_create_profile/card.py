"""The card: compiled once for a process, a fresh instance for each call."""

from __future__ import annotations

import contextlib
import functools
import os
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
from .errors import CardError
from .schema import SCHEMA, Converter, Problems, converter, resource
from .types import (
    ERRORS,
    Connection,
    ConnectionCheck,
    ExecutionFailedError,
    Input,
    Output,
)

MEMORY_BYTES = 64 << 20
"""What one call may use. The lists that were tried, of `LIST_CHARACTERS`, needed half of it at most."""

LIST_LENGTH = 2_000
"""How many users are passed to the card at once: as many as Mixpanel takes in one request."""

LIST_CHARACTERS = 4_000_000
"""How long their texts may be together, about; one user may be as long as Mixpanel takes."""


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
    arguments = (
        _converters()["connection"](connection, "connection", problems),
        _converters()["input"](input, "", problems),
    )
    # From here on no traceback that shows local variables has the token or the user's data.
    del connection, input
    if error := problems.error():
        raise error
    return cast("Output", _to_json(_call("create-profile", *arguments)))


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
    problems = Problems()
    converted = _converters()["connection"](connection, "connection", problems)
    parts = list(_parts(inputs, problems))
    del connection, inputs
    if error := problems.error():
        raise error
    results: list[Output | CardError] = []
    for part in parts:
        try:
            results.extend(_outcomes(converted, part))
        except CardError as error:
            if error.permanent:
                # Of the connection, and so for every part.
                raise
            results.extend([error] * len(part))
    return results


def check_connection(connection: Connection) -> ConnectionCheck:
    """Asks Mixpanel whether the project token is right. Creates nothing.

    An aid for whoever sets a connection up, never a reason to stop a flow.

    Raises:
        TypeError: As of `create_profile`.
        ValueError: As of `create_profile`.
        CardError: Mixpanel was not asked: the connection is at fault, or the host.
    """
    problems = Problems()
    converted = _converters()["connection"](connection, "connection", problems)
    del connection
    if error := problems.error():
        raise error
    return cast("ConnectionCheck", _to_json(_call("check-connection", converted)))


def _parts(inputs: Iterable[Input], problems: Problems) -> Iterator[list[Any]]:
    """What one call each takes, converted."""
    given = cast("object", inputs)
    # A string or a dictionary can be iterated over, too, and is a mistake.
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return problems.wrong_type("inputs", "a list", cast("object", given))
    part: list[Any] = []
    characters = 0
    for index, input in enumerate(inputs):
        length = len(repr(input))
        if part and (len(part) == LIST_LENGTH or characters + length > LIST_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(_converters()["input"](input, f"inputs[{index}]", problems))
        characters += length
    if part:
        yield part


def _outcomes(connection: Any, part: list[Any]) -> Iterator[Output | CardError]:
    for outcome in _call("create-profiles", connection, part):
        yield _error(outcome) if isinstance(outcome, Variant) else cast("Output", _to_json(outcome))


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
            raise ExecutionFailedError from trap
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
