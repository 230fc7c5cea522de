"""Somebody changed the program after the linker had made it, or the disk or the transfer damaged it.

The linker computes the build-id over what it writes: two files with one build-id and other mapped content cannot both
be as the linker left them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when both carry the same build-id and the mapped content differs."""
    local, image = difference.local, difference.image
    if not difference.sound or difference.mapped_equal or local.build_id is None or local.build_id != image.build_id:
        return None
    return Suspicion(
        cause="edited-after-link",
        likelihood=Likelihood.CERTAIN,
        explanation="both come from the same link (equal build-id), and one of them was changed afterwards",
        repair="look at what touches the file after the link: a packer, `objcopy`, `patchelf`, `sed -i`, a bad disk",
        evidence=(Evidence(label="build-id of both", value=local.build_id),),
        explains=frozenset({"own-data", "other-sources", "timestamp", "commit-id", "nondeterminism", "paths"}),
    )
