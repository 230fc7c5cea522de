"""One thing that stands between a project and programs that are the same wherever they are built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.location import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of a file that cannot change what the program does. Offsets count characters; `file`: in the source."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What was found and what to do.

    Attributes:
        cause: the cause of a difference that this brings about, as `invoke explain` knows it.
        found: one clause.
        edit: the repair, where it is safe to be written without a look; None otherwise.
    """

    cause: str
    location: Location
    found: str
    repair: str
    edit: Edit | None = None
