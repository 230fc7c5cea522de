"""Which lines of a Dockerfile's text the user wrote, and what the others stand for.

A text that is planned with may have lines of its own: the triggers of a base image (ONBUILD), which BuildKit carries
out right behind FROM. Inside, every line is one of that text. Whoever tells a line to a person tells the user's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """A trigger of a base image, taken as the instruction that it is carried out as.

    Attributes:
        text: as the image's configuration has it (`RUN cargo build`).
        image: as FROM names it.
        line: of that FROM, in the user's file.
    """

    text: str
    image: str
    line: int

    def __str__(self) -> str:
        """Return what a person calls it."""
        return f"ONBUILD trigger `{' '.join(self.text.split())}` of the base {self.image}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The lines of a text that are not the user's. `inherited`: the trigger that stands on each of them."""

    inherited: Mapping[int, Inherited] = field(default_factory=dict)

    def told(self, line: int) -> int:
        """Return the line of the user's file that a line of the text is told as: of a trigger, that of its FROM."""
        trigger = self.inherited.get(line)
        return trigger.line if trigger is not None else line - sum(each < line for each in self.inherited)

    def trigger(self, line: int) -> Inherited | None:
        """Return the trigger that stands on a line; None on a line of the user's."""
        return self.inherited.get(line)

    def written(self, text: str) -> str:
        """Return the text as the user wrote it."""
        rows = enumerate(text.split("\n"), start=1)
        return "\n".join(row for number, row in rows if number not in self.inherited)
