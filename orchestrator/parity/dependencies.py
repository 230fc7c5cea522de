"""Which dependencies each of two programs shows: by paths that panics would print, or by a list that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.go import modules_of
from orchestrator.binary.names import crate_of
from orchestrator.binary.profile import LOCAL
from orchestrator.parity.difference import SetDifference
from orchestrator.parity.toolchains import sets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.binary.profile import BinaryProfile


def dependencies(local: BinaryProfile, image: BinaryProfile) -> SetDifference:
    """Compare what source paths and Go's build information tell, and `cargo auditable` where both sides carry its list.

    That list is whole, and names the project's own crates too, which are no dependencies. Paths are not: a dependency
    whose panics were optimised away shows none, and counts as there by its functions, if in an unknown version.
    """
    sides = [(*side.crates, *modules_of(side.go)) for side in (local, image)]
    if local.audited and image.audited:
        for number, side in enumerate((local, image)):
            sides[number] = (*sides[number], *(package for package in side.audited if not package.endswith(LOCAL)))
        return sets(*sides)
    found = sets(*sides)
    named = [{crate.split()[0] for crate in side} for side in sides]
    return SetDifference(
        only_local=tuple(_unseen(found.only_local, image, named[1])),
        only_image=tuple(_unseen(found.only_image, local, named[0])),
    )


def _unseen(crates: Sequence[str], other: BinaryProfile, named: set[str]) -> Iterator[str]:
    """Give those crates of one side that the other one names in another version, or holds no function of."""
    held = {crate_of(function.name) for function in other.functions or ()} if crates else set()
    for crate in crates:
        name = crate.split()[0]
        if name in named or name.replace("-", "_") not in held:
            yield crate
