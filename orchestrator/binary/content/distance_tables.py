"""Tables of distances: four bytes for each case of a switch, which say how far its text or its code lies away."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables

if TYPE_CHECKING:
    from orchestrator.binary.content.places import Places

_SHORTEST_TEXT = 4  # bytes that two texts must have in common; fewer are equal by chance


def tables_meet(local: Places, mine: int, image: Places, other: int) -> bool:
    """Return whether two constants are tables of distances (four bytes each) that lead to the same things.

    LLVM turns a switch that yields texts into such a table. So that no list of numbers is taken for one, all distances
    must lead out of the table into read-only data or code, and what the differing ones lead to must be equal for some
    bytes that are not all zero. Where a text ends is told by the next one, at the latest.
    """
    tables_ = [places.distances(address) for places, address in ((local, mine), (image, other))]
    here, there = tables_
    if here is None or there is None or len(here) != len(there):
        return False
    ends = [sorted(row) for row in (here, there)]
    moved = [(a, b) for a, b in zip(here, there, strict=True) if a - mine != b - other]
    return all(_same_text((local, a, ends[0]), (image, b, ends[1])) for a, b in moved)


def _same_text(mine: tuple[Places, int, list[int]], other: tuple[Places, int, list[int]]) -> bool:
    """Compare what two distances lead to: a program, an address, and where things in the table's reach end."""
    (local, start, _), (image, counterpart, _) = mine, other
    here, there = local.layout.section(start), image.layout.section(counterpart)
    if here is None or there is None or here.name != there.name:
        return False
    if here.flags & tables.EXECUTE:
        return local.layout.function(start) is not None and local.at(start) == image.at(counterpart)
    lengths = []
    for places, address, ends in (mine, other):
        following = bisect_right(ends, address)
        length = len(places.extent(address)[1])
        lengths.append(min(length, ends[following] - address) if following < len(ends) else length)
    size = min(lengths)
    text = local.layout.read(here, start, start + size)
    return size >= _SHORTEST_TEXT and any(text) and text == image.layout.read(there, counterpart, counterpart + size)
