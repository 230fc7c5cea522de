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

from orchestrator.binary.elf_tables import LOAD, PT_NOTE
from orchestrator.binary.sources import SourceTraces, trace_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.binary.digests import MappedFile
    from orchestrator.binary.elf_tables import Header, Segment

_RUN = 1  # PF_X
_BUILD_ID = ("GNU", 3)  # owner and type of NT_GNU_BUILD_ID
_NOTE_HEAD = 12
_MOST_NOTE_SEGMENTS = 16  # linkers make one or two
_MOST_NOTES = 256
_NOTES_SIZE = 1 << 16  # bytes of one segment that are looked through
_SEARCHED = 1 << 26  # bytes of one segment that are searched for source paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note that is mapped: who left it, of which type, and where its content lies in the file."""

    owner: str
    type: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedFacts:
    """What was won from the mapped bytes; see the fields of the same name in `BinaryProfile`."""

    build_id: str | None
    notes: tuple[str, ...]
    code_sha256: str
    data_sha256: str
    traces: SourceTraces


def read_mapped(file: MappedFile, header: Header, segments: Sequence[Segment]) -> MappedFacts:
    """Digest what would be mapped.

    Args:
        file: the whole file.
        header: its header, for byte order and entry point.
        segments: its program headers; they may point anywhere.
    """
    view = file.view
    notes = tuple(read_notes(view, header, segments))
    build_id = next((note for note in notes if (note.owner, note.type) == _BUILD_ID), None)
    blanked = [*_section_table_fields(header), *([(build_id.start, build_id.end)] if build_id else [])]
    loaded = [segment for segment in segments if segment.type == LOAD]
    code = [segment for segment in loaded if segment.rights & _RUN]
    data = [segment for segment in loaded if not segment.rights & _RUN]
    # Old linkers put everything that is read-only into the executable segment, which then begins with the file.
    searched = [*data, *(segment for segment in code[:1] if segment.offset == 0)]
    traces = trace_sources(bytes(view[s.offset : s.offset + min(s.size, _SEARCHED)]) for s in searched)
    layout = repr((header.entry, [(s.name, s.rights, s.address, s.memory_size) for s in segments]))
    return MappedFacts(
        build_id=bytes(view[build_id.start : build_id.end]).hex() if build_id else None,
        notes=tuple(f"{note.owner} {note.type:#x} {_digest_of(view, note)}" for note in notes),
        code_sha256=_digest(file, code, "", blanked),
        data_sha256=_digest(file, data, layout, blanked),
        traces=traces,
    )


def read_notes(view: memoryview, header: Header, segments: Iterable[Segment]) -> Iterator[Note]:
    """Yield the notes that are mapped, in their order; a broken chain ends it."""
    words = struct.Struct(header.order + "III")
    count = 0
    for segment in [s for s in segments if s.type == PT_NOTE][:_MOST_NOTE_SEGMENTS]:
        position, end = segment.offset, min(segment.offset + min(segment.size, _NOTES_SIZE), len(view))
        while position + _NOTE_HEAD <= end and count < _MOST_NOTES:
            name_size, size, kind = words.unpack_from(view, position)
            name = bytes(view[position + _NOTE_HEAD : position + _NOTE_HEAD + min(name_size, 32)])
            start = position + _NOTE_HEAD + -(-name_size // 4) * 4
            if start + size > end:
                break
            owner = name.rstrip(b"\0").decode("utf-8", "replace")
            yield Note(owner=owner, type=kind, start=start, end=start + size)
            count += 1
            position = start + -(-size // 4) * 4


def _digest_of(view: memoryview, note: Note) -> str:
    return hashlib.sha256(view[note.start : note.end]).hexdigest()[:12]


def _digest(file: MappedFile, parts: Iterable[Segment], layout: str, blanked: Sequence[tuple[int, int]]) -> str:
    digest = hashlib.sha256(layout.encode())
    for segment in parts:
        end = min(segment.offset + segment.size, len(file.view))
        length = max(end - segment.offset, 0)
        digest.update(repr((segment.address, segment.memory_size, segment.rights, length)).encode())
        file.update_blanked(digest, segment.offset, end, blanked)
    return digest.hexdigest()


def _section_table_fields(header: Header) -> tuple[tuple[int, int], ...]:
    # e_shoff, and e_shnum with e_shstrndx.
    return ((40, 48), (60, 64)) if header.wide else ((32, 36), (48, 52))
