"""One way to look at a pair of programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.verdict import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """What one way to look at a pair shows.

    Attributes:
        equal: None where it cannot be told.
        summary: one clause.
        details: what differs, one fact each.
    """

    name: str
    equal: bool | None
    summary: str
    details: tuple[Evidence, ...] = ()


def sides(local: object, image: object) -> str:
    """Return two values side by side."""
    return f"local {local}, image {image}"
