"""Only one side carries a build-id: the linker was told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when only one side has one and all else is equal; likely otherwise."""
    local, image = difference.local, difference.image
    if not difference.sound or (local.build_id is None) == (image.build_id is None):
        return None
    equal = difference.content is not None and difference.content.equal
    side = "image's" if local.build_id is None else "local"
    return Suspicion(
        cause="build-id",
        likelihood=Likelihood.CERTAIN if equal or difference.mapped_equal else Likelihood.LIKELY,
        explanation=f"only the {side} program has a build-id",
        repair="pass `-C link-arg=-Wl,--build-id` (or `=none`) on both sides; some distributions' gcc adds it unasked",
        evidence=(Evidence(label="build-id", value=f"only in the {side} program"),),
        explains=frozenset({"symbol-hash"}),
    )
