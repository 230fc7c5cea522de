"""Status lines at the bottom of a terminal that are drawn over, and leave nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.style import terminal_width
from orchestrator.report.width import columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from orchestrator.report.style import Style

_TO_FIRST_COLUMN = "\r"
"""A Ctrl-C or a key that was pressed may have left something on the line of the cursor."""

_CLEAR_BELOW = "\x1b[J"


class Screen:
    """The lower end of a terminal. Not for several threads at once."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self._stream, self._style = stream, style
        self._drawn: list[int] = []

    @property
    def width(self) -> int:
        """Return the columns that a line may take now: the last one stays free, since some terminals wrap there."""
        return (terminal_width(self._stream) or self._style.width) - 1

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the status lines; none takes them away."""
        width = self.width
        shown = [self._style.cut(self._style.shown(line), width) for line in lines]
        self._write(self._erased(width) + "".join(f"{line}\n" for line in shown))
        self._drawn = [columns(line) for line in shown]

    def print(self, line: str) -> None:
        """Write a line that stays, above the status lines, which must be drawn again."""
        self._write(f"{self._erased(self.width)}{self._style.shown(line)}\n")
        self._drawn = []

    def _erased(self, width: int) -> str:
        """Return what takes the status lines away; a terminal that became narrower has wrapped them meanwhile."""
        rows = sum(max(1, -(-length // (width + 1))) for length in self._drawn)
        return f"{_TO_FIRST_COLUMN}\x1b[{rows}A{_CLEAR_BELOW}" if rows else ""

    def _write(self, text: str) -> None:
        if text:
            self._stream.write(text)
            self._stream.flush()
