"""What the kernel would map of an ELF program, as digests.

"The same loaded code and data" is a statement about segments, not sections: a program may have no section table at
all. Two things inside the mapped bytes say nothing about how the program runs and are blanked: the bytes of the
build-id (a name that the linker gave to the link) and the place of the section table in the ELF header (it moves when
debug information or symbols are taken off).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.sources import SourceTraces, trace_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_EXECUTABLE = 1  # PF_X
_BUILD_ID = (b"GNU\x00", 3)  # owner and type of NT_GNU_BUILD_ID
_NOTE_HEAD = 12
_MOST_NOTES = 16  # segments; linkers make one or two
_NOTES_SIZE = 1 << 16  # bytes of one that are looked through
_WIDE = 2  # EI_CLASS of 64-bit files
_LITTLE = 1  # EI_DATA of little-endian files


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One entry of the program header table, in its own words (`LOAD`, `NOTE`, …)."""

    kind: str
    rights: int
    offset: int
    size: int
    address: int
    memory_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedFacts:
    """What was won from the mapped bytes; see the fields of the same name in `BinaryProfile`."""

    build_id: str | None
    code_sha256: str
    data_sha256: str
    pathless_sha256: str
    traces: SourceTraces


def read_mapped(view: memoryview, segments: Sequence[Segment], *, entry: int) -> MappedFacts:
    """Digest what would be mapped.

    Args:
        view: the whole file.
        segments: its program headers; they may point anywhere.
        entry: the address at which the program starts.
    """
    build_id, blanked = _find_build_id(view, segments)
    ranges = (*blanked, *_section_table_fields(view))
    loaded = [(s, _cut(view, s.offset, s.size, ranges)) for s in segments if s.kind == "LOAD"]
    code = [pair for pair in loaded if pair[0].rights & _EXECUTABLE]
    data = [pair for pair in loaded if not pair[0].rights & _EXECUTABLE]
    # Old linkers put everything that is read-only into the executable segment.
    traces = trace_sources(content for _, content in data + code[:1])
    layout = repr((entry, [(s.kind, s.rights, s.address, s.memory_size) for s in segments]))
    return MappedFacts(
        build_id=build_id,
        code_sha256=_digest(code, "", roots=()),
        data_sha256=_digest(data, layout, roots=()),
        pathless_sha256=_digest(data, layout, roots=traces.roots),
        traces=traces,
    )


def _digest(parts: Iterable[tuple[Segment, bytearray]], layout: str, *, roots: Iterable[str]) -> str:
    digest = hashlib.sha256(layout.encode())
    for segment, content in parts:
        for root in roots:
            content = content.replace(root.encode(), bytes(len(root)))  # noqa: PLW2901 - one step after another
        digest.update(repr((segment.address, segment.memory_size, segment.rights, len(content))).encode())
        digest.update(content)
    return digest.hexdigest()


def _cut(view: memoryview, start: int, size: int, blanked: Iterable[tuple[int, int]]) -> bytearray:
    content = bytearray(view[start : start + size])
    for first, end in blanked:
        low, high = max(first - start, 0), min(end - start, len(content))
        if low < high:
            content[low:high] = bytes(high - low)
    return content


def _section_table_fields(view: memoryview) -> tuple[tuple[int, int], ...]:
    # e_shoff, and e_shnum with e_shstrndx.
    return ((40, 48), (60, 64)) if view[4] == _WIDE else ((32, 36), (48, 52))


def _find_build_id(view: memoryview, segments: Iterable[Segment]) -> tuple[str | None, list[tuple[int, int]]]:
    """Return the build-id and where its bytes lie in the file."""
    words = struct.Struct("<III" if view[5] == _LITTLE else ">III")
    for segment in [s for s in segments if s.kind == "NOTE"][:_MOST_NOTES]:
        position, end = segment.offset, min(segment.offset + min(segment.size, _NOTES_SIZE), len(view))
        while position + _NOTE_HEAD <= end:
            name_size, size, kind = words.unpack_from(view, position)
            name = bytes(view[position + _NOTE_HEAD : position + _NOTE_HEAD + min(name_size, 16)])
            start = position + _NOTE_HEAD + -(-name_size // 4) * 4
            if (name, kind) == _BUILD_ID and start + size <= end:
                return bytes(view[start : start + size]).hex(), [(start, start + size)]
            position = start + -(-size // 4) * 4
    return None, []
