"""The operator."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, ClassVar, TypeVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from .. import CardError, Output
from .hooks import MixpanelHook

Result = TypeVar("Result")


class MixpanelCreateProfileOperator(BaseOperator):
    """Creates the profile of one user, or of each user of a list.

    The task succeeds when each profile was created or was there already. Else it fails with Mixpanel's
    reason, and is tried again as its `retries` say; but never where that cannot help: the input breaks
    a rule, the host forbids the request, or Mixpanel refuses the profile (neither 429 nor 5xx).

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
            raise AirflowFailException("give either input, for one user, or inputs, for a list")
        if self.inputs is None:
            output = _outcome(lambda: hook.create_profile(_parsed(self.input)))
            if failure := _failure(output):
                raise failure
            return output
        results = _outcome(lambda: hook.create_profiles(_parsed(self.inputs)))
        failures: list[AirflowException] = []
        for index, result in enumerate(results):
            if failure := _failure(result):
                failures.append(failure)
                self.log.error("inputs[%d]: %s", index, failure)
        if not failures:
            return len(results)
        # Those that can succeed are tried again, with all others: that is safe.
        retried = [failure for failure in failures if not isinstance(failure, AirflowFailException)]
        raise (AirflowException if retried else AirflowFailException)(
            f"{len(failures)} of {len(results)} users failed; the first: {failures[0]}"
        )


def _parsed(value: Any) -> Any:
    """A value of a field, or what its text says in JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        # The parser's own words quote what they stumble over.
        raise ValueError("the input is a string that is not JSON") from None


def _outcome(call: Callable[[], Result]) -> Result:
    """What a call returns, or its error as Airflow's."""
    try:
        return call()
    except CardError as error:
        raise _of_error(error) from None
    except (TypeError, ValueError) as error:
        raise AirflowFailException(str(error)) from None


def _failure(result: Output | CardError) -> AirflowException | None:
    if isinstance(result, CardError):
        return _of_error(result)
    status = result["status-code"]
    if 200 <= status <= 299:
        return None
    busy = status == 429 or status >= 500
    return (AirflowException if busy else AirflowFailException)(f"{status}: {result['reason']}")


def _of_error(error: CardError) -> AirflowException:
    return (AirflowFailException if error.permanent else AirflowException)(str(error))
