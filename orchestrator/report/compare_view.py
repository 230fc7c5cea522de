"""What a person sees of a comparison, as plain values: sections, crates and functions of both sides put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.binary.content.places import FOLLOWS
from orchestrator.binary.names import code_by_crate, crate_of, readable
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import causes_of
from orchestrator.parity.extent import extent
from orchestrator.parity.rung import accepts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.binary.content.instructions import Excerpt
    from orchestrator.binary.profile import BinaryProfile, SectionFacts
    from orchestrator.parity.aspects import Aspect
    from orchestrator.parity.cause import Suspicion
    from orchestrator.parity.difference import Comparison, Difference
    from orchestrator.parity.rung import Rung

OTHER_CODE = "other code"
"""What stands for functions without a Rust name: C code, and what linkers write."""
_MOST_NAMES = 60


class State(StrEnum):
    """How a part of the program compares with its counterpart. In the order in which the page's key names them."""

    SAME = "same"
    MOVED = "moved"
    OTHER = "other"
    ALONE = "alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section, or the code of a crate; a size (bytes) of None means that the side lacks it.

    `loaded`: whether it is mapped when the program runs, unlike symbols and debug information.
    """

    name: str
    local: int | None
    image: int | None
    state: State
    loaded: bool = True

    @property
    def larger(self) -> int:
        """Return the size on the side that has more of it."""
        return max(self.local or 0, self.image or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Some of the functions: which, how many, and how many bytes of code they have on the side that has more."""

    state: State
    label: str
    count: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Functions that are not the same, the first sixty of them, and how many there are."""

    label: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonView:
    """One comparison.

    Attributes:
        local, image: where the programs were.
        sections: those with content in the file, the largest first.
        crates: code by crate, the largest first; empty where a side has no symbol table.
        shares: all functions by how they compare; empty where they were not compared.
        excerpts: of functions that differ, those of the project's own crates first; their names are readable.
    """

    local: str
    image: str
    local_sha256: str
    image_sha256: str
    local_size: int
    image_size: int
    rung: Rung
    accept: Rung
    held_by: str
    concerns: str = "nothing"
    causes: tuple[Suspicion, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    sections: tuple[Part, ...] = ()
    crates: tuple[Part, ...] = ()
    shares: tuple[Share, ...] = ()
    names: tuple[Names, ...] = ()
    excerpts: tuple[tuple[str, Excerpt], ...] = ()

    @property
    def accepted(self) -> bool:
        """Return whether the pair passes."""
        return accepts(self.accept, self.rung)


def view_of(local: str, image: str, comparison: Comparison, *, accept: Rung) -> ComparisonView:
    """Return what there is to see of a comparison; see `render_comparison` for the arguments."""
    difference = comparison.difference
    basis = ComparisonView(
        local=local,
        image=image,
        local_sha256=comparison.local_sha256,
        image_sha256=comparison.image_sha256,
        local_size=comparison.local_size,
        image_size=comparison.image_size,
        rung=comparison.rung,
        accept=accept,
        held_by=comparison.held_by,
        causes=causes_of(comparison),
    )
    if difference is None:
        return basis
    return replace(
        basis,
        concerns=extent(difference),
        aspects=look_at(difference),
        sections=_sections(difference),
        crates=_crates(difference),
        shares=_shares(difference),
        names=_names(difference),
        excerpts=_excerpts(difference),
    )


def _sections(difference: Difference) -> tuple[Part, ...]:
    here, there = _sizes(difference.local), _sizes(difference.image)
    differing = {section.name for section in difference.sections}
    facts = (*difference.local.sections, *difference.image.sections)
    loaded = {section.name for section in facts if "A" in section.flags}
    parts = []
    for name in dict.fromkeys((*here, *there)):
        state = State.SAME
        if name not in here or name not in there:
            state = State.ALONE
        elif name in differing:
            state = State.MOVED if _only_moved(difference, name) else State.OTHER
        sizes = (here.get(name), there.get(name))
        parts.append(Part(name=name, local=sizes[0], image=sizes[1], state=state, loaded=name in loaded))
    return tuple(sorted(parts, key=lambda part: -part.larger))


def _sizes(profile: BinaryProfile) -> dict[str, int]:
    # Those without content take nothing of the file.
    found: Counter[str] = Counter()
    for section in profile.sections:
        if section.sha256 is not None and section.size:
            found[section.name] += section.size
    return found


def _only_moved(difference: Difference, name: str) -> bool:
    """Return whether the bytes of a section differ only because things lie elsewhere, as far as that is proven."""
    content = difference.content
    facts: Iterable[SectionFacts] = (*difference.local.sections, *difference.image.sections)
    flags = next((section.flags for section in facts if section.name == name), "")
    if content is None or "A" not in flags:
        return False
    if "X" in flags:
        return content.bodies.equal
    if name.startswith((".note", ".comment")):
        return False
    if name.startswith(FOLLOWS):
        here, there = difference.section_sizes(name)
        return content.equal or here == there
    return name not in content.constants.sections


def _crates(difference: Difference) -> tuple[Part, ...]:
    local, image = difference.local, difference.image
    if local.functions is None or image.functions is None:
        return ()
    here, there = (
        {OTHER_CODE if crate == "other" else crate: size for crate, size in code_by_crate(profile).items()}
        for profile in (local, image)
    )
    touched = _touched(difference)
    parts = []
    for crate in dict.fromkeys((*here, *there)):
        state = State.ALONE if crate not in here or crate not in there else State.SAME
        if state is State.SAME and (crate in touched or here[crate] != there[crate]):
            state = State.OTHER
        if here.get(crate) or there.get(crate):
            parts.append(Part(name=crate, local=here.get(crate), image=there.get(crate), state=state))
    return tuple(sorted(parts, key=lambda part: -part.larger))


def _touched(difference: Difference) -> set[str]:
    """Return the crates with a function whose code is not the same on both sides."""
    content, functions = difference.content, difference.functions
    names: list[str] = []
    if content is not None:
        bodies = content.bodies
        names = [pair.local.name for pair in bodies.changed]
        names += [body.name for body in (*bodies.only_local, *bodies.only_image)]
    elif functions is not None:
        names = [*functions.only_local, *functions.only_image, *functions.resized]
    return {crate_of(name) or OTHER_CODE for name in names}


def _shares(difference: Difference) -> tuple[Share, ...]:
    content = difference.content
    if content is None:
        return ()
    bodies = content.bodies
    groups = (
        (State.MOVED, "the same code, other constants", [pair.local for pair in bodies.other_data]),
        (State.OTHER, "another body", [max(pair, key=lambda body: body.end - body.start) for pair in bodies.changed]),
        (State.ALONE, "only local", bodies.only_local),
        (State.ALONE, "only in the image", bodies.only_image),
    )
    shares = [
        Share(state=state, label=label, count=len(found), size=sum(body.end - body.start for body in found))
        for state, label, found in groups
        if found
    ]
    named = sum(function.size for function in difference.local.functions or ())
    total = named or difference.section_sizes(".text")[0]
    apart = sum(body.end - body.start for body in (*groups[0][2], *groups[2][2]))
    apart += sum(pair.local.end - pair.local.start for pair in bodies.changed)
    same = Share(state=State.SAME, label="the same", count=bodies.same, size=max(total - apart, 0))
    return (same, *shares) if bodies.same else tuple(shares)


def _names(difference: Difference) -> tuple[Names, ...]:
    content, functions = difference.content, difference.functions
    if content is not None and not content.named:
        return ()
    if content is not None:
        bodies = content.bodies
        groups = {
            "another body": [pair.local.name for pair in bodies.changed],
            "the same code, other constants": [pair.local.name for pair in bodies.other_data],
            "only local": [body.name for body in bodies.only_local],
            "only in the image": [body.name for body in bodies.only_image],
        }
    elif functions is not None:
        groups = {
            "another size": list(functions.resized),
            "only local": list(functions.only_local),
            "only in the image": list(functions.only_image),
        }
    else:
        return ()
    return tuple(
        Names(label=label, count=len(found), names=tuple(map(readable, _own_first(found, difference)[:_MOST_NAMES])))
        for label, found in groups.items()
        if found
    )


def _excerpts(difference: Difference) -> tuple[tuple[str, Excerpt], ...]:
    if difference.content is None:
        return ()
    by_name = {excerpt.name: excerpt for excerpt in difference.content.instructions.excerpts}
    return tuple((readable(name), by_name[name]) for name in _own_first(list(by_name), difference))


def _own_first(names: list[str], difference: Difference) -> list[str]:
    own = {code.crate for code in difference.own} | set(difference.local_entries)
    return sorted(names, key=lambda name: crate_of(name) not in own)
