"""What a cause answers: how likely it is, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.verdict import Evidence

_LONGEST = 80
EVERYTHING_ELSE = frozenset({"*"})
"""What a file that is no program, or another one, explains: there is nothing left to compare."""


class Likelihood(IntEnum):
    """How well the evidence fits a cause. Words, not figures: nobody has measured how often each cause occurs."""

    POSSIBLE = 1
    """The evidence allows it, and allows other causes as well. Never named as *the* cause."""

    LIKELY = 2
    """The evidence is what this cause leaves behind, and is rare otherwise."""

    CERTAIN = 3
    """The evidence cannot come about otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """One cause that fits.

    Attributes:
        cause: kebab-case id from docs/reference/causes.md.
        explanation: one clause, fit to follow the verdict's sentence after a colon.
        repair: what to do about it.
        explains: causes whose evidence this one accounts for as well; they are not named beside it.
    """

    cause: str
    likelihood: Likelihood
    explanation: str
    repair: str
    evidence: tuple[Evidence, ...] = ()
    explains: frozenset[str] = frozenset()

    def covers(self, cause: str) -> bool:
        """Return whether this one accounts for another cause's evidence."""
        return cause in self.explains or self.explains == EVERYTHING_ELSE


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """Return names as a text, at most `most` of them, each cut to a readable length, and how many more there are."""
    shown = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most:,} more")
    return ", ".join(shown)
