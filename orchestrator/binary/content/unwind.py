"""The unwinding tables (`.eh_frame`, `.gcc_except_table`): one record a function, also in a stripped program.

They follow the functions: when a function moves, so does its record. Layout: Linux Standard Base, Exception Frames.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.content.layout import Layout
    from orchestrator.binary.elf_tables import Section

_RELATIVE = 0x1B  # DW_EH_PE_pcrel | DW_EH_PE_sdata4: what compilers write for position-independent code
_OMITTED = 0xFF
_EXTENDED = 0xFFFFFFFF  # a length of 64 bits follows
_MOST_RECORDS = 1 << 20
_SIZES = {0x0: 8, 0x2: 2, 0x3: 4, 0x4: 8, 0x9: 0, 0xA: 2, 0xB: 4, 0xC: 8}  # DW_EH_PE_* formats


class Record(NamedTuple):
    """How one function is unwound.

    Attributes:
        start: its address.
        size: bytes of its code.
        rules: the rules' bytes, those of the common entry included, addresses taken out.
        handlers: where its table of handlers lies; None where it has none.
    """

    start: int
    size: int
    rules: bytes
    handlers: int | None


@dataclass(frozen=True, slots=True)
class _Common:
    rules: bytes
    handlers: bool


def read_records(layout: Layout) -> tuple[Record, ...] | None:
    """Return all records, or None where the table is written in a way that is not understood here."""
    section = layout.named_section(".eh_frame")
    if section is None:
        return ()
    found: list[Record] = []
    common: dict[int, _Common | None] = {}
    content = layout.read(section, section.address, section.address + section.size)
    try:
        for start, end in _entries(content):
            pointer = struct.unpack_from("<I", content, start)[0]
            if pointer == 0:
                common[start - 4] = _common(bytes(content[start + 4 : end]))
                continue
            entry = common.get(start - pointer)
            if entry is None or len(found) >= _MOST_RECORDS:
                return None
            found.append(_record(content, start + 4, end, entry, section))
    except (struct.error, IndexError):
        return None
    return tuple(found)


def handlers_size(content: bytes) -> int | None:
    """Return how many bytes a table of handlers takes that begins here; None where it is not understood.

    What follows it may belong to a function that the linker left out: its record goes, its handlers stay.

    Args:
        content: from the table's beginning to that of the next one that a record knows.
    """
    try:
        if content[0] != _OMITTED:  # where landing pads are counted from: the function's beginning, as a rule
            return None
        position, end = 2, None
        if content[1] != _OMITTED:
            length, position = _number(content, position)
            end = position + length
        length, position = _number(content, position + 1)  # behind the encoding of the call sites
        end = position + length if end is None else end
    except IndexError:
        return None
    return end if position + length <= end <= len(content) else None


def _entries(content: memoryview) -> Iterator[tuple[int, int]]:
    position = 0
    while position + 4 <= len(content):
        length = struct.unpack_from("<I", content, position)[0]
        if length in {0, _EXTENDED}:
            return
        yield position + 4, position + 4 + length
        position += 4 + length


def _common(body: bytes) -> _Common | None:
    """Read a common entry; None when its functions are not addressed in the usual way."""
    letters, _, rest = body[1:].partition(b"\0")
    if not letters.startswith(b"z"):
        return None
    position = 0
    for _ in range(2):  # code and data alignment
        position = _past_number(rest, position)
    position = _past_number(rest, position + 1)  # the return address register, and the length of what follows
    handlers, masked = False, bytearray(rest)
    for letter in letters[1:].decode("ascii", "replace"):
        encoding = rest[position] if letter in "RLP" else 0
        if letter == "P":
            size = _SIZES.get(encoding & 0x0F, 0)
            masked[position + 1 : position + 1 + size] = bytes(size)
            position += size
        if not _usual(letter, encoding):
            return None
        handlers = handlers or (letter == "L" and encoding == _RELATIVE)
        position += letter in "RLP"
    return _Common(letters + bytes(masked).rstrip(b"\0"), handlers)


def _usual(letter: str, encoding: int) -> bool:
    """Return whether a part of a common entry is written as compilers write it, so that it is understood here."""
    if letter == "P":
        return _SIZES.get(encoding & 0x0F, 0) > 0
    return (
        letter == "S"
        or (letter == "R" and encoding == _RELATIVE)
        or (letter == "L" and encoding in {_RELATIVE, _OMITTED})
    )


def _record(content: memoryview, position: int, end: int, common: _Common, section: Section) -> Record:
    begin, size = struct.unpack_from("<iI", content, position)
    after = _past_number(content, position + 8)
    extra = content[position + 8]  # the length of what follows; compilers need one byte for it
    handlers = None
    if common.handlers and extra >= 4:  # noqa: PLR2004 - an address of four bytes
        offset = struct.unpack_from("<i", content, after)[0]
        handlers = section.address + after + offset if offset else None
    return Record(
        start=section.address + position + begin,
        size=size,
        rules=common.rules + b"|" + bytes(content[after + extra : end]).rstrip(b"\0"),
        handlers=handlers,
    )


def _past_number(content: bytes | memoryview, position: int) -> int:
    while content[position] & 0x80:
        position += 1
    return position + 1


def _number(content: bytes, position: int) -> tuple[int, int]:
    """Return an unsigned LEB128 number and the position behind it."""
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        shift, position = shift + 7, position + 1
        if not byte & 0x80:
            return value, position
