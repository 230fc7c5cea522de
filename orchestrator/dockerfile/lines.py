"""Which lines of a Dockerfile's text the user wrote, and what the others stand for.

A text that is planned with may have lines of its own: ONBUILD triggers, which BuildKit carries out right behind the
FROM that names what has them. Inside, every line is one of that text. Whoever tells a line to a person tells the
user's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """A trigger, taken as the instruction that it is carried out as.

    Attributes:
        text: as the image's configuration has it (`RUN cargo build`).
        image: the base image or the stage that has it, as FROM names it.
        line: of that FROM, in the user's file; of a stage's trigger, its own.
        own: whether it is a stage's.
    """

    text: str
    image: str
    line: int
    own: bool = False

    @property
    def shown(self) -> str:
        """Return the text on one line: continued lines joined, and without the comments between them."""
        first, *others = self.text.split("\n")
        rows = [first, *(row for row in others if not row.lstrip().startswith("#"))]
        return " ".join(" ".join(row.rstrip("\\` \t\r") if others else row for row in rows).split())

    def __str__(self) -> str:
        """Return what a person calls it."""
        return f"ONBUILD trigger `{self.shown}` of the {'stage' if self.own else 'base'} {self.image}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The lines of a text that are not the user's.

    Attributes:
        inherited: the trigger that stands on each of them.
        spent: of the user's lines that became comments, what they said.
    """

    inherited: Mapping[int, Inherited] = field(default_factory=dict)
    spent: Mapping[int, str] = field(default_factory=dict)

    def told(self, line: int) -> int:
        """Return the line of the user's file that a line of the text is told as: of a trigger, that of its origin."""
        trigger = self.inherited.get(line)
        return trigger.line if trigger is not None else line - sum(each < line for each in self.inherited)

    def trigger(self, line: int) -> Inherited | None:
        """Return the trigger that stands on a line; None on a line of the user's."""
        return self.inherited.get(line)

    def written(self, text: str) -> str:
        """Return the text as the user wrote it."""
        rows = enumerate(text.split("\n"), start=1)
        return "\n".join(self.spent.get(number, row) for number, row in rows if number not in self.inherited)
