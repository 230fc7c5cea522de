"""What lies at an address, said in words that do not change when it lies elsewhere.

A reference from one function to another is the same in two programs when both name the same function and the same
place in it, wherever the linker put them. A reference to a constant is the same when the constant's bytes are; where
it ends is told by where the next one that anything refers to begins.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from orchestrator.binary.content.layout import Layout
    from orchestrator.binary.elf_tables import Section

    Normalise = Callable[[bytes], bytes]

FOLLOWS = (
    *(".eh_frame", ".gcc_except_table", ".rela.", ".rel.", ".got", ".dynamic", ".hash", ".gnu.hash"),
    *(".dynsym", ".dynstr", ".gnu.version", ".note.gnu.build-id", ".relr.dyn", ".relro_padding", ".tm_clone_table"),
)
"""Sections whose bytes follow from where things lie."""
# ModRM of an operand relative to the instruction pointer (mod 00, r/m 101), and the opcodes of call and jump.
REFERENCE = re.compile(rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d\xe8\xe9]")
_CALLS = frozenset({0xE8, 0xE9})
_DISPLACEMENT = struct.Struct("<i")
_LONGEST_TEXT = 1 << 16
_TABLE_ENTRY = struct.Struct("<i")
_FEWEST_CASES = 2
# Opcodes whose operand is followed by an immediate; Intel SDM volume 2, appendix A.
_ONE_BYTE = frozenset({0x80, 0x83, 0xC0, 0xC1, 0xC6, 0x6B})
_FOUR_BYTES = frozenset({0x81, 0xC7, 0x69})
_ONE_BYTE_AFTER_0F = frozenset({0xBA, 0xC2, 0xC6, 0x70, 0xA4, 0xAC})
# Opcodes of one byte that read an operand in memory, and those that write one (for statics).
_READERS = frozenset(
    bytes.fromhex("8b8a3b3a3938808381630b03232b33fff6f7696bd9dbdd8485868788 89c6c7010929213100c0c1".replace(" ", ""))
)


def as_is(content: bytes) -> bytes:
    """Return bytes unchanged: no folder is known that differs."""
    return content


class Places:
    """Answers for one program; remembers what it was asked.

    Args:
        layout: the program.
        normalise: takes out of a text what may differ (source folders).
        like: an earlier one for the same program, whose table of constants is taken over.
    """

    def __init__(self, layout: Layout, normalise: Normalise = as_is, *, like: Places | None = None) -> None:
        self.layout = layout
        self._normalise = normalise
        self._known: dict[int, Hashable] = {}
        self._contents: dict[tuple[int, int], Hashable] = {}
        self._tables: dict[int, list[int] | None] = {}
        self._relocated: list[int] = sorted(layout.relocations)
        self.bounds: list[int] = like.bounds if like else _bounds(layout, self._relocated)

    def at(self, address: int) -> Hashable:
        """Return what lies at an address; two answers are equal when it is the same thing at the same place in it."""
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._find(address)
        return known

    def _find(self, address: int) -> Hashable:
        section = self.layout.section(address)
        if section is None:
            return ("nowhere",)
        if section.flags & tables.EXECUTE:
            body = self.layout.function(address)
            return (body.name, address - body.start) if body else (section.name, address - section.address)
        if section.name.startswith(".got"):
            return self._slot(section, address)
        if section.type == tables.NOBITS:
            static = self.layout.object(address)
            return (static.name, address - static.start) if static else (section.name, address - section.address)
        return (section.name, self.content(section, address, self._end(section, address)))

    def _slot(self, section: Section, address: int) -> Hashable:
        relocation = self.layout.relocations.get(address & ~7)
        if relocation is None:
            return (section.name, bytes(self.layout.read(section, address, address + 8)))
        target = self.layout.target(relocation)
        if target is not None:
            # One step and no further: a slot that points to a slot would have no end.
            return (".got", self._nearby(target))
        name = self.layout.imports[relocation.symbol] if relocation.symbol < len(self.layout.imports) else ""
        return (".got", relocation.type, name)

    def chunks(self, section: Section) -> Iterator[tuple[int, int]]:
        """Yield the parts of a section of data, from one place that is referred to up to the next one."""
        end = section.address + section.size
        first, last = bisect_right(self.bounds, section.address), bisect_left(self.bounds, end)
        cuts = [section.address, *self.bounds[first:last], end]
        yield from pairwise(cuts)

    def _end(self, section: Section, address: int) -> int:
        end = section.address + section.size
        index = bisect_right(self.bounds, address)
        return min(self.bounds[index], end) if index < len(self.bounds) else end

    def content(self, section: Section, start: int, end: int) -> Hashable:
        """Return the bytes between two addresses; pointers in them are replaced by what they point to."""
        known = self._contents.get((start, end))
        if known is None:
            known = self._contents[start, end] = self._read(section, start, end)
        return known

    def _read(self, section: Section, start: int, end: int) -> Hashable:
        content = bytearray(self.layout.read(section, start, end))
        pointers: list[Hashable] = []
        for index in range(bisect_left(self._relocated, start), bisect_left(self._relocated, end)):
            address = self._relocated[index]
            relocation, offset = self.layout.relocations[address], address - start
            target = self.layout.target(relocation)
            content[offset : offset + 8] = bytes(len(content[offset : offset + 8]))
            if target is None:
                pointers.append((offset, relocation.type, relocation.addend, self._import(relocation.symbol)))
                continue
            text = self._text(target, content[offset + 8 : offset + 16])
            if text is None:
                pointers.append((offset, self._nearby(target)))
            else:
                # A pointer with its length: the length says nothing that the text does not.
                content[offset + 8 : offset + 16] = bytes(8)
                pointers.append((offset, self._normalise(text)))
        if not pointers and not section.flags & tables.WRITE:
            jumps = self._jumps(content, start)
            if jumps is not None:
                return (self._normalise(bytes(content[jumps[0] :])).rstrip(b"\0"), jumps)
        return (self._normalise(bytes(content)).rstrip(b"\0"), *pointers)

    def _import(self, index: int) -> str:
        return self.layout.imports[index] if index < len(self.layout.imports) else ""

    def _text(self, target: int, word: bytearray) -> bytes | None:
        section = self.layout.section(target)
        if len(word) < 8 or section is None or section.flags & (tables.EXECUTE | tables.WRITE):  # noqa: PLR2004 - a word
            return None
        length = int.from_bytes(word, "little")
        if not 0 < length <= min(section.address + section.size - target, _LONGEST_TEXT):
            return None
        return bytes(self.layout.read(section, target, target + length))

    def _nearby(self, address: int) -> Hashable:
        section = self.layout.section(address)
        if section is None:
            return ("nowhere",)
        if section.flags & tables.EXECUTE or section.type == tables.NOBITS:
            return self.at(address)
        if section.name.startswith(".got"):
            return (section.name,)
        # Pointers inside of it are left out: they are compared where this constant is compared itself.
        content = bytearray(self.layout.read(section, address, self._end(section, address)))
        first = bisect_left(self._relocated, address)
        while first < len(self._relocated) and self._relocated[first] < address + len(content):
            offset = self._relocated[first] - address
            # With the word behind it: it may be the length of a text that is compared elsewhere.
            content[offset : offset + 16] = bytes(len(content[offset : offset + 16]))
            first += 1
        return (section.name, self._normalise(bytes(content)).rstrip(b"\0"))

    def extent(self, address: int) -> tuple[Section | None, bytes]:
        """Return the bytes of the constant that begins at an address."""
        section = self.layout.section(address)
        if section is None:
            return None, b""
        return section, bytes(self.layout.read(section, address, self._end(section, address)))

    def distances(self, address: int) -> list[int] | None:
        """Return where a table of distances leads; None for what is no such table."""
        if address not in self._tables:
            self._tables[address] = self._read_distances(address)
        return self._tables[address]

    def _read_distances(self, address: int) -> list[int] | None:
        section, content = self.extent(address)
        if section is None or section.flags & (tables.WRITE | tables.EXECUTE) or section.name.startswith(FOLLOWS):
            return None
        # Zeros at the end fill up to the next constant; no distance is zero.
        size = -(-len(content.rstrip(b"\0")) // 4) * 4
        if size > len(content):
            return None
        targets = [address + offset for (offset,) in _TABLE_ENTRY.iter_unpack(content[:size])]
        if len(targets) < _FEWEST_CASES:
            return None
        for target in targets:
            home = self.layout.section(target)
            if home is None or address <= target < address + size:
                return None
            if home.name != section.name and not home.flags & tables.EXECUTE:
                return None
        return targets

    def _jumps(self, content: bytes | bytearray, start: int) -> tuple[int, Hashable] | None:
        """Return the length of a table of jumps at the beginning of a constant, and where they lead.

        Compilers write `target - table` as four bytes for each case of a switch; all lead into one function.
        """
        targets: list[int] = []
        owner = None
        for (offset,) in _TABLE_ENTRY.iter_unpack(content[: len(content) // 4 * 4]):
            body = self.layout.function(start + offset)
            if body is None or (owner is not None and body.start != owner.start):
                break
            owner = body
            targets.append(start + offset - body.start)
        if owner is None or len(targets) < _FEWEST_CASES:
            return None
        return 4 * len(targets), (owner.name, *targets)


def operand_end(body: bytes, place: int) -> int:
    """Return where the instruction ends whose displacement begins at a place: an immediate may follow it.

    Args:
        body: the function.
        place: offset of the four bytes of the displacement; the byte before it is the ModRM byte or the opcode.
    """
    before, end = body[place - 1], place + 4
    if before in _CALLS or place < 2:  # noqa: PLR2004 - opcode and ModRM
        return end
    opcode, prefix = body[place - 2], body[place - 3] if place > 2 else 0  # noqa: PLR2004 - same
    if prefix == 0x0F:  # noqa: PLR2004 - the two-byte opcodes
        return end + (opcode in _ONE_BYTE_AFTER_0F)
    if place > 3 and prefix in {0x38, 0x3A} and body[place - 4] == 0x0F:  # noqa: PLR2004 - the three-byte opcodes
        return end + (prefix == 0x3A)  # noqa: PLR2004 - those with an immediate
    if opcode in _ONE_BYTE or (opcode == 0xF6 and before & 0x38 == 0):  # noqa: PLR2004 - test
        return end + 1
    if opcode in _FOUR_BYTES or (opcode == 0xF7 and before & 0x38 == 0):  # noqa: PLR2004 - test
        wide = place > 2 and 0x66 in body[max(0, place - 4) : place - 2]  # noqa: PLR2004 - operand size prefix
        return end + (2 if wide else 4)
    return end


def reads(body: bytes, place: int) -> bool:
    """Return whether the bytes before a displacement look like an instruction that reads or addresses memory.

    What is taken for one by mistake cuts a constant in two where the other program has it whole.
    """
    if place < 5 or body[place - 1] in _CALLS:  # noqa: PLR2004 - room for the longest prefix
        return False
    opcode = body[place - 2]
    if opcode == 0x8D:  # noqa: PLR2004 - lea, always of 64 bits here
        return 0x48 <= body[place - 3] <= 0x4F  # noqa: PLR2004 - REX.W
    if body[place - 3] == 0x0F or (body[place - 3] in {0x38, 0x3A} and body[place - 4] == 0x0F):  # noqa: PLR2004 - escapes
        return True
    return opcode in _READERS or body[place - 4] == 0xC5 or body[place - 5] == 0xC4  # noqa: PLR2004 - VEX


def _bounds(layout: Layout, relocated: list[int]) -> list[int]:
    """Return every address of data that something refers to, sorted: there a constant begins."""
    found: set[int] = set()
    for body in layout.objects:
        found.update((body.start, body.end))
    data = [(s.address, s.address + s.size) for s in layout.sections if not s.flags & tables.EXECUTE]
    low, high = data[0][0], max(end for _, end in data)
    for section in layout.sections:
        if section.flags & tables.EXECUTE:
            found.update(_referred(layout, section, low, high))
    for address in relocated:
        target = layout.target(layout.relocations[address])
        home = layout.section(target) if target is not None else None
        if target is None or home is None or home.flags & tables.EXECUTE:
            continue
        found.add(target)
        holder = layout.section(address)
        if holder is not None:
            length = int.from_bytes(layout.read(holder, address + 8, address + 16), "little")
            if 0 < length <= min(home.address + home.size - target, _LONGEST_TEXT):
                found.add(target + length)
    return sorted(found)


def _referred(layout: Layout, section: Section, low: int, high: int) -> set[int]:
    body = bytes(layout.read(section, section.address, section.address + section.size))
    code = (section.address, section.address + section.size)
    found = set()
    unpack = _DISPLACEMENT.unpack_from
    last = len(body) - 4
    for match in REFERENCE.finditer(body):
        place = match.end()
        if place > last:
            break
        target = section.address + place + 4 + unpack(body, place)[0]
        if low <= target < high and not code[0] <= target < code[1] and reads(body, place):
            found.add(target + operand_end(body, place) - place - 4)
    return found
