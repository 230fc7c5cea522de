"""How many columns a text takes on a terminal, and cutting and wrapping by that.

Wide and full-width characters take two columns, combining marks none (Unicode annex 11). A character followed by the
emoji variation selector is counted as two: terminals differ there, and a line that is a column short is better than one
that wraps.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_EMOJI_STYLE = "\ufe0f"
_NOTHING = frozenset({"Mn", "Me", "Cf"})
_JAMO = range(0x1160, 0x1200)
"""Vowels and finals that stack onto the syllable before them."""


def columns(text: str) -> int:
    """Return the number of columns that a text without control characters takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(letter) for letter in text)


def cut(text: str, room: int, mark: str) -> str:
    """Return the text cut to a number of columns, `mark` standing where it was cut."""
    if columns(text) <= room:
        return text
    return _head(text, max(0, room - columns(mark))) + mark


def wrap(text: str, room: int, *, whole_words: bool = False) -> list[str]:
    """Return the text's words on lines of a number of columns; at least one line.

    Args:
        text: its own line ends count as blanks.
        room: columns, at least 2.
        whole_words: let a word that is too long stand out of its line, so that it can be copied; otherwise break it.
    """
    lines: list[str] = []
    line = ""
    for word in _pieces(text, room, whole_words=whole_words):
        if line and columns(line) + 1 + columns(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def pad(text: str, room: int) -> str:
    """Return the text with blanks up to a number of columns."""
    return text + " " * max(0, room - columns(text))


def _pieces(text: str, room: int, *, whole_words: bool) -> Iterator[str]:
    for word in text.split():
        rest = word
        while not whole_words and columns(rest) > room:
            piece = _head(rest, room) or rest[0]
            yield piece
            rest = rest[len(piece) :]
        if rest:
            yield rest


def _head(text: str, room: int) -> str:
    used = 0
    for place, letter in enumerate(text):
        used += _columns(letter)
        if used > room:
            return text[:place]
    return text


@lru_cache(maxsize=4096)
def _columns(letter: str) -> int:
    if letter == _EMOJI_STYLE:
        return 1
    if unicodedata.category(letter) in _NOTHING or ord(letter) in _JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
