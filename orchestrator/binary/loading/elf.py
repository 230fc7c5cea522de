"""An ELF file as the dynamic loader sees it: program headers and the dynamic table, never sections.

Layouts from the System V ABI and the LSB's symbol versioning chapter. Every offset is checked against the file: these
bytes come out of images and may be anything.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x7fELF"
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_NEEDED, _STRTAB, _SONAME, _RPATH, _RUNPATH = 1, 5, 14, 15, 29
_VERSYM, _FLAGS_1, _VERDEF, _VERNEED = 0x6FFFFFF0, 0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFE
_NO_DEFAULT_FOLDERS = 0x800  # DF_1_NODEFLIB
_WEAK = 0x2  # VER_FLG_WEAK
_MOST_ENTRIES = 1 << 16
_LONGEST_NAME = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededVersion:
    """A symbol version that a file asks a library for; a weak one may be missing."""

    library: str
    name: str
    weak: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderView:
    """What the dynamic loader reads of one file.

    Attributes:
        bits: 32 or 64.
        machine: e_machine (62 for x86-64).
        damage: what makes the file unusable; the fields below it are then empty.
        interpreter: PT_INTERP; None for static programs and for most libraries.
        rpath: DT_RPATH, folders joined by colons; empty when DT_RUNPATH is there, which switches it off.
        no_default_folders: linked with `-z nodeflib`.
        versioned: whether it has a symbol version table (DT_VERSYM).
    """

    bits: int
    machine: int
    damage: str | None = None
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: str = ""
    runpath: str = ""
    no_default_folders: bool = False
    versioned: bool = False
    asked: tuple[NeededVersion, ...] = ()
    defined: tuple[str, ...] = ()


class _DamagedError(Exception):
    """The file points outside of itself, or does not say what it must."""


def view_elf(content: bytes) -> LoaderView | None:
    """Return the loader's view of a file; None when it is no ELF file at all."""
    if not content.startswith(MAGIC):
        return None
    head = _Header.read(content)
    if head is None:
        return LoaderView(bits=0, machine=0, damage=f"it ends after {len(content)} bytes, within the ELF header")
    basis = LoaderView(bits=head.bits, machine=head.machine)
    try:
        return _File(content, head).view(basis)
    except _DamagedError as error:
        return replace(basis, damage=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    bits: int
    order: str
    kind: int
    machine: int
    table: int
    entry_size: int
    entries: int

    @classmethod
    def read(cls, content: bytes) -> _Header | None:
        wide, order = content[4:5] == b"\x02", ">" if content[5:6] == b"\x02" else "<"
        layout = struct.Struct(f"{order}16xHHI{'QQQ' if wide else 'III'}IHHH")
        if len(content) < layout.size:
            return None
        kind, machine, _, _, table, _, _, _, entry_size, entries = layout.unpack_from(content)
        return cls(
            bits=64 if wide else 32,
            order=order,
            kind=kind,
            machine=machine,
            table=table,
            entry_size=entry_size,
            entries=entries,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A program header."""

    kind: int
    offset: int
    size: int
    address: int


class _File:
    """One file being read. Raises `_DamagedError` as soon as something lies outside of it."""

    def __init__(self, content: bytes, head: _Header) -> None:
        self._content, self._head = content, head
        self._wide = head.bits == 64  # noqa: PLR2004 - the wide of the two
        self._budget = _MOST_ENTRIES
        self._parts = tuple(self._program_headers())

    def view(self, basis: LoaderView) -> LoaderView:
        if self._head.kind not in (2, 3):  # ET_EXEC, ET_DYN
            raise _DamagedError("it is neither a program nor a shared library (an object file, or a core dump)")
        for part in self._parts:
            if part.kind == _PT_LOAD and part.offset + part.size > len(self._content):
                end = part.offset + part.size
                raise _DamagedError(f"it is cut off: {len(self._content)} bytes of at least {end}")
        interpreter = next((self._text(part.offset) for part in self._parts if part.kind == _PT_INTERP), None)
        view = replace(basis, interpreter=interpreter)
        dynamic = next((part for part in self._parts if part.kind == _PT_DYNAMIC), None)
        return view if dynamic is None else self._with_dynamic(view, dynamic)

    def _with_dynamic(self, view: LoaderView, dynamic: _Part) -> LoaderView:
        entries = list(self._dynamic(dynamic))
        single = dict(reversed(entries))
        strings = self._offset(single[_STRTAB]) if _STRTAB in single else len(self._content)

        def name(tag: int) -> str:
            return self._text(strings + single[tag]) if tag in single else ""

        runpath = name(_RUNPATH)
        return replace(
            view,
            needed=tuple(self._text(strings + value) for tag, value in entries if tag == _NEEDED),
            soname=name(_SONAME) or None,
            rpath="" if runpath else name(_RPATH),
            runpath=runpath,
            no_default_folders=bool(single.get(_FLAGS_1, 0) & _NO_DEFAULT_FOLDERS),
            versioned=_VERSYM in single,
            asked=tuple(self._asked(self._offset(single[_VERNEED]), strings)) if _VERNEED in single else (),
            defined=tuple(self._defined(self._offset(single[_VERDEF]), strings)) if _VERDEF in single else (),
        )

    def _program_headers(self) -> Iterator[_Part]:
        layout = "IIQQQQ" if self._wide else "IIIII"
        for index in range(self._head.entries):
            values = self._unpack(layout, self._head.table + index * self._head.entry_size)
            if self._wide:
                kind, _, offset, address, _, size = values
            else:
                kind, offset, address, _, size = values
            yield _Part(kind=kind, offset=offset, size=size, address=address)

    def _dynamic(self, part: _Part) -> Iterator[tuple[int, int]]:
        layout, step = ("QQ", 16) if self._wide else ("II", 8)
        for index in range(min(part.size // step, _MOST_ENTRIES)):
            tag, value = self._unpack(layout, part.offset + index * step)
            if tag == 0:
                return
            yield tag, value

    def _asked(self, position: int, strings: int) -> Iterator[NeededVersion]:
        for record in self._chain("HHIII", position, next_field=4):
            _, _, file, first, _ = record.values
            library = self._text(strings + file)
            for entry in self._chain("IHHII", record.position + first, next_field=4):
                _, flags, _, name, _ = entry.values
                yield NeededVersion(library=library, name=self._text(strings + name), weak=bool(flags & _WEAK))

    def _defined(self, position: int, strings: int) -> Iterator[str]:
        for record in self._chain("HHHHIII", position, next_field=6):
            name, _ = self._unpack("II", record.position + record.values[5])
            yield self._text(strings + name)

    def _chain(self, layout: str, position: int, *, next_field: int) -> Iterator[_Record]:
        while self._budget:
            self._budget -= 1
            record = _Record(position=position, values=self._unpack(layout, position))
            yield record
            step = record.values[next_field]
            if step == 0:
                return
            position += step
        raise _DamagedError("its version tables do not end")

    def _unpack(self, layout: str, position: int) -> tuple[int, ...]:
        form = self._head.order + layout
        if position < 0 or position + struct.calcsize(form) > len(self._content):
            raise _DamagedError(f"it points to byte {position} and has {len(self._content)}")
        return struct.unpack_from(form, self._content, position)

    def _offset(self, address: int) -> int:
        """Return where in the file an address is mapped from."""
        for part in self._parts:
            if part.kind == _PT_LOAD and part.address <= address < part.address + part.size:
                return address - part.address + part.offset
        raise _DamagedError(f"address {address:#x} is not mapped from the file")

    def _text(self, position: int) -> str:
        end = self._content.find(b"\x00", position, position + _LONGEST_NAME)
        if not 0 <= position < len(self._content) or end < 0:
            raise _DamagedError(f"there is no name at byte {position}")
        return self._content[position:end].decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    position: int
    values: tuple[int, ...]
