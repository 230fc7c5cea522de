"""The image's file is cut off or broken: it cannot be what its first bytes say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.suspicion import EVERYTHING_ELSE, Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when the file ends before its own tables do, or is empty."""
    image = difference.image
    damage = "it is empty" if image.format is Format.EMPTY else image.damage
    if image.format not in {difference.local.format, Format.EMPTY}:
        return None  # whether a file of another kind is whole does not matter
    if damage is None or difference.local.damage is not None:
        return None
    return Suspicion(
        cause="damaged-program",
        likelihood=Likelihood.CERTAIN,
        explanation=f"the image's file is damaged: {damage}",
        repair="look at what touches the file between the build and the end of the Dockerfile "
        "(a packer, a download, a copy that was cut short)",
        evidence=(Evidence(label="damage", value=damage),),
        explains=EVERYTHING_ELSE,
    )
