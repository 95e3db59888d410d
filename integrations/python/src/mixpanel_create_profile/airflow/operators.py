"""The operator."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar, TypeVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from .. import CardError, Output, json_text
from ..errors import is_created, is_passing
from .hooks import MixpanelHook

Result = TypeVar("Result")

NAMED_PLACES = 5
"""Of the users that fail for one reason, so many are named."""


class MixpanelCreateProfileOperator(BaseOperator):
    """Creates the profile of one user, or of each user of a list.

    The task succeeds when each profile was created or was there already. Else it fails with Mixpanel's
    reason, and is tried again as its `retries` say; but never where that cannot help: the input breaks
    a rule, the host forbids the request, or Mixpanel refuses the profile.

    Args:
        input: One user, as an object or as the JSON text that a template makes; with `expand`, a task
            for each user of a list.
        inputs: A list of users, in place of `input`; sent in as few requests as Mixpanel takes.
        mixpanel_conn_id: The connection to use.

    Returns:
        The card's output for one user; for a list, how many profiles there are now.
    """

    template_fields: Collection[str] = ("input", "inputs", "mixpanel_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"input": "json", "inputs": "json"}
    ui_color = "#e8e3ff"

    def __init__(
        self,
        *,
        input: Any = None,
        inputs: Any = None,
        mixpanel_conn_id: str = MixpanelHook.default_conn_name,
        **options: Any,
    ) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]
        self.input = input
        self.inputs = inputs
        self.mixpanel_conn_id = mixpanel_conn_id

    def execute(self, context: Context) -> Any:
        hook = MixpanelHook(self.mixpanel_conn_id)
        if (self.input is None) == (self.inputs is None):
            both = "None, as of a task that returned nothing" if self.input is None else "given"
            raise AirflowFailException(
                f"give either input, for one user, or inputs, for a list: both are {both}"
            )
        if self.inputs is None:
            output = _outcome(lambda: hook.create_profile(_parsed(self.input)))
            if not is_created(output):
                raise _failure(output)
            return output
        results = _outcome(lambda: hook.create_profiles(_parsed(self.inputs)))
        failures = {
            index: _failure(result) for index, result in enumerate(results) if not is_created(result)
        }
        if not failures:
            return len(results)
        places: dict[str, list[int]] = {}
        for index, failure in failures.items():
            places.setdefault(str(failure), []).append(index)
        for reason, indices in places.items():
            self.log.error("%s: %s", _named(indices), reason)
        # Those that can succeed are tried again, with all others: that is safe.
        retried = any(not isinstance(failure, AirflowFailException) for failure in failures.values())
        raise (AirflowException if retried else AirflowFailException)(
            f"{len(failures)} of {len(results)} users failed; the first: {next(iter(places))}"
        )


def _parsed(value: Any) -> Any:
    """A value of a field, or what its text says in JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json_text.parse(value)
    except ValueError as error:
        raise ValueError(f"the input is a string that {error}") from None


def _named(indices: list[int]) -> str:
    """The places of users that have failed for the same reason."""
    named = ", ".join(f"inputs[{index}]" for index in indices[:NAMED_PLACES])
    more = len(indices) - NAMED_PLACES
    return f"{named} and {more} more" if more > 0 else named


def _outcome(call: Callable[[], Result]) -> Result:
    """What a call returns, or its error as Airflow's."""
    try:
        return call()
    except CardError as error:
        raise _failure(error) from None
    except (TypeError, ValueError) as error:
        raise AirflowFailException(str(error)) from None


def _failure(result: Output | CardError) -> AirflowException:
    """What fails the task, where no profile is there."""
    is_error = isinstance(result, CardError)
    said = str(result) if is_error else f"{result['status-code']}: {result['reason']}"
    return (AirflowException if is_passing(result) else AirflowFailException)(said)
