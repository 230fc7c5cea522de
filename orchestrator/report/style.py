"""How output looks on a given terminal: width, colours, and characters that its encoding can show."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.report.width import cut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}
_NARROWEST = 40
_USUAL = 80
_LOWEST = 24
_WIDEST = 120
_PLAIN = {
    "✓": "ok", "✗": "FAIL", "?": "?", "·": "-", "→": "->", "…": "..", "≠": "/=", "│": "|",
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u00a0": " ",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the reader's terminal can do.

    Attributes:
        width: columns that a line may take.
        height: rows that are seen at once; None where everything can be scrolled to or is kept (a file, a CI log).
        colour: whether escape codes are wanted (a terminal, and NO_COLOR unset; https://no-color.org).
        live: whether lines may be drawn over (a terminal that is not dumb).
        encoding: of the stream; characters outside it are replaced, never an error.
    """

    width: int = _USUAL
    height: int | None = None
    colour: bool = False
    live: bool = False
    encoding: str = "utf-8"

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour, or as it is where colours are not wanted."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def sign(self, character: str) -> str:
        """Return the character, or its plain stand-in where the encoding lacks it (Windows-1252, ASCII)."""
        return character if self._shows(character) else _PLAIN.get(character, "?")

    def shown(self, text: str) -> str:
        """Return the text with everything replaced that the stream cannot show."""
        if self._shows(text):
            return text
        plain = "".join(character if self._shows(character) else _PLAIN.get(character, "?") for character in text)
        return plain.encode(self.encoding, "replace").decode(self.encoding)

    def cut(self, text: str, room: int) -> str:
        """Return the text cut to a number of columns, marked where it was cut."""
        return cut(text, room, self.sign("…"))

    def _shows(self, text: str) -> bool:
        try:
            text.encode(self.encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True


def style_of(stream: TextIO, environment: Mapping[str, str]) -> Style:
    """Return the style that fits a stream."""
    terminal = stream.isatty()
    dumb = environment.get("TERM", "") in {"", "dumb"}
    columns, rows = _room(stream, environment) if terminal else (_given(environment, "COLUMNS") or _USUAL, 0)
    return Style(
        width=max(_NARROWEST, min(columns, _WIDEST)),
        height=max(_LOWEST, rows) if terminal else None,
        colour=terminal and not dumb and not environment.get("NO_COLOR"),
        live=terminal and not dumb,
        encoding=stream.encoding or "ascii",
    )


def terminal_width(stream: TextIO) -> int | None:
    """Return the terminal's width now, which may change while a run goes on; None where it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def _room(stream: TextIO, environment: Mapping[str, str]) -> tuple[int, int]:
    """Return columns and rows of a terminal: what the variables say, what it says itself, or what most have."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    return _given(environment, "COLUMNS") or columns or _USUAL, _given(environment, "LINES") or rows


def _given(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else 0
