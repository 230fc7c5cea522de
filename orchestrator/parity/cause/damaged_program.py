"""A file is cut off, empty or broken: it cannot be what its first bytes say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.suspicion import EVERYTHING_ELSE, Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when a file ends before its own tables do, or is empty. The local one goes first: it is the measure."""
    local, image = difference.local, difference.image
    here = _damage(local)
    # Whether an image's file of another kind is whole does not matter; but for an empty one, which has no kind.
    there = _damage(image) if image.format in {local.format, Format.EMPTY} else None
    if here is None and there is None:
        return None
    sides = [(side, damage) for side, damage in (("local", here), ("image's", there)) if damage is not None]
    return Suspicion(
        cause="damaged-program",
        likelihood=Likelihood.CERTAIN,
        explanation="; ".join(f"the {side} file is damaged: {damage}" for side, damage in sides),
        repair=_IN_THE_IMAGE if here is None else _HERE,
        evidence=tuple(Evidence(label=f"damage, {side} file", value=damage) for side, damage in sides),
        explains=EVERYTHING_ELSE,
    )


def _damage(profile: BinaryProfile) -> str | None:
    return "it is empty" if profile.format is Format.EMPTY else profile.damage


_IN_THE_IMAGE = (
    "look at what touches the file between the build and the end of the Dockerfile "
    "(a packer, a download, a copy that was cut short)"
)
_HERE = "build the local program again, and look at what has copied or changed it since: a full disk, a broken copy"
