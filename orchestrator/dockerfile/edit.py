"""Edits of a Dockerfile's text by place, so that no line of it is added, removed or moved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Dockerfile

TOKEN = re.compile(r"""(?:\\.|"[^"\n]*"|'[^'\n]*'|[^\s"'\\]|["'\\](?!\n))+""")
"""A word of an instruction; quotes hold it together, and an escape at the end of a line ends it."""


class Edit:
    """Text with insertions and replacements, kept by offset until the end so that none shifts another."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self.original = dockerfile.text
        self.escape = dockerfile.escape
        # Lines as BuildKit counts them: form feeds and the like end none.
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.original))]
        self._changes: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, new: str) -> None:
        """Put a text in the place of what lies between two offsets."""
        self._changes.append((start, end, new))

    def carry_out(self, instruction_line: int) -> None:
        """Take the word ONBUILD away from before an instruction, if it is there."""
        keyword = TOKEN.search(self.original, self._starts[instruction_line - 1])
        if keyword and keyword[0].upper() == "ONBUILD":
            self.replace(keyword.start(), keyword.end(), "")

    def text(self) -> str:
        """Return the edited text."""
        text = self.original
        for start, end, new in sorted(self._changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def words(self, instruction_line: int) -> tuple[int, list[tuple[int, int]], int]:
        """Return (end of the keyword, spans of its flags, start of the rest) of the instruction on a line.

        Of a trigger, it is the keyword behind ONBUILD.
        """
        start = self._starts[instruction_line - 1]
        keyword = TOKEN.search(self.original, start)
        if keyword and keyword[0].upper() == "ONBUILD":
            keyword = TOKEN.match(self.original, self._skip(keyword.end()))
        place = after = keyword.end() if keyword else start
        flags: list[tuple[int, int]] = []
        while True:
            place = self._skip(place)
            match = TOKEN.match(self.original, place)
            if match is None or not match[0].startswith("--"):
                return after, flags, place
            flags.append(match.span())
            place = match.end()

    def _skip(self, place: int) -> int:
        """Return the next place that says something: over blanks, continued lines and the comments between them."""
        text = self.original
        while place < len(text):
            if text[place] in " \t":
                place += 1
            elif text[place] == self.escape and (end := re.compile(r"[ \t]*\n").match(text, place + 1)):
                place = end.end()
                while comment := re.compile(r"[ \t]*(?:#[^\n]*)?\n").match(text, place):
                    place = comment.end()
            else:
                break
        return place
