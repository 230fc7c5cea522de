"""A short look at two bodies of one length: whether a thorough one is worth its time."""

from __future__ import annotations

import re
from itertools import islice

_OPERAND = re.compile(rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d\xe8\xe9].{4}", re.DOTALL)
_OPERAND_BEFORE = re.compile(rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d\xe8\xe9]|\x0f[\x80-\x8f]")
_LONGEST_BEFORE = 5  # bytes: the opcode of a conditional jump, and all but the last of its displacement
_NOT_ZERO = re.compile(rb"[^\x00]")
_GLANCE = 16
"""So many bytes that differ are looked at: most bodies that are not the same show it in the first few."""


def sketch(code: bytes) -> bytes:
    """Return a body without what looks like operands that depend on places: equal for most bodies that are alike."""
    return _OPERAND.sub(b"", code)


def hopeless(here: bytes, there: bytes, lengths: frozenset[tuple[int, int]]) -> bool:
    """Return whether a byte differs early on that no operand can explain, so that the bodies are not the same.

    Args:
        here: the local body.
        there: the image's, of the same length.
        lengths: pairs of lengths of one text in both programs, which may stand in the code.
    """
    if here == there:
        return False
    differing = (int.from_bytes(here, "little") ^ int.from_bytes(there, "little")).to_bytes(len(here), "little")
    explained = 0
    for match in islice(_NOT_ZERO.finditer(differing), _GLANCE):
        place = match.start()
        if place < explained or _OPERAND_BEFORE.search(here, max(place - _LONGEST_BEFORE, 0), place):
            continue
        width = next((width for width in (4, 1) if lengths and _at(here, there, place, width) in lengths), 0)
        if not width:
            return True
        explained = place + width
    return False


def _at(here: bytes, there: bytes, place: int, width: int) -> tuple[int, int]:
    return (
        int.from_bytes(here[place : place + width], "little"),
        int.from_bytes(there[place : place + width], "little"),
    )
