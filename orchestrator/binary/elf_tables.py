"""The tables of an ELF file: header, segments, sections, symbols, relocations, dynamic entries, notes.

Read with `struct`, not with a library: a comparison has a second, importing LIEF alone costs half of one, and these
bytes come out of images and may be anything. Every offset is checked against the file, so the worst that a hostile
file brings about is a `TableDamageError`. Layouts: System V ABI, https://refspecs.linuxfoundation.org/elf/gabi4+/.
That this agrees with LIEF is tested on real programs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAGIC = b"\x7fELF"
MOST_SECTIONS = 1 << 16
MOST_SYMBOLS = 1 << 22  # four million; the largest program seen has 0.4 million
_WIDE, _LITTLE = 2, 1  # EI_CLASS, EI_DATA
_SMALLEST_HEADER = 52
_LONGEST_NAME = 1 << 16  # bytes; a Rust name of 20,000 was seen

NOBITS, SYMTAB, DYNSYM, RELA, REL, DYNAMIC, NOTE = 8, 2, 11, 4, 9, 6, 7
LOAD, PT_DYNAMIC, INTERP, PT_NOTE = 1, 2, 3, 4
GNU_STACK, GNU_RELRO = 0x6474E551, 0x6474E552
ALLOC, WRITE, EXECUTE, COMPRESSED = 0x2, 0x1, 0x4, 0x800
OBJECT, FUNCTION, FILE = 1, 2, 4
X86_64 = 62

MACHINES = {
    3: "i386",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390",
    40: "arm",
    43: "sparcv9",
    62: "x86_64",
    183: "aarch64",
    243: "riscv",
    258: "loongarch",
}
KINDS = {1: "object", 2: "executable", 3: "shared-object", 4: "core"}
_SEGMENT_NAMES = {
    0: "NULL",
    1: "LOAD",
    2: "DYNAMIC",
    3: "INTERP",
    4: "NOTE",
    6: "PHDR",
    7: "TLS",
    0x6474E550: "GNU_EH_FRAME",
    GNU_STACK: "GNU_STACK",
    GNU_RELRO: "GNU_RELRO",
    0x6474E553: "GNU_PROPERTY",
}


class TableDamageError(Exception):
    """The file cannot be what it says; the message is a clause for "it is damaged: …"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The file's first bytes, as far as they matter."""

    wide: bool
    little: bool
    kind: int
    machine: int
    entry: int
    segment_offset: int
    segment_size: int
    segments: int
    section_offset: int
    section_size: int
    sections: int
    names: int

    @property
    def order(self) -> str:
        """Return the byte order as `struct` writes it."""
        return "<" if self.little else ">"


class Segment(NamedTuple):
    """One program header."""

    type: int
    rights: int
    offset: int
    address: int
    size: int
    memory_size: int

    @property
    def name(self) -> str:
        """Return the type in words where it has any."""
        return _SEGMENT_NAMES.get(self.type, hex(self.type))


class Section(NamedTuple):
    """One section header, with its name."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int

    @property
    def end(self) -> int:
        """Return where it ends in the file; a section without content takes none of it."""
        return self.offset + (0 if self.type == NOBITS else self.size)


class Symbol(NamedTuple):
    """One entry of a symbol table."""

    name: str
    type: int
    binding: int
    section: int
    value: int
    size: int


class Relocation(NamedTuple):
    """One dynamic relocation: the address that is written, its type, the symbol's index and the addend."""

    address: int
    type: int
    symbol: int
    addend: int


def read_header(view: memoryview) -> Header:
    """Read the ELF header.

    Raises:
        TableDamageError: the file ends within it, or its class is unknown.
    """
    if len(view) < _SMALLEST_HEADER:
        raise TableDamageError(f"it ends after {len(view)} bytes, within the ELF header")
    if view[4] not in {1, _WIDE} or view[5] not in {1, 2}:
        raise TableDamageError("its class or byte order is none that ELF knows")
    wide, little = view[4] == _WIDE, view[5] == _LITTLE
    layout = struct.Struct(("<" if little else ">") + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"))
    if len(view) < 16 + layout.size:
        raise TableDamageError(f"it ends after {len(view)} bytes, within the ELF header")
    kind, machine, _, entry, segments, sections, _, _, segment_size, count, section_size, parts, names = (
        layout.unpack_from(view, 16)
    )
    return Header(
        wide=wide,
        little=little,
        kind=kind,
        machine=machine,
        entry=entry,
        segment_offset=segments,
        segment_size=segment_size,
        segments=count,
        section_offset=sections,
        section_size=section_size,
        sections=parts,
        names=names,
    )


def read_segments(view: memoryview, header: Header) -> tuple[Segment, ...]:
    """Read the program headers.

    Raises:
        TableDamageError: the table lies outside of the file.
    """
    if header.segments == 0:
        return ()
    layout = struct.Struct(header.order + ("IIQQQQQQ" if header.wide else "IIIIIIII"))
    _require(view, header.segment_offset, header.segments * header.segment_size, "its program headers")
    if header.segment_size < layout.size:
        raise TableDamageError(f"its program headers have {header.segment_size} bytes each, expected {layout.size}")
    found = []
    for index in range(header.segments):
        fields = layout.unpack_from(view, header.segment_offset + index * header.segment_size)
        if header.wide:
            kind, rights, offset, address, _, size, memory, _ = fields
        else:
            kind, offset, address, _, size, memory, rights, _ = fields
        found.append(Segment(kind, rights, offset, address, size, memory))
    return tuple(found)


def read_sections(view: memoryview, header: Header) -> tuple[Section, ...]:
    """Read the section headers, the empty first one included: links and symbols count from it.

    Raises:
        TableDamageError: the table lies outside of the file.
    """
    if header.section_offset == 0:
        return ()
    layout = struct.Struct(header.order + ("IIQQQQIIQQ" if header.wide else "IIIIIIIIII"))
    _require(view, header.section_offset, header.sections * header.section_size, "its section headers")
    if header.sections and header.section_size < layout.size:
        raise TableDamageError(f"its section headers have {header.section_size} bytes each, expected {layout.size}")
    rows = [
        layout.unpack_from(view, header.section_offset + index * header.section_size)
        for index in range(header.sections)
    ]
    names = _table(view, rows[header.names][4:6]) if header.names < len(rows) else memoryview(b"")
    return tuple(
        Section(text_at(names, name), kind, flags, address, offset, size, link, entry)
        for name, kind, flags, address, offset, size, link, _, _, entry in rows
    )


def content_of(view: memoryview, section: Section) -> memoryview:
    """Return a section's bytes; what lies outside of the file is left out, `.bss` has none."""
    return view[section.offset : section.offset] if section.type == NOBITS else _table(view, section[4:6])


def read_symbols(view: memoryview, header: Header, sections: Sequence[Section], kind: int) -> list[Symbol]:
    """Return the entries of the first symbol table of a kind (SYMTAB or DYNSYM), without the empty first one.

    Raises:
        TableDamageError: the table claims more entries than are believable.
    """
    table = next((section for section in sections if section.type == kind), None)
    if table is None or table.link >= len(sections):
        return []
    content, names = content_of(view, table), bytes(content_of(view, sections[table.link]))
    layout = struct.Struct(header.order + ("IBBHQQ" if header.wide else "IIIBBH"))
    count = len(content) // layout.size
    if count > MOST_SYMBOLS:
        raise TableDamageError(f"its symbol table claims {count:,} entries, more than {MOST_SYMBOLS:,}")
    named = _names_of(names)
    rows: Iterator[tuple[int, ...]] = layout.iter_unpack(content[: count * layout.size])
    # Made without the class's own `__new__`, which takes half of the time: a large program has a hundred thousand.
    new = tuple.__new__
    if header.wide:
        found = [
            new(Symbol, (named(name), info & 15, info >> 4, section, value, size))
            for name, info, _, section, value, size in rows
        ]
    else:
        found = [
            new(Symbol, (named(name), info & 15, info >> 4, section, value, size))
            for name, value, size, info, _, section in rows
        ]
    return found[1:]


def _names_of(table: bytes) -> Callable[[int], str]:
    """Return what reads a name out of a string table by its offset."""
    if table.isascii():
        text = table.decode("ascii")

        def read(offset: int) -> str:
            end = text.find("\0", offset, offset + _LONGEST_NAME)
            return text[offset : end if end >= 0 else offset + _LONGEST_NAME]

        return read

    def read_any(offset: int) -> str:
        end = table.find(b"\0", offset, offset + _LONGEST_NAME)
        return table[offset : end if end >= 0 else offset + _LONGEST_NAME].decode("utf-8", "replace")

    return read_any


def read_relocations(view: memoryview, header: Header, sections: Sequence[Section]) -> Iterator[Relocation]:
    """Yield the dynamic relocations with addends (RELA), which 64-bit processors use."""
    if not header.wide:
        return
    layout = struct.Struct(header.order + "QQq")
    for section in sections:
        if section.type == RELA and section.flags & ALLOC:
            content = content_of(view, section)
            for address, info, addend in layout.iter_unpack(content[: len(content) // layout.size * layout.size]):
                yield Relocation(address, info & 0xFFFFFFFF, info >> 32, addend)


def text_at(table: memoryview | bytes, offset: int, *, longest: int = 4096) -> str:
    """Return the text that begins at an offset of a string table; empty where there is none."""
    return bytes(table[offset : offset + longest]).split(b"\0", 1)[0].decode("utf-8", "replace")


def _table(view: memoryview, place: Sequence[int]) -> memoryview:
    offset, size = place
    return view[min(offset, len(view)) : min(offset + size, len(view))]


def _require(view: memoryview, offset: int, size: int, what: str) -> None:
    if offset + size > len(view):
        raise TableDamageError(f"it ends after {len(view)} bytes and {what} end at {offset + size}")
