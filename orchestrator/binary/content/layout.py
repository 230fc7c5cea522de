"""One program laid out by addresses: its functions, its relocations, and what lies where."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.names import hash_free_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.binary.elf_tables import Header, Section, Symbol

_RELATIVE = 8  # R_X86_64_RELATIVE
_TLS = 0x400  # SHF_TLS: its addresses are a template's and overlap those that follow
# int3, nop, zeros, and the long forms of nop, at the end of what fills up to the next function.
_PADDING = re.compile(rb"(?:\x66|\x2e|\x0f\x1f[\x00\x40\x44\x80\x84]|[\x90\xcc\x00])*\Z")
_CODE_TYPES = frozenset({0, tables.FUNCTION})
_MOST_MAPPED = 1 << 28
"""Bytes of mapped content up to which programs are compared in this way; beyond it only digests are."""


class Body(NamedTuple):
    """One function: its hash-free name, and where it lies."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One program, ready to be asked what lies at an address.

    Attributes:
        sections: those that are loaded, by address.
        functions: by address, without overlaps; of several names for one address the first in the alphabet.
        objects: statics that the symbol table names, by address, without overlaps.
        relocations: what the loader writes, by the address written to.
        imports: names of the dynamic symbol table, by index.
        named: whether the functions' names come from a symbol table (else they are numbered).
    """

    view: memoryview
    header: Header
    sections: tuple[Section, ...]
    functions: tuple[Body, ...]
    objects: tuple[Body, ...]
    relocations: Mapping[int, tables.Relocation]
    imports: tuple[str, ...]
    named: bool
    _starts: list[int] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)
    _statics: list[int] = field(default_factory=list)

    @property
    def span(self) -> tuple[int, int]:
        """Return the addresses that the program takes."""
        return self.sections[0].address, max(section.address + section.size for section in self.sections)

    def section(self, address: int) -> Section | None:
        """Return the section that an address lies in."""
        index = bisect_right(self._places, address) - 1
        if index < 0:
            return None
        found = self.sections[index]
        return found if address < found.address + found.size else None

    def named_section(self, name: str) -> Section | None:
        """Return a section by its name."""
        return next((section for section in self.sections if section.name == name), None)

    def function(self, address: int) -> Body | None:
        """Return the function that an address lies in."""
        return _containing(self.functions, self._starts, address)

    def object(self, address: int) -> Body | None:
        """Return the static that an address lies in."""
        return _containing(self.objects, self._statics, address)

    def read(self, section: Section, start: int, end: int) -> memoryview:
        """Return the bytes between two addresses of a section."""
        first = section.offset + start - section.address
        last = section.offset + end - section.address
        return self.view[first : min(last, section.end)]

    def target(self, relocation: tables.Relocation) -> int | None:
        """Return the address that a relocation of the program's own things puts in place."""
        return relocation.addend if relocation.type == _RELATIVE else None


def lay_out(view: memoryview) -> Layout | None:
    """Lay out a program; None where this way of comparing does not reach: other processors, no sections, too large.

    Raises:
        TableDamageError: its tables are broken.
    """
    header = tables.read_header(view)
    if header.machine != tables.X86_64 or not header.wide or not header.little:
        return None
    every = tables.read_sections(view, header)
    loaded = [
        s for s in every if s.flags & tables.ALLOC and s.address and not (s.type == tables.NOBITS and s.flags & _TLS)
    ]
    loaded.sort(key=lambda section: section.address)
    sections = tuple(section for section in loaded if section.size)
    if not sections or sum(section.end - section.offset for section in sections) > _MOST_MAPPED:
        return None
    symbols = tables.read_symbols(view, header, every, tables.SYMTAB)
    functions = _functions(symbols, sections, view)
    statics = [symbol for symbol in symbols if symbol.type == tables.OBJECT and symbol.size]
    named = hash_free_all([symbol.name for symbol in statics])
    objects = _apart([Body(name, s.value, s.value + s.size) for name, s in zip(named, statics, strict=True)])
    relocations = {r.address: r for r in tables.read_relocations(view, header, every)}
    imports = tables.read_symbols(view, header, every, tables.DYNSYM)
    return Layout(
        view=view,
        header=header,
        sections=sections,
        functions=functions,
        objects=objects,
        relocations=relocations,
        imports=("", *(symbol.name for symbol in imports)),
        named=bool(functions),
        _starts=[body.start for body in functions],
        _places=[section.address for section in sections],
        _statics=[body.start for body in objects],
    )


def with_functions(layout: Layout, functions: Sequence[Body]) -> Layout:
    """Return the layout of a stripped program with functions that the unwinding tables know by place."""
    return Layout(
        view=layout.view,
        header=layout.header,
        sections=layout.sections,
        functions=tuple(functions),
        objects=layout.objects,
        relocations=layout.relocations,
        imports=layout.imports,
        named=False,
        _starts=[body.start for body in functions],
        _places=layout._places,  # noqa: SLF001 - its own kind
        _statics=layout._statics,  # noqa: SLF001 - its own kind
    )


def _functions(symbols: Iterable[Symbol], sections: Sequence[Section], view: memoryview) -> tuple[Body, ...]:
    code = [section for section in sections if section.flags & tables.EXECUTE]
    found = []
    home: Section | None = None
    for symbol in symbols:
        if symbol.type not in _CODE_TYPES or not symbol.section or not symbol.name:
            continue
        # Most lie in the section that the one before lay in.
        if home is None or not home.address <= symbol.value < home.address + home.size:
            home = next((part for part in code if part.address <= symbol.value < part.address + part.size), None)
        if home is not None:
            found.append((symbol, home))
    names = hash_free_all([symbol.name for symbol, _ in found])
    # Assembly often gives no size; such a function ends where the next one begins.
    starts = sorted({symbol.value for symbol, _ in found})
    bodies = []
    for name, (symbol, place) in zip(names, found, strict=True):
        end = place.address + place.size
        if symbol.size:
            end = min(symbol.value + symbol.size, end)
        else:
            following = bisect_right(starts, symbol.value)
            end = min(starts[following], end) if following < len(starts) else end
            first = place.offset - place.address
            padding = _PADDING.search(bytes(view[symbol.value + first : end + first]))
            end -= len(padding[0]) if padding else 0
        bodies.append(Body(name, symbol.value, end))
    return _apart(bodies)


def _apart(bodies: Iterable[Body]) -> tuple[Body, ...]:
    """Return bodies by address; what begins within another one is part of it."""
    found: list[Body] = []
    for body in sorted(bodies, key=lambda body: (body.start, -body.end, body.name)):
        if not found or body.start >= found[-1].end:
            found.append(body)
    return tuple(found)


def _containing(bodies: Sequence[Body], starts: Sequence[int], address: int) -> Body | None:
    index = bisect_right(starts, address) - 1
    if index < 0:
        return None
    found = bodies[index]
    return found if address < found.end else None
