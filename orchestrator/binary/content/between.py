"""Code outside of functions: what linkers write, and what lies between two functions (padding, as a rule)."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.content.operands import THROUGH_SLOT

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from orchestrator.binary.content.layout import Layout
    from orchestrator.binary.content.places import Places

_SLOTTED = re.compile(rb"\xff[\x25\x35].{4}|\x68.{4}\xe9.{4}", re.DOTALL)
_ENTRY, _NARROW = 16, 8  # bytes of an entry; those of `.plt.got` need no number
_PADDING = re.compile(rb"[\x90\xcc\x00\x66\x0f\x1f\x2e\x84\x44\x40\x80]*")


def linker_code(layout: Layout) -> dict[str, tuple[int, bytes]]:
    """Return sections of code that no function covers, by name: where they lie, and their bytes.

    Tables of calls to other libraries are left out: see `calls_out`.
    """
    return {
        section.name: (section.address, bytes(layout.read(section, section.address, section.address + section.size)))
        for section in layout.sections
        if section.flags & tables.EXECUTE
        and section.name != ".text"
        and not section.name.startswith(".plt")
        and not layout.function(section.address)
    }


def calls_out(places: Places) -> Counter[Hashable]:
    """Return the tables of calls to other libraries as bags: what each entry leads to, and its code without numbers."""
    found: Counter[Hashable] = Counter()
    for section in places.layout.sections:
        if section.flags & tables.EXECUTE and section.name.startswith(".plt"):
            width = _NARROW if section.name == ".plt.got" else _ENTRY
            for start in range(section.address, section.address + section.size, width):
                entry = bytes(places.layout.read(section, start, start + width))
                # The first entry leads to the loader itself.
                target = places.at(start) if THROUGH_SLOT.match(entry) else None
                found[section.name, target, _SLOTTED.sub(b"", entry)] += 1
    return found


def between(layout: Layout) -> list[bytes]:
    """Return what lies between the functions of `.text`, padding left out, sorted."""
    section = layout.named_section(".text")
    return [] if section is None else sorted(_gaps(layout, section))


def _gaps(layout: Layout, section: tables.Section) -> Iterator[bytes]:
    position, end = section.address, section.address + section.size
    for start, stop in [*((body.start, body.end) for body in layout.functions), (end, end)]:
        if section.address <= start <= end and start > position:
            gap = bytes(layout.read(section, position, start))
            if _PADDING.fullmatch(gap) is None:
                yield gap.strip(b"\xcc\x90\0")
        if section.address <= start <= end:
            position = max(position, stop)
