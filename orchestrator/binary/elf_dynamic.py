"""What an ELF file asks of the dynamic loader, by its dynamic table: libraries, versions, search paths, flags."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.elf_tables import LOAD, PT_DYNAMIC, text_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.binary.elf_tables import Header, Segment

_NEEDED, _STRTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH, _BIND_NOW, _FLAGS = 1, 5, 10, 14, 15, 29, 24, 30
_FLAGS_1, _VERNEED, _VERNEED_COUNT = 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFF
_DF_BIND_NOW, _DF_1_NOW, _DF_1_PIE = 0x8, 0x1, 0x08000000
_MOST_ENTRIES = 1 << 14
_MOST_VERSIONS = 1 << 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicFacts:
    """What the dynamic table says; see the fields of the same name in `BinaryProfile`.

    Attributes:
        bind_now: all symbols are bound at the start, so that the table of addresses can be made read-only.
        position_independent: the linker says that it is a program (DF_1_PIE), not a library.
    """

    needed: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    soname: str | None = None
    search: tuple[str, ...] = ()
    bind_now: bool = False
    position_independent: bool = False


def read_dynamic(view: memoryview, header: Header, segments: Sequence[Segment]) -> DynamicFacts:
    """Read the dynamic table; a static program has none. Entries that point nowhere are left out."""
    table = next((segment for segment in segments if segment.type == PT_DYNAMIC), None)
    if table is None:
        return DynamicFacts()
    layout = struct.Struct(header.order + ("qQ" if header.wide else "iI"))
    content = view[min(table.offset, len(view)) : min(table.offset + table.size, len(view))]
    entries: dict[int, list[int]] = {}
    for index in range(min(len(content) // layout.size, _MOST_ENTRIES)):
        tag, value = layout.unpack_from(content, index * layout.size)
        if tag == 0:
            break
        entries.setdefault(tag, []).append(value)

    def first(tag: int) -> int:
        return entries.get(tag, [0])[0]

    start = _offset_of(first(_STRTAB), segments)
    names = view[start : start + first(_STRSZ)] if start is not None else memoryview(b"")
    flags, more = first(_FLAGS), first(_FLAGS_1)
    paths = [text_at(names, value) for tag in (_RPATH, _RUNPATH) for value in entries.get(tag, ())]
    return DynamicFacts(
        needed=tuple(text_at(names, value) for value in entries.get(_NEEDED, ())),
        versions=_versions(view, header, segments, names, place=(first(_VERNEED), first(_VERNEED_COUNT))),
        soname=text_at(names, first(_SONAME)) if _SONAME in entries else None,
        search=tuple(folder for path in paths for folder in path.split(":")),
        bind_now=_BIND_NOW in entries or bool(flags & _DF_BIND_NOW) or bool(more & _DF_1_NOW),
        position_independent=bool(more & _DF_1_PIE),
    )


def _offset_of(address: int, segments: Sequence[Segment]) -> int | None:
    for segment in segments:
        if segment.type == LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    return None


def _versions(
    view: memoryview,
    header: Header,
    segments: Sequence[Segment],
    names: memoryview,
    *,
    place: tuple[int, int],
) -> tuple[str, ...]:
    """Walk the chain of needed libraries and, for each, of its versions; both chains are bounded."""
    address, count = place
    need, version = struct.Struct(header.order + "HHIII"), struct.Struct(header.order + "IHHII")
    position = _offset_of(address, segments)
    found: list[str] = []
    for _ in range(min(count, _MOST_VERSIONS)):
        if position is None or position + need.size > len(view):
            break
        _, entries, library, first, following = need.unpack_from(view, position)
        inner = position + first
        for _ in range(entries):
            if inner + version.size > len(view) or len(found) >= _MOST_VERSIONS:
                break
            _, _, _, name, after = version.unpack_from(view, inner)
            found.append(f"{text_at(names, library)} {text_at(names, name)}")
            if after == 0:
                break
            inner += after
        if following == 0:
            break
        position += following
    return tuple(found)
