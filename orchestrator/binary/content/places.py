"""What lies at an address, said in words that do not change when it lies elsewhere.

A reference from one function to another is the same in two programs when both name the same function and the same
place in it, wherever the linker put them. A reference to a constant is the same when the constant's bytes are; where
it ends is told by where the next one that anything refers to begins.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.content.operands import READING, THROUGH_SLOT, operand_end

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
_DISPLACEMENT = struct.Struct("<i")
_LONGEST_TEXT = 1 << 16
_TABLE_ENTRY = struct.Struct("<i")
_FEWEST_CASES = 2


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
        self._like = like

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
            if body is not None:
                return (body.name, address - body.start)
            return self._import_called(section, address) or (section.name, address - section.address)
        if section.name.startswith(".got"):
            return self._slot(section, address)
        if section.type == tables.NOBITS:
            static = self.layout.object(address)
            return (static.name, address - static.start) if static else (section.name, address - section.address)
        return (section.name, self.content(section, address, self._end(section, address)))

    def _import_called(self, section: Section, address: int) -> Hashable:
        """Return what an entry of the table of calls to other libraries leads to; None where there is none.

        The linker numbers these entries in the order in which it meets them, which says nothing.
        """
        if not section.name.startswith(".plt"):
            return None
        match = THROUGH_SLOT.match(bytes(self.layout.read(section, address, address + 16)))
        if match is None:
            return None
        slot = address + match.end() + _DISPLACEMENT.unpack(match[1])[0]
        home = self.layout.section(slot)
        return (".plt", self._slot(home, slot)) if home is not None and home.name.startswith(".got") else None

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
            earlier = self._like._contents.get((start, end)) if self._like else None  # noqa: SLF001 - its own kind
            # What holds no slash holds no folder, so it was read as it would be read now.
            known = self._read(section, start, end) if earlier is None or _has_slash(earlier) else earlier
            self._contents[start, end] = known
        return known

    def _read(self, section: Section, start: int, end: int) -> Hashable:
        content = bytearray(self.layout.read(section, start, end))
        pointers: list[Hashable] = []
        first = bisect_left(self._relocated, start)
        if first and start < self._relocated[first - 1] + 16:
            self._blank_rest(section, self._relocated[first - 1], start, content)
        for index in range(first, bisect_left(self._relocated, end)):
            address = self._relocated[index]
            relocation, offset = self.layout.relocations[address], address - start
            target = self.layout.target(relocation)
            content[offset : offset + 8] = bytes(len(content[offset : offset + 8]))
            if target is None:
                pointers.append((offset, relocation.type, relocation.addend, self._import(relocation.symbol)))
                continue
            word = content[offset + 8 : offset + 16]
            if 0 < len(word) < 8:  # noqa: PLR2004 - a word that is cut in two
                word = bytearray(self.layout.read(section, address + 8, address + 16))
            text = self._text(target, word)
            if text is None:
                pointers.append((offset, self._nearby(target)))
            else:
                # A pointer with its length: the length says nothing that the text does not.
                content[offset + 8 : offset + 16] = bytes(len(content[offset + 8 : offset + 16]))
                pointers.append((offset, self._normalise(text)))
        if not pointers and not section.flags & tables.WRITE:
            jumps = self._jumps(content, start)
            if jumps is not None:
                return (self._normalise(bytes(content[jumps[0] :])).rstrip(b"\0"), jumps)
        return (self._normalise(bytes(content)).rstrip(b"\0"), *pointers)

    def _blank_rest(self, section: Section, pointer: int, start: int, content: bytearray) -> None:
        """Blank the end of a text's length where the constant before was cut within it."""
        target = self.layout.target(self.layout.relocations[pointer])
        word = bytearray(self.layout.read(section, pointer + 8, pointer + 16))
        if pointer + 8 < start and target is not None and self._text(target, word) is not None:
            rest = min(pointer + 16 - start, len(content))
            content[:rest] = bytes(rest)

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


def _has_slash(content: Hashable) -> bool:
    """Return whether what was read of a constant, or of what it points to, holds a slash."""
    if isinstance(content, bytes):
        return b"/" in content
    return isinstance(content, tuple) and any(_has_slash(part) for part in content)


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
    last, after = len(body) - 4, section.address + 4
    for match in READING.finditer(body):
        place = match.end()
        if place > last:
            break
        target = after + place + unpack(body, place)[0]
        if low <= target < high and not code[0] <= target < code[1]:
            found.add(target + operand_end(body, place) - place - 4)
    return found
