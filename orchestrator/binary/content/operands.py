"""Operands of x86-64 code that are relative to the instruction pointer, found in bytes without a disassembler.

Opcodes and their lengths: Intel SDM volume 2, appendix A.
"""

from __future__ import annotations

import re

# ModRM of an operand relative to the instruction pointer (mod 00, r/m 101), and the opcodes of call and jump.
REFERENCE = re.compile(rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d\xe8\xe9]")
_CALLS = frozenset({0xE8, 0xE9})
# Opcodes whose operand is followed by an immediate; Intel SDM volume 2, appendix A.
_ONE_BYTE = frozenset({0x80, 0x83, 0xC0, 0xC1, 0xC6, 0x6B})
_FOUR_BYTES = frozenset({0x81, 0xC7, 0x69})
_ONE_BYTE_AFTER_0F = frozenset({0xBA, 0xC2, 0xC6, 0x70, 0xA4, 0xAC})
# Opcodes of one byte that read an operand in memory, and those that write one (for statics).
_READERS = frozenset(
    bytes.fromhex("8b8a3b3a3938808381630b03232b33fff6f7696bd9dbdd8485868788 89c6c7010929213100c0c1".replace(" ", ""))
)
# The ModRM byte of such an operand behind an opcode that reads memory: `lea` with REX.W, those of one byte, those
# behind the escapes 0F, 0F 38 and 0F 3A, and those of AVX (VEX prefixes C5 and C4); five bytes have room for them all.
READING = re.compile(
    rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](?<=.{5})"
    rb"(?:(?<=[" + b"".join(re.escape(bytes([opcode])) for opcode in sorted(_READERS)) + rb"].)|(?<=[\x48-\x4f]\x8d.)"
    rb"|(?<=\x0f[^\x8d].)|(?<=\x0f[\x38\x3a][^\x8d].)|(?<=\xc5.[^\x8d].)|(?<=\xc4..[^\x8d].))",
    re.DOTALL,
)
# `jmp *slot(%rip)`, behind `endbr64` and with the prefix of a checked branch where there are any.
THROUGH_SLOT = re.compile(rb"(?:\xf3\x0f\x1e\xfa)?\xf2?\xff\x25(.{4})", re.DOTALL)


def operand_end(body: bytes, place: int) -> int:
    """Return where the instruction ends whose displacement begins at a place: an immediate may follow it.

    Args:
        body: the function.
        place: offset of the four bytes of the displacement; the byte before it is the ModRM byte or the opcode.
    """
    before, end = body[place - 1], place + 4
    if before in _CALLS or place < 2:  # noqa: PLR2004 - opcode and ModRM
        return end
    opcode, prefix = body[place - 2], body[place - 3] if place > 2 else 0  # noqa: PLR2004 - same
    if prefix == 0x0F:  # noqa: PLR2004 - the two-byte opcodes
        return end + (opcode in _ONE_BYTE_AFTER_0F)
    if place > 3 and prefix in {0x38, 0x3A} and body[place - 4] == 0x0F:  # noqa: PLR2004 - the three-byte opcodes
        return end + (prefix == 0x3A)  # noqa: PLR2004 - those with an immediate
    if opcode in _ONE_BYTE or (opcode == 0xF6 and before & 0x38 == 0):  # noqa: PLR2004 - test
        return end + 1
    if opcode in _FOUR_BYTES or (opcode == 0xF7 and before & 0x38 == 0):  # noqa: PLR2004 - test
        wide = place > 2 and 0x66 in body[max(0, place - 4) : place - 2]  # noqa: PLR2004 - operand size prefix
        return end + (2 if wide else 4)
    return end


def reads(body: bytes, place: int) -> bool:
    """Return whether the bytes before a displacement look like an instruction that reads or addresses memory.

    What is taken for one by mistake cuts a constant in two where the other program has it whole.
    """
    return READING.match(body, place - 1) is not None
