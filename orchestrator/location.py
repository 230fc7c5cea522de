"""Where something stands in a file: the one way this tool points at a place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a text file.

    Attributes:
        file: path as the user would type it, relative to the spec's folder where it lies inside.
        line: 1-based; None for the whole file.
        column: 1-based, counted in characters; None for the whole line.
    """

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return `file:line:column`, the form that editors and terminals make clickable."""
        parts = [self.file]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)
