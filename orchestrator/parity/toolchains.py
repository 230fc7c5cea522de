"""Which tools made two programs, as far as `.comment` and the standard library's source paths tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.difference import STANDARD_LIBRARY, SetDifference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.binary.profile import BinaryProfile


def toolchains(local: BinaryProfile, image: BinaryProfile) -> SetDifference:
    """Return the tools that only one side names."""
    # A side that names nothing was made by we know not what, which is no difference in tools.
    here, there = (*local.comment, *local.go[:1]), (*image.comment, *image.go[:1])
    comments = sets(here, there) if here and there else SetDifference()
    if not local.rustc_commits or not image.rustc_commits:
        return comments
    commits = sets(local.rustc_commits, image.rustc_commits)
    return SetDifference(
        only_local=(*comments.only_local, *(f"{STANDARD_LIBRARY}{commit[:9]}" for commit in commits.only_local)),
        only_image=(*comments.only_image, *(f"{STANDARD_LIBRARY}{commit[:9]}" for commit in commits.only_image)),
    )


def sets(local: Iterable[str], image: Iterable[str]) -> SetDifference:
    """Return what only one of two sets has."""
    here, there = set(local), set(image)
    return SetDifference(only_local=tuple(sorted(here - there)), only_image=tuple(sorted(there - here)))
