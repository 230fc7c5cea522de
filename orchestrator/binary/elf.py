"""Reading an ELF file into a profile: what its tables, its mapped bytes and its debug strings say of it."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import replace
from itertools import islice
from json import JSONDecodeError, loads
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.compressed import plain_content
from orchestrator.binary.elf_dynamic import DynamicFacts, read_dynamic
from orchestrator.binary.go import read_go
from orchestrator.binary.mapped import read_mapped
from orchestrator.binary.names import hash_free_all
from orchestrator.binary.profile import LOCAL, BinaryProfile, Function, SectionFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.binary.digests import MappedFile
    from orchestrator.binary.elf_tables import Header, Section, Segment, Symbol

_FLAGS = (("A", tables.ALLOC), ("W", tables.WRITE), ("X", tables.EXECUTE), ("C", tables.COMPRESSED))
_DEBUG = frozenset({".debug_info", ".zdebug_info"})
_MOST_OVERLAP = 4
"""How often the parts of a file may cover it. Real ones cover it once; the bound keeps a crafted file from being read
65,535 times over."""
_PRODUCER = re.compile(rb"(?:clang LLVM \(rustc version |GNU (?:C|C\+\+|AS|GIMPLE)\d* |clang version )[^\0]{1,400}")
_TEXTS = (".debug_str", ".debug_line_str", ".zdebug_str", ".zdebug_line_str")
_TEXTS_SEARCHED = 1 << 26  # bytes of each of them
_MOST_PRODUCERS = 16
_SPLIT = re.compile(rb"\.dwo\0")
_LINK = ".gnu_debuglink"  # written by `objcopy --add-gnu-debuglink`
_MOST_DEBUG_FILES = 16
_LONGEST_PATH = 4096
# rustc names the unit of code generation in the FILE symbol: `backend.0123456789abcdef-cgu.07`.
_UNIT = re.compile(r"^(.+?)\.[0-9a-f]+-cgu\.\d+$")
_AUDIT = ".dep-v0"  # cargo auditable, https://github.com/rust-secure-code/cargo-auditable
_AUDIT_SIZE = 1 << 23  # bytes, unpacked; a thousand packages take a tenth of a megabyte


def read_elf(file: MappedFile, basis: BinaryProfile) -> BinaryProfile:
    """Add to a profile what an ELF file says of itself.

    Args:
        file: its bytes.
        basis: the profile so far: digest, size and format.
    """
    try:
        header = tables.read_header(file.view)
        segments, sections = tables.read_segments(file.view, header), tables.read_sections(file.view, header)
        symbols = tables.read_symbols(file.view, header, sections, tables.SYMTAB)
        imports = tables.read_symbols(file.view, header, sections, tables.DYNSYM)
    except tables.TableDamageError as damage:
        return replace(basis, damage=str(damage))
    covered = sum(section.end - section.offset for section in sections)
    if max(covered, sum(s.size for s in segments if s.type == tables.LOAD)) > _MOST_OVERLAP * len(file.view):
        return replace(basis, damage=f"its parts claim more than {_MOST_OVERLAP} times its {len(file.view)} bytes")
    dynamic = read_dynamic(file.view, header, segments)
    return _profile(file, header, segments, sections, symbols=symbols, imports=imports, dynamic=dynamic, basis=basis)


def _profile(
    file: MappedFile,
    header: Header,
    segments: Sequence[Segment],
    sections: Sequence[Section],
    *,
    symbols: Sequence[Symbol],
    imports: Sequence[Symbol],
    dynamic: DynamicFacts,
    basis: BinaryProfile,
) -> BinaryProfile:
    end = _end(header, segments, sections)
    mapped = read_mapped(file, header, segments)
    # One of each name: a crafted file may have thousands, each of which unpacks to megabytes.
    debug = {
        section.name.removeprefix(".z").removeprefix("."): section for section in sections if section.name in _TEXTS
    }
    texts = [plain_content(file.view, header, section, most=_TEXTS_SEARCHED) for section in debug.values()]
    parts = [section for section in sections if section.type != 0]
    stripped = all(section.type != tables.SYMTAB for section in sections)
    interpreter = next((segment for segment in segments if segment.type == tables.INTERP), None)
    kind = _kind(header, dynamic, interpreted=interpreter is not None)
    return replace(
        basis,
        damage=_damage(end, len(file.view)),
        machine=tables.MACHINES.get(header.machine, f"machine {header.machine}"),
        kind=kind,
        interpreter=tables.text_at(file.view, interpreter.offset) if interpreter else None,
        needed=dynamic.needed,
        versions=dynamic.versions,
        search=dynamic.search,
        build_id=mapped.build_id,
        notes=mapped.notes,
        comment=_comment(file.view, parts),
        producers=_producers(texts),
        debug_files=_debug_files(file.view, parts, texts),
        sections=tuple(_section(file, section) for section in parts),
        code_sha256=mapped.code_sha256,
        data_sha256=mapped.data_sha256,
        overlay_sha256=file.sha256(end) if end < len(file.view) else None,
        functions=None if stripped else _functions(symbols),
        units=_units(symbols),
        hardening=_hardening(segments, dynamic, {symbol.name for symbol in (*imports, *symbols)}, pie=kind == "pie"),
        debug_info=any(part.name in _DEBUG and part.size for part in parts),
        stripped=stripped,
        crates=mapped.traces.crates,
        audited=_audited(file.view, parts),
        go=read_go(file.view, parts),
        rustc_commits=mapped.traces.rustc_commits,
        roots=mapped.traces.roots,
    )


def _end(header: Header, segments: Iterable[Segment], sections: Iterable[Section]) -> int:
    """Return where the last part ends that the file's own tables name."""
    table_end = header.section_offset + header.section_size * header.sections
    parts = [*(segment.offset + segment.size for segment in segments), *(section.end for section in sections)]
    return max([table_end, *parts])


def _damage(end: int, size: int) -> str | None:
    return f"it ends after {size} bytes and says of itself that it has {end} or more" if end > size else None


def _kind(header: Header, dynamic: DynamicFacts, *, interpreted: bool) -> str | None:
    kind = tables.KINDS.get(header.kind)
    return "pie" if kind == "shared-object" and (interpreted or dynamic.position_independent) else kind


def _section(file: MappedFile, section: Section) -> SectionFacts:
    return SectionFacts(
        name=section.name,
        size=section.size,
        flags="".join(letter for letter, bit in _FLAGS if section.flags & bit),
        sha256=None if section.type == tables.NOBITS else file.sha256(section.offset, section.end),
    )


def _comment(view: memoryview, sections: Iterable[Section]) -> tuple[str, ...]:
    section = next((section for section in sections if section.name == ".comment"), None)
    if section is None:
        return ()
    content = bytes(tables.content_of(view, section)[: 1 << 16])
    return tuple(dict.fromkeys(text.decode(errors="replace") for text in content.split(b"\x00") if text))


def _producers(texts: Sequence[memoryview]) -> tuple[str, ...]:
    """Return the compilers that the debug information names, C compilers with their flags, sorted."""
    named = {match[0] for text in texts for match in _PRODUCER.finditer(text)}
    found = {name.decode(errors="replace").split("/@/")[0] for name in named}
    return tuple(sorted(found)[:_MOST_PRODUCERS])


def _debug_files(view: memoryview, sections: Iterable[Section], texts: Sequence[memoryview]) -> tuple[str, ...]:
    """Return the names of files beside the program that hold debug information: split (`.dwo`), or taken off."""
    found = set()
    for text in texts:
        for match in islice(_SPLIT.finditer(text), _MOST_DEBUG_FILES):
            end = match.end() - 1
            found.add(bytes(text[max(end - _LONGEST_PATH, 0) : end]).rpartition(b"\0")[2].decode(errors="replace"))
    link = next((section for section in sections if section.name == _LINK), None)
    if link is not None:
        found.add(tables.text_at(tables.content_of(view, link), 0))
    return tuple(sorted(found - {""}))[:_MOST_DEBUG_FILES]


def _functions(symbols: Iterable[Symbol]) -> tuple[Function, ...]:
    defined = [s for s in symbols if s.type == tables.FUNCTION and s.value and s.section]
    names = hash_free_all([symbol.name for symbol in defined])
    return tuple(sorted(map(Function, names, [symbol.size for symbol in defined])))


def _units(symbols: Iterable[Symbol]) -> tuple[str, ...]:
    """Return `crate count` for each crate that was compiled into units of code generation that left their names."""
    named = {symbol.name for symbol in symbols if symbol.type == tables.FILE}
    counts = Counter(match[1] for name in named if (match := _UNIT.match(name)))
    return tuple(f"{crate} {count}" for crate, count in sorted(counts.items()))


def _hardening(segments: Iterable[Segment], dynamic: DynamicFacts, names: set[str], *, pie: bool) -> tuple[str, ...]:
    """Return the protections that the file's tables show, by the names that `checksec` uses, in its order."""
    kinds = {segment.type: segment.rights for segment in segments}
    relro = tables.GNU_RELRO in kinds
    return tuple(
        word
        for word, there in (
            ("pie", pie),
            ("relro", relro),
            ("full-relro", relro and dynamic.bind_now),
            ("bind-now", dynamic.bind_now),
            ("canary", "__stack_chk_fail" in names),
            ("nx", tables.GNU_STACK in kinds and not kinds[tables.GNU_STACK] & 1),
            ("fortify", any(name.endswith("_chk") and name.startswith("__") for name in names)),
        )
        if there
    )


def _audited(view: memoryview, sections: Iterable[Section]) -> tuple[str, ...]:
    """Return the packages that `cargo auditable` listed, as the profile has them; empty where there is no such list."""
    section = next((section for section in sections if section.name == _AUDIT), None)
    if section is None:
        return ()
    try:
        listed = loads(zlib.decompressobj().decompress(bytes(tables.content_of(view, section)), _AUDIT_SIZE))
        return tuple(sorted(map(_package, listed["packages"])))
    except (zlib.error, JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return ()


def _package(listed: Mapping[str, object]) -> str:
    return f"{listed['name']} {listed['version']}{LOCAL if listed['source'] == 'local' else ''}"
