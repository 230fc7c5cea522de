"""Exact places in a text: from offsets in what was parsed to lines and columns in the file that a person has."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from functools import cached_property

from orchestrator.location import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a file.

    Attributes:
        file: its path for people.
        line, column: where it begins, 1-based, columns in characters.
        last_line, last_column: its last character, 1-based and included.
    """

    file: str
    line: int
    column: int
    last_line: int
    last_column: int

    @property
    def location(self) -> Location:
        """Return where it begins."""
        return Location(file=self.file, line=self.line, column=self.column)


@dataclass(frozen=True)
class SourceText:
    """A text file with plain line ends, addressed by byte offsets because parsers count bytes."""

    file: str
    text: str

    @cached_property
    def content(self) -> bytes:
        """Return the text as bytes."""
        return self.text.encode("utf-8", "surrogatepass")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.content.split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts[:-1]

    def line_start(self, line: int) -> int:
        """Return the offset of a line's first byte; of a line behind the end, the text's length."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.content)

    def offset(self, line: int, column: int) -> int:
        """Return the byte offset of a place, 1-based."""
        start = self.line_start(line)
        text = self.content[start : self.line_start(line + 1)].decode("utf-8", "replace")
        return start + len(text[: column - 1].encode("utf-8", "surrogatepass"))

    def span(self, start: int, end: int) -> Span:
        """Return the stretch between two byte offsets; an empty one has the length of one character."""
        line, column = self._place(start)
        last_line, last_column = self._place(max(start, end - 1))
        return Span(file=self.file, line=line, column=column, last_line=last_line, last_column=last_column)

    def _place(self, offset: int) -> tuple[int, int]:
        offset = max(0, min(offset, len(self.content)))
        line = bisect.bisect_right(self._starts, offset)
        before = self.content[self._starts[line - 1] : offset]
        return line, len(before.decode("utf-8", "replace")) + 1


@dataclass(frozen=True)
class ScriptText:
    """Shell text as the shell gets it, and where each piece of it stands in a file.

    Attributes:
        content: the shell's input.
        source: the file that it stands in.
        pieces: (offset in `content`, offset in the source), sorted; what lies between two pieces is contiguous.
    """

    content: bytes
    source: SourceText
    pieces: tuple[tuple[int, int], ...]

    def offset(self, place: int) -> int:
        """Return the offset in the source of an offset in the script."""
        index = max(0, bisect.bisect_right(self.pieces, (place, 1 << 62)) - 1)
        begin, there = self.pieces[index]
        return there + (place - begin)

    def part(self, start: int, end: int) -> ScriptText:
        """Return a stretch of the script as a script of its own."""
        pieces = [(0, self.offset(start))]
        pieces += [(begin - start, there) for begin, there in self.pieces if start < begin < end]
        return ScriptText(content=self.content[start:end], source=self.source, pieces=tuple(pieces))

    def span(self, start: int, end: int) -> Span:
        """Return where a stretch of the script stands."""
        # The end is taken from the last character, so that it never reaches over a continued line.
        return self.source.span(self.offset(start), self.offset(max(start, end - 1)) + 1)


def whole(source: SourceText) -> ScriptText:
    """Return a file that is a script as a whole."""
    return ScriptText(content=source.content, source=source, pieces=((0, 0),))
