"""The disassembler, loaded when something asks for it: most comparisons need none."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 4  # bytes of a displacement
_REMEMBERED = 64  # functions


def instructions(code: bytes, address: int) -> Iterator[tuple[int, int, str, str]]:
    """Yield (address, bytes, mnemonic, operands) of x86-64 code, up to where it cannot be decoded."""
    yield from _decoder().disasm_lite(code, address)


def is_operand(body: bytes, place: int) -> bool:
    """Return whether four bytes of a function are the displacement of a call, a jump or an operand in memory.

    Where the function cannot be decoded that far, they are taken for one: what cannot be told counts as a difference.

    Args:
        body: the whole function.
        place: offset of the four bytes.
    """
    starts = _starts(body)
    end = starts[-1][1] if starts else 0
    if place >= end:
        return True
    for start, stop, relative in starts:
        if start <= place < stop:
            return relative and place + _WIDTH <= stop
    return True


@lru_cache(maxsize=_REMEMBERED)
def _starts(body: bytes) -> list[tuple[int, int, bool]]:
    """Return where each instruction begins and ends, and whether it may hold such a displacement."""
    return [
        (start, start + size, "rip" in operands or mnemonic == "call" or mnemonic.startswith("j"))
        for start, size, mnemonic, operands in instructions(body, 0)
    ]


@cache
def _decoder() -> Any:
    import capstone  # noqa: PLC0415 - only where it is needed: loading it takes a twentieth of a second

    return capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
