"""Bytes follow the end of the program proper: a payload, a signature, or padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain: the file's own tables say where it ends."""
    local, image = difference.local, difference.image
    if not difference.sound or local.overlay_sha256 == image.overlay_sha256:
        return None
    side = "image's" if local.overlay_sha256 is None else "local" if image.overlay_sha256 is None else "one"
    more = abs(image.size - local.size)
    return Suspicion(
        cause="appended-bytes",
        likelihood=Likelihood.CERTAIN,
        explanation=f"bytes follow the end of the {side} program ({more:,} bytes more in all)",
        repair="find what appends them (a signer, a self-extracting archive, `cat … >>`) and let it work on both sides",
        evidence=(Evidence(label="sizes", value=f"local {local.size:,} bytes, image {image.size:,} bytes"),),
    )
