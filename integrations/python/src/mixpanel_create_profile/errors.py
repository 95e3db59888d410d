"""What the exceptions of the card have in common; `types` has one for each case of its error."""

from __future__ import annotations

from typing import Any, ClassVar, cast


class CardError(Exception):
    """Why there is no status code."""

    title: ClassVar[str]
    """What the interface calls the case."""

    case: ClassVar[str]
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
