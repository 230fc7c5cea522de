"""Data of two programs, compared as a bag of constants: in which order the linker laid them out means nothing.

What the linker writes itself (offset tables, the dynamic table, unwinding tables) follows from the layout and is
compared by what it says, not by its bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary import elf_tables as tables
from orchestrator.binary.content.distance_tables import tables_meet
from orchestrator.binary.content.places import FOLLOWS
from orchestrator.binary.content.unwind import handlers_size, read_records

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from orchestrator.binary.content.layout import Layout
    from orchestrator.binary.content.places import Places

_SLACK = 64
"""By how much the space for zeros may differ because of alignment, bytes: the largest alignment that compilers ask for
without being told to."""
_MOST_TEXTS = 20_000
_MOST_COMPARED = 200
_FEWEST = 4
"""How many different parts a constant needs for its order to say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantDifference:
    """The data of two programs.

    Attributes:
        sections: names of the sections whose constants differ.
        only_local: constants that only the local program has, as bytes, at most 20,000.
        only_image: constants that only the image's program has.
        reordered: whether a constant of each side holds the same bytes, or pointers, in another order.
        unwinding_equal: whether the unwinding tables say the same.
    """

    sections: tuple[str, ...]
    only_local: tuple[bytes, ...]
    only_image: tuple[bytes, ...]
    reordered: bool
    unwinding_equal: bool

    @property
    def equal(self) -> bool:
        """Return whether all data are the same."""
        return self.unwinding_equal and not self.sections


def differing_texts(local: Places, image: Places) -> tuple[list[bytes], list[bytes]]:
    """Return the bytes of all constants that only one side has, before anything is explained."""
    here, there = _data(local.layout), _data(image.layout)
    bags = [(_bag(local, here[name]), _bag(image, there[name])) for name in here if name in there]
    return (
        [text for mine, other in bags for text in _texts(mine - other)],
        [text for mine, other in bags for text in _texts(other - mine)],
    )


def compare_constants(local: Places, image: Places, *, unwinding: bool = True) -> ConstantDifference:
    """Compare all data that are mapped.

    Args:
        local: the local program.
        image: the image's program.
        unwinding: whether the unwinding tables can be equal; not when the functions differ in number or size.
    """
    here, there = _data(local.layout), _data(image.layout)
    differing: list[str] = []
    only_local: list[bytes] = []
    only_image: list[bytes] = []
    reordered = False
    for name in dict.fromkeys((*here, *there)):
        if name not in here or name not in there:
            differing.append(name)
            continue
        mine, other = _bag(local, here[name]), _bag(image, there[name])
        left, right = mine - other, other - mine
        if left or right:
            left, right = _leftovers(local, image, here[name], there[name], (left, right))
        if left or right:
            differing.append(name)
            only_local += _texts(left)
            only_image += _texts(right)
            reordered = reordered or _reordered(left, right)
    differing += _zeros(local.layout, image.layout) + _dynamic(local.layout, image.layout)
    return ConstantDifference(
        sections=tuple(differing),
        only_local=tuple(only_local[:_MOST_TEXTS]),
        only_image=tuple(only_image[:_MOST_TEXTS]),
        reordered=reordered,
        unwinding_equal=unwinding and _unwinding(local) == _unwinding(image),
    )


def _data(layout: Layout) -> dict[str, tables.Section]:
    return {
        section.name: section
        for section in layout.sections
        if section.type != tables.NOBITS and not section.flags & tables.EXECUTE and not section.name.startswith(FOLLOWS)
    }


def _bag(places: Places, section: tables.Section) -> Counter[Hashable]:
    chunks = (places.content(section, start, end) for start, end in places.chunks(section))
    # An empty one is the padding between two others.
    return Counter(chunk for chunk in chunks if chunk != (b"",))


def _leftovers(
    local: Places,
    image: Places,
    here: tables.Section,
    there: tables.Section,
    wanted: tuple[Counter[Hashable], Counter[Hashable]],
) -> tuple[Counter[Hashable], Counter[Hashable]]:
    """Compare what only one side has once more, neighbours joined.

    A constant may be cut in two on one side only, where bytes of the code look like a reference into its middle.
    """
    sides = [
        _joined(places, section, bag) for places, section, bag in ((local, here, wanted[0]), (image, there, wanted[1]))
    ]
    bags = [Counter(places.content(s, *run) for run in runs) for (places, s, runs) in sides]
    left, right = bags[0] - bags[1], bags[1] - bags[0]
    if left and right:
        _take_out_tables(sides, left, right)
    # Where a cut lies one zero too early, the zero is padding. Code that reads it is compared by what it refers to.
    mine, other = (Counter({_led(chunk): count for chunk, count in (+bag).items()}) for bag in (left, right))
    return mine - other, other - mine


def _led(chunk: Hashable) -> Hashable:
    """Return a constant without zeros before it; one with pointers stays as it is."""
    if isinstance(chunk, tuple) and len(chunk) == 1 and isinstance(chunk[0], bytes):
        return (chunk[0].lstrip(b"\0"),)
    return chunk


def _take_out_tables(
    sides: Sequence[tuple[Places, tables.Section, list[tuple[int, int]]]],
    left: Counter[Hashable],
    right: Counter[Hashable],
) -> None:
    """Take tables of distances that lead to the same things out of what only one side has."""
    (local, here, mine), (image, there, theirs) = sides
    by_size: dict[int, list[tuple[int, Hashable]]] = {}
    for start, end in theirs:
        if right[content := image.content(there, start, end)] and image.distances(start) is not None:
            by_size.setdefault(end - start, []).append((start, content))
    for start, end in mine:
        if not left[content := local.content(here, start, end)] or local.distances(start) is None:
            continue
        for other, counterpart in by_size.get(end - start, [])[:_MOST_COMPARED]:
            if right[counterpart] and tables_meet(local, start, image, other):
                left[content] -= 1
                right[counterpart] -= 1
                break


def _joined(
    places: Places, section: tables.Section, wanted: Counter[Hashable]
) -> tuple[Places, tables.Section, list[tuple[int, int]]]:
    """Return the parts of a section that hold the wanted constants, neighbours joined."""
    runs: list[tuple[int, int]] = []
    for start, end in places.chunks(section):
        if places.content(section, start, end) in wanted:
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
    return places, section, runs


def _texts(bag: Iterable[Hashable]) -> list[bytes]:
    """Return the bytes of constants, and the texts that those point to."""
    found = []
    for chunk in bag:
        if isinstance(chunk, tuple):
            found += [part for part in chunk if isinstance(part, bytes) and part]
            found += [part[-1] for part in chunk if isinstance(part, tuple) and isinstance(part[-1], bytes)]
    return found


def _reordered(left: Counter[Hashable], right: Counter[Hashable]) -> bool:
    here, there = ({_holds(chunk) for chunk in list(bag)[:_MOST_COMPARED]} for bag in (left, right))
    return bool(here & there - {None})


def _holds(chunk: Hashable) -> Hashable:
    """Return what a constant holds, whatever its order; None for what is too short to tell."""
    if not isinstance(chunk, tuple):
        return None
    first, *pointers = chunk
    targets = [part[-1] for part in pointers if isinstance(part, tuple)]
    content = first if isinstance(first, bytes) else b""
    if len(set(targets)) < _FEWEST and len(set(content)) < _FEWEST:
        return None
    return (bytes(sorted(content)), frozenset(Counter(targets).items()))


def _zeros(local: Layout, image: Layout) -> list[str]:
    here, there = _space(local), _space(image)
    return [name for name in dict.fromkeys((*here, *there)) if abs(here.get(name, 0) - there.get(name, 0)) > _SLACK]


def _space(layout: Layout) -> dict[str, int]:
    return {
        section.name: section.size
        for section in layout.sections
        if section.type == tables.NOBITS and not section.name.startswith(FOLLOWS)
    }


def _dynamic(local: Layout, image: Layout) -> list[str]:
    return [] if sorted(local.imports) == sorted(image.imports) else [".dynsym"]


def _unwinding(places: Places) -> Counter[Hashable] | None:
    """Return the unwinding records by function; None, which equals None, where neither side's are understood."""
    layout = places.layout
    records = read_records(layout)
    if records is None:
        return Counter({("not understood", layout.header.entry): 1})
    section = layout.named_section(".gcc_except_table")
    starts = sorted({record.handlers for record in records if record.handlers is not None})
    last = section.address + section.size if section else 0
    ends = dict(zip(starts, [*starts[1:], last], strict=False)) if section else {}
    bag: Counter[Hashable] = Counter()
    for record in records:
        handlers = b""
        if section is not None and record.handlers is not None:
            handlers = bytes(layout.read(section, record.handlers, ends[record.handlers]))
            handlers = handlers[: handlers_size(handlers)].rstrip(b"\0")
        bag[places.at(record.start), record.size, record.rules, handlers] += 1
    return bag
