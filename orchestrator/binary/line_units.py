"""Units of `.debug_line`: their headers and lists of files (DWARF 2 to 5, www.dwarfstd.org, section 6.2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_FILES = 1 << 16
_MOST_FORMATS = 16
_MOST_UNITS = 1 << 16
_LONGEST_TEXT = 4096  # bytes: PATH_MAX
_WIDE = 0xFFFFFFFF
_STRING, _LINE_STRP, _STRP, _UDATA, _BLOCK = 0x08, 0x1F, 0x0E, 0x0F, 0x09
_FIXED_FORMS = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}
_PATH, _DIRECTORY = 1, 2
_TWO_TABLES = 5
"""The version from which folders and files are described by formats, and from which they count from 0."""


class BrokenTableError(Exception):
    """The table is not what its own lengths say."""


@dataclass(slots=True)
class Reader:
    """Bytes and a place in them."""

    data: memoryview
    place: int = 0

    def number(self, size: int) -> int:
        """Return a little-endian number."""
        found = self.data[self.place : self.place + size]
        if len(found) < size:
            raise BrokenTableError
        self.place += size
        return int.from_bytes(found, "little")

    def leb(self) -> int:
        """Return a ULEB128 number."""
        value = shift = 0
        while shift < 70:  # noqa: PLR2004 - the longest that holds 64 bits
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
        raise BrokenTableError

    def signed(self) -> int:
        """Return an SLEB128 number."""
        start = self.place
        value = self.leb()
        bits = 7 * (self.place - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def text(self) -> str:
        """Return a text that ends with a zero."""
        found, ended, _ = bytes(self.data[self.place : self.place + _LONGEST_TEXT]).partition(b"\0")
        if not ended:
            raise BrokenTableError
        self.place += len(found) + 1
        return found.decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The header of one compilation unit's table. `program`, `end`: where its instructions lie in the section."""

    program: int
    end: int
    step: int
    line_base: int
    line_range: int
    lengths: tuple[int, ...]
    files: tuple[str, ...]
    first_file: int


def units_of(data: memoryview) -> Iterator[tuple[int, int]]:
    """Yield where each unit begins and ends."""
    place = 0
    for _ in range(_MOST_UNITS):
        if place + 4 > len(data):
            return
        reader = Reader(data, place)
        length = reader.number(4)
        if length == _WIDE:
            length = reader.number(8)
        yield place, min(reader.place + length, len(data))
        place = reader.place + length


def read_unit(data: memoryview, start: int, end: int, *, line_texts: memoryview, texts: memoryview) -> Unit:
    """Read a unit's header.

    Args:
        data: `.debug_line`.
        start: of the unit.
        end: of the unit.
        line_texts: `.debug_line_str`.
        texts: `.debug_str`.

    Raises:
        BrokenTableError: it is not what its own lengths say.
    """
    reader = Reader(data, start)
    width = 8 if reader.number(4) == _WIDE else 4
    reader.place += 8 if width == 8 else 0  # noqa: PLR2004 - the 64-bit form
    version = reader.number(2)
    reader.place += 2 if version >= _TWO_TABLES else 0  # sizes of addresses and selectors
    length = reader.number(width)
    program = reader.place + length
    step = reader.number(1)
    reader.place += 1 if version >= 4 else 0  # noqa: PLR2004 - operations per instruction, from DWARF 4
    reader.place += 1  # whether rows begin statements
    base = reader.number(1)
    line_range, opcode_base = reader.number(1), reader.number(1)
    lengths = tuple(reader.number(1) for _ in range(max(opcode_base, 1) - 1))
    if not line_range or not step:
        raise BrokenTableError
    if version >= _TWO_TABLES:
        folders = [path for path, _ in _described(reader, width, line_texts, texts)]
        named = list(_described(reader, width, line_texts, texts))
    else:
        folders = ["", *_texts_until_empty(reader)]
        named = list(_old_files(reader))
    files = tuple(_joined(folders[folder] if folder < len(folders) else "", path) for path, folder in named)
    return Unit(
        program=program,
        end=end,
        step=step,
        line_base=base - 256 if base >= 128 else base,  # noqa: PLR2004 - a signed byte
        line_range=line_range,
        lengths=lengths,
        files=files,
        first_file=0 if version >= _TWO_TABLES else 1,
    )


def _described(reader: Reader, width: int, line_texts: memoryview, texts: memoryview) -> Iterator[tuple[str, int]]:
    """Yield path and folder's number of each entry of a table that says what its entries hold."""
    formats = [(reader.leb(), reader.leb()) for _ in range(reader.number(1))]
    if len(formats) > _MOST_FORMATS:
        raise BrokenTableError
    for _ in range(min(reader.leb(), _MOST_FILES)):
        path, folder = "", 0
        for content, form in formats:
            if form in {_LINE_STRP, _STRP}:
                offset = reader.number(width)
                value: str | int = Reader(line_texts if form == _LINE_STRP else texts, offset).text()
            else:
                value = _value(reader, form)
            if content == _PATH:
                path = str(value)
            elif content == _DIRECTORY and isinstance(value, int):
                folder = value
        yield path, folder


def _value(reader: Reader, form: int) -> str | int:
    if form == _STRING:
        return reader.text()
    if form == _UDATA:
        return reader.leb()
    if form == _BLOCK:
        return reader.number(reader.leb())
    if form not in _FIXED_FORMS:
        raise BrokenTableError
    return reader.number(_FIXED_FORMS[form])


def _texts_until_empty(reader: Reader) -> Iterator[str]:
    while text := reader.text():
        yield text


def _old_files(reader: Reader) -> Iterator[tuple[str, int]]:
    for path in _texts_until_empty(reader):
        folder = reader.leb()
        reader.leb()  # its time
        reader.leb()  # its length
        yield path, folder


def _joined(folder: str, path: str) -> str:
    return path if not folder or path.startswith("/") else f"{folder}/{path}"
