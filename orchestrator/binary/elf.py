"""Reading an ELF file into a profile. The one module that imports LIEF; nothing of LIEF leaves it.

LIEF costs more than half a second to import, so it is imported when a program is really read. Files come out of
images and may be anything. LIEF 1.0.0 as found by damaging files at random: a foreign file gives None, a name that is
no UTF-8 raises `UnicodeDecodeError`, a value that it does not know becomes a number with a `RuntimeWarning`.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.binary.mapped import Segment, read_mapped
from orchestrator.binary.names import hash_free
from orchestrator.binary.profile import BinaryProfile, Function, SectionFacts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_KINDS = {"REL": "object", "EXEC": "executable", "DYN": "shared-object", "CORE": "core"}
_FLAGS = (("A", 0x2), ("W", 0x1), ("X", 0x4))  # SHF_ALLOC, SHF_WRITE, SHF_EXECINSTR
_DEBUG = frozenset({".debug_info", ".zdebug_info"})
_MOST_OVERLAP = 4
"""How often the parts of a file may cover it. Real ones cover it once; the bound keeps a crafted file from being read
65,535 times over."""


def read_elf(path: Path, view: memoryview, basis: BinaryProfile) -> BinaryProfile:
    """Add to a profile what an ELF file says of itself.

    Args:
        path: the file, for LIEF, which maps it itself.
        view: its bytes.
        basis: the profile so far: digest, size and format.
    """
    import lief  # noqa: PLC0415 - half a second that only a program never seen before may cost

    lief.logging.disable()
    warnings.filterwarnings("ignore", message=r"\d+ is not a valid ", category=RuntimeWarning)
    options = lief.ELF.ParserConfig()
    options.parse_relocations = False
    options.parse_overlay = False
    binary = lief.ELF.parse(str(path), options)
    if binary is None:
        return replace(basis, damage="it begins like an ELF file and cannot be read as one")
    try:
        return _read(binary, view, basis)
    except UnicodeDecodeError as error:
        return replace(basis, damage=f"it holds a name that is no text: {error.object[:40]!r}")


def _read(binary: Any, view: memoryview, basis: BinaryProfile) -> BinaryProfile:
    segments = tuple(_segment(segment) for segment in binary.segments)
    tables = [(_name(section.type), section) for section in binary.sections]
    contents = [section for kind, section in tables if kind != "NOBITS"]
    covered = sum(section.size for section in contents)
    if max(covered, sum(s.size for s in segments if s.kind == "LOAD")) > _MOST_OVERLAP * len(view):
        return replace(basis, damage=f"its parts claim more than {_MOST_OVERLAP} times its {len(view)} bytes")
    sections = tuple(_section(kind, section, view) for kind, section in tables if "NULL" not in kind)
    stripped = all(kind != "SYMTAB" for kind, _ in tables)
    end = _end(binary.header, segments, contents)
    mapped = read_mapped(view, segments, entry=binary.entrypoint)
    return replace(
        basis,
        damage=_damage(end, len(view)),
        machine=_name(binary.header.machine_type).lower(),
        kind=_kind(binary),
        interpreter=_text(binary.interpreter) if binary.has_interpreter else None,
        needed=tuple(_text(name) for name in binary.libraries),
        versions=_versions(binary),
        build_id=mapped.build_id,
        comment=_comment(binary, view),
        sections=sections,
        code_sha256=mapped.code_sha256,
        data_sha256=mapped.data_sha256,
        pathless_sha256=mapped.pathless_sha256,
        overlay_sha256=hashlib.sha256(view[end:]).hexdigest() if end < len(view) else None,
        functions=None if stripped else _functions(binary.symtab_symbols),
        debug_info=any(part.name in _DEBUG and part.size for part in sections),
        stripped=stripped,
        crates=mapped.traces.crates,
        rustc_commits=mapped.traces.rustc_commits,
        roots=mapped.traces.roots,
    )


def _end(header: Any, segments: Iterable[Segment], contents: Iterable[Any]) -> int:
    """Return where the last part ends that the file's own tables name."""
    table_end = header.section_header_offset + header.section_header_size * header.numberof_sections
    end: int = max(
        [
            table_end,
            *(segment.offset + segment.size for segment in segments),
            *(section.file_offset + section.size for section in contents),
        ]
    )
    return end


def _damage(end: int, size: int) -> str | None:
    return f"it ends after {size} bytes and says of itself that it has {end} or more" if end > size else None


def _kind(binary: Any) -> str | None:
    kind = _name(binary.header.file_type)
    return "pie" if kind == "DYN" and binary.is_pie else _KINDS.get(kind)


def _segment(segment: Any) -> Segment:
    return Segment(
        kind=_name(segment.type),
        rights=int(segment.flags),
        offset=segment.file_offset,
        size=segment.physical_size,
        address=segment.virtual_address,
        memory_size=segment.virtual_size,
    )


def _section(kind: str, section: Any, view: memoryview) -> SectionFacts:
    bits = int(section.flags)
    content = None if kind == "NOBITS" else view[section.file_offset : section.file_offset + section.size]
    return SectionFacts(
        name=_text(section.name),
        size=section.size,
        flags="".join(letter for letter, bit in _FLAGS if bits & bit),
        sha256=None if content is None else hashlib.sha256(content).hexdigest(),
    )


def _versions(binary: Any) -> tuple[str, ...]:
    return tuple(
        f"{_text(library.name)} {_text(version.name)}"
        for library in binary.symbols_version_requirement
        for version in library.get_auxiliary_symbols()
    )


def _comment(binary: Any, view: memoryview) -> tuple[str, ...]:
    section = binary.get_section(".comment")
    if section is None:
        return ()
    content = bytes(view[section.file_offset : section.file_offset + section.size])
    return tuple(dict.fromkeys(text.decode(errors="replace") for text in content.split(b"\x00") if text))


def _functions(symbols: Iterable[Any]) -> tuple[Function, ...]:
    defined = (symbol for symbol in symbols if symbol.is_function and symbol.value)
    return tuple(sorted(Function(hash_free(_text(symbol.name)), symbol.size) for symbol in defined))


def _name(value: Any) -> str:
    """Return the last word of one of LIEF's enumeration values; a number that it does not know stays a number."""
    return str(value).rsplit(".", 1)[-1]


def _text(value: Any) -> str:
    """Return a name as text: LIEF hands out bytes for some of the names that are no UTF-8."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
