"""Functions of two programs, matched by name and compared with what they refer to instead of where it lies.

Four bytes that differ are explained when they are the displacement of a call, a jump or an operand relative to the
instruction pointer, and what lies at both ends is the same thing (see `places.py`). Where every differing byte is
explained, the two functions do the same. No disassembler is needed for that, which would take longer than a
comparison may: a wrong guess of where an operand begins leads to places that have nothing in common, so it can only
make equal functions look different, never the other way round.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.content.between import between, calls_out, linker_code
from orchestrator.binary.content.decoding import is_operand
from orchestrator.binary.content.distance_tables import tables_meet
from orchestrator.binary.content.glance import hopeless, sketch
from orchestrator.binary.content.operands import REFERENCE, operand_end, reads
from orchestrator.binary.content.places import FOLLOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.binary.content.layout import Body, Layout
    from orchestrator.binary.content.places import Places

_DISPLACEMENT = struct.Struct("<i")
_CONDITIONAL = re.compile(rb"\x0f[\x80-\x8f]")
_MOST_SWAPPED = 400
"""Of the functions that share name and size so many are looked through for the partner of one of them."""
_MOST_LENGTHS = 32  # bytes of one function
_FEW = 8
"""So many of these are compared with it in full."""
_CALLS = b"\xe8\xe9"
_UNREAD = tuple(prefix for prefix in FOLLOWS if prefix != ".got")


class Alike(Enum):
    """How two functions of one name compare."""

    SAME = "same"
    OTHER_DATA = "other-data"
    """The same code, which refers to constants that are not the same."""
    DIFFERENT = "different"


class BodyPair(NamedTuple):
    """A function that both programs have."""

    local: Body
    image: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyDifference:
    """The functions of two programs.

    Attributes:
        same: how many do the same.
        moved: of these, how many lie at another address.
        other_data: pairs of one name with the same code, which refers to constants that are not the same.
        changed: pairs of one name whose code differs.
        only_local: functions that only the local program has.
        only_image: functions that only the image's program has.
        between_equal: whether what lies between the functions is the same (it is padding, as a rule).
    """

    same: int
    moved: int
    other_data: tuple[BodyPair, ...]
    changed: tuple[BodyPair, ...]
    only_local: tuple[Body, ...]
    only_image: tuple[Body, ...]
    between_equal: bool

    @property
    def same_shape(self) -> bool:
        """Return whether no function was added, removed or resized."""
        resized = (pair.local.end - pair.local.start != pair.image.end - pair.image.start for pair in self.changed)
        return not (self.only_local or self.only_image or any(resized))

    @property
    def code_equal(self) -> bool:
        """Return whether all code is the same, whatever constants it refers to."""
        return self.between_equal and not (self.changed or self.only_local or self.only_image)

    @property
    def equal(self) -> bool:
        """Return whether all code does the same."""
        return self.code_equal and not self.other_data


def compare_bodies(
    local: Places, image: Places, *, lengths: frozenset[tuple[int, int]] = frozenset()
) -> BodyDifference:
    """Match and compare all functions.

    Args:
        local: the local program.
        image: the image's program.
        lengths: pairs of lengths of one text in both programs; code that holds such a length differs for that reason.
    """
    here, there = _by_name(local.layout.functions), _by_name(image.layout.functions)
    comparer = _Comparer(local, image, lengths)
    same: list[BodyPair] = []
    other_data: list[BodyPair] = []
    changed: list[BodyPair] = []
    only_local: list[Body] = []
    only_image = [body for name, bodies in there.items() if name not in here for body in bodies]
    for name, bodies in here.items():
        pairs, rest, others = comparer.pair(bodies, there.get(name, []))
        for pair, alike in pairs:
            (same if alike is Alike.SAME else other_data).append(pair)
        # What is left over of one name is the same function with another body, as far as both sides have one.
        changed += [BodyPair(mine, other) for mine, other in zip(rest, others, strict=False)]
        only_local += rest[len(others) :]
        only_image += others[len(rest) :]
    return BodyDifference(
        same=len(same),
        moved=sum(pair.local.start != pair.image.start for pair in same),
        other_data=tuple(other_data),
        changed=tuple(changed),
        only_local=tuple(only_local),
        only_image=tuple(only_image),
        between_equal=between(local.layout) == between(image.layout) and comparer.tables_equal(),
    )


class _Comparer:
    """Compares single functions of two programs, and remembers what it found out about pairs of addresses."""

    def __init__(self, local: Places, image: Places, lengths: frozenset[tuple[int, int]]) -> None:
        self._local, self._image, self._lengths = local, image, lengths
        self._known: dict[tuple[int, int], bool] = {}
        self._pairs: dict[tuple[int, int], Alike] = {}
        self._spans = (local.layout.span, image.layout.span)
        self._beginnings = {body.start for body in local.layout.functions}

    def pair(
        self, mine: Sequence[Body], others: Sequence[Body]
    ) -> tuple[list[tuple[BodyPair, Alike]], list[Body], list[Body]]:
        """Pair the functions of one name; return the pairs and what is left over on both sides."""
        pairs: list[tuple[BodyPair, Alike]] = []
        rest, left = list(mine), list(others)
        # Those that are the same first, or one with other data would take the partner of another one.
        for wanted in (Alike.SAME, Alike.OTHER_DATA):
            for body in list(rest):
                found = next((other for other in self._likely(body, left) if self.alike(body, other) is wanted), None)
                if found is not None:
                    pairs.append((BodyPair(body, found), wanted))
                    left.remove(found)
                    rest.remove(body)
            if not left or not rest:
                break
        return pairs, rest, left

    def _likely(self, body: Body, others: Sequence[Body]) -> Sequence[Body]:
        """Return the functions worth a try, at most a few: hundreds may share a name, and each try costs time."""
        sized = [other for other in others if other.end - other.start == body.end - body.start]
        if len(sized) <= _FEW:
            return sized
        wanted = sketch(_code(self._local.layout, body))
        near = [other for other in sized[:_MOST_SWAPPED] if sketch(_code(self._image.layout, other)) == wanted]
        return (near or sized)[:_FEW]

    def alike(self, local: Body, image: Body) -> Alike:
        """Compare two functions."""
        if local.end - local.start != image.end - image.start:
            return Alike.DIFFERENT
        key = (local.start, image.start)
        found = self._pairs.get(key)
        if found is None:
            here, there = _code(self._local.layout, local), _code(self._image.layout, image)
            different = len(here) != len(there) or hopeless(here, there, self._lengths)
            found = self._pairs[key] = Alike.DIFFERENT if different else self._alike(here, there, *key)
        return found

    def _alike(self, here: bytes, there: bytes, local: int, image: int) -> Alike:
        """Compare two bodies of one length that lie at these addresses."""
        explained, data_equal = bytearray(there), True
        last, size, unpack = len(here) - 4, len(here), _DISPLACEMENT.unpack_from
        for match in REFERENCE.finditer(here):
            place = match.end()
            if place > last:
                break
            mine, other = unpack(here, place)[0], unpack(there, place)[0]
            if mine == other and -place - 4 <= mine < size - place:
                continue  # it stays within the function
            target, counterpart = local + place + 4 + mine, image + place + 4 + other
            if mine == other and not self._refers(here, place, target):
                continue
            if not self._meet(here, place, target, counterpart):
                # Bytes that are equal may look like an operand by chance, which a disassembler knows.
                if mine == other and not is_operand(here, place):
                    continue
                if self._both_data(target, counterpart):
                    data_equal = False
                elif mine == other:
                    return Alike.DIFFERENT
                else:
                    continue
            explained[place : place + 4] = here[place : place + 4]
        if explained != here and not self._explained_further(here, explained, local, image):
            return Alike.DIFFERENT
        return Alike.SAME if data_equal else Alike.OTHER_DATA

    def _both_data(self, local: int, image: int) -> bool:
        here, there = self._local.layout.section(local), self._image.layout.section(image)
        if here is None or there is None or here.name != there.name:
            return False
        return not here.flags & tables.EXECUTE

    def _refers(self, here: bytes, place: int, target: int) -> bool:
        """Return whether bytes that are equal in both programs are a reference that must lead to the same thing.

        Most bytes that look like one are none. A call leads to the beginning of a function, and no code reads what
        the linker writes for the loader.
        """
        if here[place - 1] in _CALLS:
            return target in self._beginnings
        low, high = self._spans[0]
        if not low <= target < high or not reads(here, place):
            return False
        section = self._local.layout.section(target)
        return section is not None and not section.flags & tables.EXECUTE and not section.name.startswith(_UNREAD)

    def _meet(self, here: bytes, place: int, local: int, image: int) -> bool:
        """Return whether two addresses are the same thing in both programs."""
        (low, high), (lowest, highest) = self._spans
        if not (low <= local < high and lowest <= image < highest):
            return False
        beyond = operand_end(here, place) - place - 4
        key = (local + beyond, image + beyond)
        known = self._known.get(key)
        if known is None:
            known = self._local.at(key[0]) == self._image.at(key[1]) or (
                self._both_data(*key) and tables_meet(self._local, key[0], self._image, key[1])
            )
            self._known[key] = known
        return known

    def _explained_further(self, here: bytes, explained: bytearray, local: int, image: int) -> bool:
        """Try what is rarer: conditional jumps out of the function, and lengths of texts that differ."""
        for match in _CONDITIONAL.finditer(here):
            place = match.end()
            if place + 4 > len(here) or here[place : place + 4] == explained[place : place + 4]:
                continue
            mine, other = (_DISPLACEMENT.unpack_from(body, place)[0] for body in (here, explained))
            if self._meet(here, place, local + place + 4 + mine, image + place + 4 + other):
                explained[place : place + 4] = here[place : place + 4]
        if self._lengths and explained != here:
            self._explain_lengths(here, explained)
        return explained == here

    def _explain_lengths(self, here: bytes, explained: bytearray) -> None:
        """Take out lengths of texts that differ; a body with more than a few other bytes holds more than that."""
        differing = (n for n, (one, two) in enumerate(zip(here, explained, strict=True)) if one != two)
        for place in list(islice(differing, _MOST_LENGTHS)):
            for width in (4, 1):
                mine = int.from_bytes(here[place : place + width], "little")
                other = int.from_bytes(explained[place : place + width], "little")
                if (mine, other) in self._lengths:
                    explained[place : place + width] = here[place : place + width]

    def tables_equal(self) -> bool:
        """Compare the code outside of functions that linkers write: `.init`, `.fini`, the tables of `.plt`."""
        here, there = linker_code(self._local.layout), linker_code(self._image.layout)
        if here.keys() != there.keys() or calls_out(self._local) != calls_out(self._image):
            return False
        return all(
            len(content) == len(there[name][1])
            and self._alike(content, there[name][1], start, there[name][0]) is Alike.SAME
            for name, (start, content) in here.items()
        )


def _by_name(bodies: Iterable[Body]) -> dict[str, list[Body]]:
    named: defaultdict[str, list[Body]] = defaultdict(list)
    for body in bodies:
        named[body.name].append(body)
    return named


def _code(layout: Layout, body: Body) -> bytes:
    section = layout.section(body.start)
    return b"" if section is None else bytes(layout.read(section, body.start, body.end))
