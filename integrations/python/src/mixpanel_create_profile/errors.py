"""What the exceptions of the card have in common; `types` has one for each case of its error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast


class CardError(Exception):
    """Why there is no status code. Each case has a class of its own; this one is what they share."""

    title: ClassVar[str] = "Error"
    """What the interface calls the case."""

    case: ClassVar[str] = "error"
    """The case's name in JSON."""

    @property
    def permanent(self) -> bool:
        """Whether the same call would fail again, so that somebody must act first."""
        return self.case.startswith("permanent-")

    def to_json(self) -> Any:
        """The error as the card's schema has it."""
        return {self.case: self.args[0]} if self.args else self.case

    def __str__(self) -> str:
        if not self.args:
            return self.title
        detail: Any = self.args[0]
        if isinstance(detail, list):
            fields = cast("list[dict[str, str]]", detail)
            detail = "; ".join(f"{invalid['field']}: {invalid['reason']}" for invalid in fields)
        return f"{self.title}: {detail}"


def is_created(result: Mapping[str, Any] | CardError) -> bool:
    """Whether the profile was created, or was there already."""
    return not isinstance(result, CardError) and 200 <= result["status-code"] <= 299


def is_passing(result: Mapping[str, Any] | CardError) -> bool:
    """Whether the same may well succeed later: the card's own rule, in its `retry.rs`."""
    if isinstance(result, CardError):
        return not result.permanent
    status: int = result["status-code"]
    return status in (408, 425, 429) or (500 <= status <= 599 and status not in (501, 505))
