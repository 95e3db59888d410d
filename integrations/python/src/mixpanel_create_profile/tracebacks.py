"""Tracebacks without the arguments of a call: tools that show local variables would show the token."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


def hiding_arguments(
    callers: CodeType | None = None,
) -> Callable[[Callable[Parameters, Returned]], Callable[Parameters, Returned]]:
    """A function whose errors leave it without the frames below it, and without its arguments.

    Args:
        callers: What runs an iterator of the caller's: the frames of that are kept.
    """

    def decorate(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        @functools.wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                _hide_handled(error)
                raise error.with_traceback(_of_caller(error.__traceback__, callers))
            finally:
                del args, kwargs

        return call

    return decorate


def _hide_handled(error: BaseException) -> None:
    """Of the errors that were handled when this one came, those of the package lose their frames."""
    handled = error.__context__
    while handled and handled.__traceback__ and _is_own(handled.__traceback__):
        handled.__traceback__ = None
        handled = handled.__context__


def _of_caller(trace: TracebackType | None, callers: CodeType | None) -> TracebackType | None:
    """The part of a traceback that is an iterator of the caller's."""
    while trace:
        below = trace.tb_next
        if trace.tb_frame.f_code is callers and below and not _is_own(below):
            return below
        trace = below
    return None


def _is_own(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__")).startswith(f"{__package__}.")
