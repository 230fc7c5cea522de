"""Code outside of functions: what linkers write, and what lies between two functions (padding, as a rule)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.content.layout import Layout

_PADDING = re.compile(rb"[\x90\xcc\x00\x66\x0f\x1f\x2e\x84\x44\x40\x80]*")


def linker_code(layout: Layout) -> dict[str, tuple[int, bytes]]:
    """Return sections of code that no function covers, by name: where they lie, and their bytes."""
    return {
        section.name: (section.address, bytes(layout.read(section, section.address, section.address + section.size)))
        for section in layout.sections
        if section.flags & tables.EXECUTE and section.name != ".text" and not layout.function(section.address)
    }


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
