"""The hook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

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
from .provider import CONNECTION_TYPE, TOKEN


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
        """The connection, as the card takes it. Fields that are left empty are left out."""
        kept = self.get_connection(self.mixpanel_conn_id)
        extras = cast("dict[str, object]", kept.extra_dejson)  # pyright: ignore[reportUnknownMemberType]
        given = {name: value for name, value in extras.items() if value not in (None, "")}
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
