"""Which source line an instruction comes from, by `.debug_line` (DWARF 2 to 5, www.dwarfstd.org, section 6.2).

Only a few addresses are asked for, and the tables of a large program take megabytes. So nothing is read as a whole: the
sequence that holds an address is found by its opening instruction, which holds that address, and only it is decoded. A
compiler that gives each function a section of its own (rustc does) begins a sequence at each function.

Compressed tables are read as plain ones (`compressed.py`). With split debug information (`-gsplit-dwarf`) the line
table stays in the program, and only types and variables go into `.dwo` files.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.compressed import plain_content
from orchestrator.binary.line_units import BrokenTableError, Reader, read_unit, units_of

if TYPE_CHECKING:
    from orchestrator.binary.line_units import Unit

_SET_ADDRESS = re.compile(rb"\x00\x09\x02(?=(.{8}))", re.DOTALL)
_END_SEQUENCE = b"\x00\x01\x01"
_LARGEST = 1 << 26  # bytes of one section
_MOST_SEQUENCES = 1 << 20
_MOST_OPERATIONS = 1 << 20
"""For all lines of one program together: a second's work. The longest table known, SQLite's, takes half of it."""
_MOST_TRIES = 64
_END_CODE, _SET_ADDRESS_CODE = 1, 2
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _CONST_ADD_PC, _FIXED_ADVANCE_PC = 1, 2, 3, 4, 8, 9


class _RowOf(NamedTuple):
    """From this address on, the code is of this line of a file; line 0 is none."""

    address: int
    file: int
    line: int


class Lines:
    """The line table of one program; sections are taken out of the file when the first line is asked for."""

    def __init__(self, view: memoryview, header: tables.Header) -> None:
        self._view, self._header = view, header
        self._data = self._line_texts = self._texts = view[:0]
        self._taken = False
        self._sequences: list[tuple[int, int]] | None = None
        self._units: list[tuple[int, int]] | None = None
        self._left = _MOST_OPERATIONS

    def line(self, address: int) -> str | None:
        """Return `file:line` of an instruction, or None where there is no debug information of it."""
        self._take()
        try:
            sequence = self._sequence(address)
            unit = None if sequence is None else self._unit(sequence)
            if sequence is None or unit is None:
                return None
            return self._run(unit, sequence, address)
        except (BrokenTableError, struct.error):
            return None

    def _take(self) -> None:
        if self._taken:
            return
        self._taken = True
        sections = tables.read_sections(self._view, self._header)
        named = {section.name.replace(".zdebug", ".debug", 1): section for section in sections}
        self._data, self._line_texts, self._texts = (
            plain_content(self._view, self._header, named.get(name), most=_LARGEST)
            for name in (".debug_line", ".debug_line_str", ".debug_str")
        )

    def _sequence(self, address: int) -> int | None:
        """Return where the nearest address at or before this one is set."""
        if self._sequences is None:
            found = ((int.from_bytes(match[1], "little"), match.start()) for match in _SET_ADDRESS.finditer(self._data))
            self._sequences = sorted(islice(found, _MOST_SEQUENCES))
        index = bisect_right(self._sequences, (address, len(self._data))) - 1
        return self._sequences[index][1] if index >= 0 else None

    def _unit(self, place: int) -> Unit | None:
        if self._units is None:
            self._units = list(units_of(self._data))
        index = bisect_right(self._units, (place, len(self._data))) - 1
        if index < 0 or self._units[index][1] <= place:
            return None
        return read_unit(self._data, *self._units[index], line_texts=self._line_texts, texts=self._texts)

    def _run(self, unit: Unit, sequence: int, address: int) -> str | None:
        """Decode the sequence whose address is set at this place; what stands before that in it may name the file."""
        before = bytes(self._data[unit.program : sequence + len(_END_SEQUENCE) - 1])
        begin = len(before)
        for _ in range(_MOST_TRIES):
            begin = before.rfind(_END_SEQUENCE, 0, begin)
            start = unit.program + (0 if begin < 0 else begin + len(_END_SEQUENCE))
            rows = self._rows(unit, start, sequence)
            if rows is not None:
                return _found(rows, unit, address)
            if begin < 0:
                break
            begin += len(_END_SEQUENCE) - 1
        return None

    def _rows(self, unit: Unit, start: int, must_pass: int) -> list[_RowOf] | None:
        """Return the rows of one sequence; None where `start` is no beginning of the one that is wanted."""
        machine = _Machine(Reader(self._data, start), unit)
        passed = False
        while self._left > 0:
            place = machine.reader.place
            if place >= unit.end or (place > must_pass and not passed):
                return None
            passed = passed or place == must_pass
            self._left -= 1
            if machine.step():
                return machine.rows if passed else None
        return None


def _found(rows: list[_RowOf], unit: Unit, address: int) -> str | None:
    """Return the line of the last row at or before an address; none where the sequence ends before it."""
    index = bisect_right([row.address for row in rows], address) - 1
    if not 0 <= index < len(rows) - 1 or rows[index].line == 0:
        return None
    number = rows[index].file - unit.first_file
    return f"{unit.files[number]}:{rows[index].line}" if 0 <= number < len(unit.files) else None


@dataclass(slots=True)
class _Machine:
    """The state machine of section 6.2.5; what does not tell file or line is skipped."""

    reader: Reader
    unit: Unit
    address: int = 0
    file: int = 1
    line: int = 1
    rows: list[_RowOf] = field(default_factory=list)

    def step(self) -> bool:
        """Do one operation; return whether it ended the sequence."""
        opcode, base = self.reader.number(1), len(self.unit.lengths) + 1
        if opcode >= base:
            advance, more = divmod(opcode - base, self.unit.line_range)
            self.address += advance * self.unit.step
            self.line += self.unit.line_base + more
            self._append()
        elif opcode == 0:
            return self._extended()
        else:
            self._standard(opcode, base)
        return False

    def _append(self) -> None:
        self.rows.append(_RowOf(self.address, self.file, self.line))

    def _extended(self) -> bool:
        size = self.reader.leb()
        after = self.reader.place + size
        kind = self.reader.number(1)
        if kind == _SET_ADDRESS_CODE:
            self.address = self.reader.number(size - 1)
        self.reader.place = after
        if kind == _END_CODE:
            self.rows.append(_RowOf(self.address, self.file, 0))
        return kind == _END_CODE

    def _standard(self, opcode: int, base: int) -> None:
        reader, unit = self.reader, self.unit
        if opcode == _COPY:
            self._append()
        elif opcode == _ADVANCE_PC:
            self.address += reader.leb() * unit.step
        elif opcode == _ADVANCE_LINE:
            self.line += reader.signed()
        elif opcode == _SET_FILE:
            self.file = reader.leb()
        elif opcode == _CONST_ADD_PC:
            self.address += (255 - base) // unit.line_range * unit.step
        elif opcode == _FIXED_ADVANCE_PC:
            self.address += reader.number(2)
        else:
            for _ in range(unit.lengths[opcode - 1]):
                reader.leb()
