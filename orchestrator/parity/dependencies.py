"""Which dependencies each of two programs shows: by paths that panics would print, or by a list that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.go import modules_of
from orchestrator.binary.profile import LOCAL
from orchestrator.parity.toolchains import sets

if TYPE_CHECKING:
    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.parity.difference import SetDifference


def dependencies(local: BinaryProfile, image: BinaryProfile) -> SetDifference:
    """Compare what source paths and Go's build information tell, and `cargo auditable` where both sides carry its list.

    That list is whole, and names the project's own crates too, which are no dependencies.
    """
    sides = [(*side.crates, *modules_of(side.go)) for side in (local, image)]
    if local.audited and image.audited:
        for number, side in enumerate((local, image)):
            sides[number] = (*sides[number], *(package for package in side.audited if not package.endswith(LOCAL)))
    return sets(*sides)
