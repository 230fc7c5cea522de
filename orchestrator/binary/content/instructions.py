"""Instructions of the functions that differ, read with capstone: what to show, and what kind of difference it is.

Only functions that are known to differ come here, and not many of them: decoding takes a microsecond an instruction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.binary.content.decoding import instructions
from orchestrator.binary.lines import Lines
from orchestrator.binary.names import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.binary.content.bodies import BodyPair
    from orchestrator.binary.content.layout import Body, Layout

_NUMBER = re.compile(r"-?(?:0x[0-9a-f]+|\d+)", re.ASCII)
_MOST_FUNCTIONS = 64
_MOST_LOCATED = 16  # functions whose source line is looked up
_LONGEST = 4096  # bytes of one function that are decoded
_MOST_ROWS = 12
# What every x86-64 processor has is x86-64-v1; what came with v2 and v3, beside everything that begins with `v` (Intel
# SDM, AMD64 ABI). Not `tzcnt`: LLVM writes its bytes for every processor, as older ones take them for `rep bsf`.
_NEWER = re.compile(
    r"(addsub|h(add|sub))p[ds]|lddqu|mov(d|sh|sl)dup"  # SSE3
    r"|pabs[bdw]|palignr|ph(add|sub)(d|sw|w)|pmaddubsw|pmulhrsw|pshufb|psign[bdw]"  # SSSE3
    r"|blendv?p[ds]|dpp[ds]|extractps|insertps|movntdqa|mpsadbw|packusdw|pblend(vb|w)|pcmpeqq"  # SSE4.1
    r"|p(extr|insr)[bdq]|phminposuw|p(max|min)(sb|sd|ud|uw)|pmov[sz]x(b[dqw]|w[dq]|dq)|pmuldq|pmulld|ptest|round[ps][ds]"
    r"|crc32|pcmp[ei]str[im]|pcmpgtq|popcnt"  # SSE4.2
    r"|andn|bextr|bls(i|msk|r)|bzhi|lzcnt|movbe|mulx|pdep|pext|rorx|s(ar|hl|hr)x"  # BMI, and what came with it
)
_OLDER_V = frozenset({"verr", "verw", "vmcall", "vmlaunch"})


class Row(NamedTuple):
    """One line of a comparison; an empty text where a side has nothing to put against the other."""

    local: str
    image: str


_NOWHERE = Row("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Where two bodies of one function begin to differ.

    Attributes:
        name: hash-free.
        rows: the differing instructions side by side, the first twelve of them.
        more: how many further rows differ.
        source: `file:line` of the first of them on both sides, where debug information tells; else empty.
    """

    name: str
    rows: tuple[Row, ...]
    more: int
    source: Row = _NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionDifference:
    """What the differing functions are made of.

    Attributes:
        excerpts: of the first functions that differ.
        immediates: pairs of numbers, where nothing but numbers in instructions differs in any of the functions.
        called: readable names that the differing functions call, those of the local program and those of the image's.
        newer: instructions of newer processors, for each function that has such in one of its two bodies alone.
    """

    excerpts: tuple[Excerpt, ...] = ()
    immediates: tuple[tuple[int, int], ...] = ()
    called: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    newer: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


class _Instruction(NamedTuple):
    address: int
    mnemonic: str
    operands: str
    shape: str
    numbers: tuple[int, ...]


def compare_instructions(local: Layout, image: Layout, pairs: Sequence[BodyPair]) -> InstructionDifference:
    """Decode functions that differ and compare them instruction by instruction.

    Args:
        local: the local program.
        image: the image's program.
        pairs: functions that are known to differ; the first 64 are decoded.
    """
    if not pairs:
        return InstructionDifference()
    excerpts: list[Excerpt] = []
    numbers: list[tuple[int, int]] = []
    only_numbers = len(pairs) <= _MOST_FUNCTIONS
    newer = []
    called: tuple[set[str], set[str]] = (set(), set())
    lines = (Lines(local.view, local.header), Lines(image.view, image.header))
    for pair in pairs[:_MOST_FUNCTIONS]:
        here, there = _decode(local, pair.local), _decode(image, pair.image)
        found = _numbers(here, there)
        only_numbers = only_numbers and found is not None
        numbers += found or []
        called[0].update(one.operands for one in here if one.mnemonic == "call")
        called[1].update(one.operands for one in there if one.mnemonic == "call")
        sides = (_newer(here), _newer(there))
        # One that uses them on both sides was written for these processors, and is called where there is one.
        if bool(sides[0]) != bool(sides[1]):
            newer.append((tuple(sorted(sides[0])), tuple(sorted(sides[1]))))
        excerpts.append(_excerpt(pair.local.name, here, there, lines if len(excerpts) < _MOST_LOCATED else None))
    return InstructionDifference(
        excerpts=tuple(excerpt for excerpt in excerpts if excerpt.rows),
        immediates=tuple(dict.fromkeys(numbers)) if only_numbers else (),
        called=(frozenset(called[0]), frozenset(called[1])),
        newer=tuple(newer),
    )


def _decode(layout: Layout, body: Body) -> list[_Instruction]:
    section = layout.section(body.start)
    if section is None:
        return []
    code = bytes(layout.read(section, body.start, min(body.end, body.start + _LONGEST)))
    found = []
    for address, size, mnemonic, operands in instructions(code, body.start):
        text = _named(layout, body, mnemonic, operands, address + size)
        words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
        values = tuple(int(word, 0) for word in words if _is_number(word))
        shape = " ".join("#" if _is_number(word) else word for word in words)
        found.append(_Instruction(address, mnemonic, text, shape, values))
    return found


def _is_number(word: str) -> bool:
    # As a whole: a name stands where an operand led to one, and a file may give its functions any name.
    return _NUMBER.fullmatch(word) is not None


def _named(layout: Layout, body: Body, mnemonic: str, operands: str, after: int) -> str:
    """Write what an operand leads to instead of where it lies, so that moved code reads the same."""
    leads = mnemonic == "call" or mnemonic.startswith("j")
    if leads and operands.startswith("0x"):
        target = int(operands, 16)
        if body.start <= target < body.end:
            return f"+{target - body.start:x}"
        return _function(layout, target)
    if "[rip" not in operands:
        return operands
    before, _, rest = operands.partition("[rip")
    displacement, _, behind = rest.partition("]")
    try:
        target = after + int(displacement.replace(" ", "") or "0", 0)
    except ValueError:
        return operands
    if leads:
        return f"[{_through_slot(layout, target)}]"
    section = layout.section(target)
    return f"{before}[{section.name if section else 'elsewhere'}]{behind}"


def _function(layout: Layout, address: int) -> str:
    found = layout.function(address)
    return readable(found.name) if found is not None and found.start == address else "elsewhere"


def _through_slot(layout: Layout, slot: int) -> str:
    """Return the name of the function whose address the loader writes into a slot."""
    relocation = layout.relocations.get(slot)
    if relocation is None:
        return "elsewhere"
    target = layout.target(relocation)
    if target is not None:
        return _function(layout, target)
    return layout.imports[relocation.symbol] if relocation.symbol < len(layout.imports) else "elsewhere"


def _numbers(here: Sequence[_Instruction], there: Sequence[_Instruction]) -> list[tuple[int, int]] | None:
    """Return the numbers that differ when nothing else does; None when something else does."""
    if len(here) != len(there):
        return None
    found: list[tuple[int, int]] = []
    for one, other in zip(here, there, strict=True):
        if (one.mnemonic, one.shape) != (other.mnemonic, other.shape):
            return None
        found += [pair for pair in zip(one.numbers, other.numbers, strict=True) if pair[0] != pair[1]]
    return found


def _newer(body: Sequence[_Instruction]) -> set[str]:
    return {
        instruction.mnemonic
        for instruction in body
        if _NEWER.fullmatch(instruction.mnemonic)
        or (instruction.mnemonic.startswith("v") and instruction.mnemonic not in _OLDER_V)
    }


def _excerpt(
    name: str, here: Sequence[_Instruction], there: Sequence[_Instruction], lines: tuple[Lines, Lines] | None
) -> Excerpt:
    sides = [[f"{one.mnemonic} {one.operands}".strip() for one in side] for side in (here, there)]
    rows: list[Row] = []
    source = _NOWHERE
    for tag, first, last, start, end in SequenceMatcher(None, sides[0], sides[1], autojunk=False).get_opcodes():
        if tag != "equal":
            mine, other = sides[0][first:last], sides[1][start:end]
            if not rows and lines is not None:
                source = Row(_source(lines[0], here[first:]), _source(lines[1], there[start:]))
            rows += [Row(*pair) for pair in zip_longest(mine, other, fillvalue="")]
    return Excerpt(name=name, rows=tuple(rows[:_MOST_ROWS]), more=max(len(rows) - _MOST_ROWS, 0), source=source)


def _source(lines: Lines, rest: Sequence[_Instruction]) -> str:
    """Return where the first instruction comes from; one that was inserted is told by what follows it."""
    return (lines.line(rest[0].address) or "") if rest else ""
