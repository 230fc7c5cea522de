"""One program carries debug information and the other does not; both have their symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when all that is mapped is equal, likely when all code and data are.

    Else it is possible, since `debug = …` also changes loaded code a little. In the profile `strip` enters the metadata
    hash, and functions swap places.
    """
    local, image = difference.local, difference.image
    if {local.format, image.format} != {Format.ELF} or local.debug_info == image.debug_info:
        return None
    if local.stripped or image.stripped or local.damage is not None or image.damage is not None:
        return None
    mapped = (local.code_sha256, local.data_sha256) == (image.code_sha256, image.data_sha256)
    equal = difference.content is not None and difference.content.equal and not difference.content.folders
    side = "local" if local.debug_info else "image's"
    same = "; all that is mapped is equal" if mapped else ""
    return Suspicion(
        cause="strip-debug",
        likelihood=Likelihood.CERTAIN if mapped else Likelihood.LIKELY if equal else Likelihood.POSSIBLE,
        explanation=f"only the {side} program carries debug information{same}",
        repair="give both sides the same `debug` and `strip` in the cargo profile, and no `strip` or `objcopy` in the "
        "Dockerfile; or accept it with `parity: {accept: hash-only}`",
        evidence=(Evidence(label="debug information", value=f"only in the {side} program"),),
        explains=frozenset({"symbol-hash"}),
    )
