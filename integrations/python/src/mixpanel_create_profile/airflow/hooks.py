"""The hook."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from airflow.sdk import BaseHook

from .. import (
    CardError,
    Connection,
    Input,
    Output,
    check_connection,
    create_profile,
    create_profiles,
)
from ..schema import inner
from .provider import CONNECTION_TYPE, TOKEN, fields

NUMBER = re.compile("[0-9]{1,9}")


class MixpanelHook(BaseHook):
    """Calls the card with a connection of Airflow's.

    Args:
        mixpanel_conn_id: The connection: its password is the project token, the other fields are
            among its extras.
    """

    conn_type = CONNECTION_TYPE
    conn_name_attr = "mixpanel_conn_id"
    default_conn_name = "mixpanel_default"
    hook_name = "Mixpanel"

    def __init__(self, mixpanel_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.mixpanel_conn_id = mixpanel_conn_id

    def get_conn(self) -> Connection:
        """The connection, as the card takes it. Fields that are left empty are left out.

        Raises:
            ValueError: The extras are no JSON object, or the project token is among them.
        """
        kept = self.get_connection(self.mixpanel_conn_id)
        extras = cast("object", kept.extra_dejson)  # pyright: ignore[reportUnknownMemberType]
        if not isinstance(extras, dict):
            raise ValueError("the connection's extras must be a JSON object")
        given = {
            name: _value(name, value)
            for name, value in cast("dict[str, object]", extras).items()
            if value not in (None, "")
        }
        if TOKEN in given:
            raise ValueError(
                f"connection.{TOKEN} is among the extras: give it as the password, the one place for it"
            )
        return cast("Connection", {TOKEN: kept.password or "", **given})

    def create_profile(self, input: Input) -> Output:
        """See `mixpanel_create_profile.create_profile`."""
        return create_profile(self.get_conn(), input)

    def create_profiles(self, inputs: Iterable[Input]) -> list[Output | CardError]:
        """See `mixpanel_create_profile.create_profiles`."""
        return create_profiles(self.get_conn(), inputs)

    def test_connection(self) -> tuple[bool, str]:
        """Whether Mixpanel knows the project token, and what it says."""
        try:
            check = check_connection(self.get_conn())
        except (CardError, TypeError, ValueError) as error:
            return False, str(error)
        reason = f": {check['reason']}" if check["reason"] else ""
        match check["verdict"]:
            case "valid":
                return True, "Mixpanel knows the project token"
            case "invalid":
                return False, f"Mixpanel does not know the project token{reason}"
            case "unknown":
                return False, f"It is not known whether the project token is right{reason}"


def _value(name: str, value: object) -> object:
    """The value of an extra. In a connection that is written as a URI, each is a text."""
    field: dict[str, Any] = inner(fields().get(name, {}))
    if field.get("type") == "integer" and isinstance(value, str) and NUMBER.fullmatch(value):
        return int(value)
    return value
