"""One program was stripped of its symbols, the other was not.

`strip` after the link leaves everything that is mapped as it was. `strip = "symbols"` in a cargo profile enters the
metadata hash, so code moves as well; then this is one cause that fits among others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when all that is mapped is equal, likely when all code is; else possible."""
    local, image = difference.local, difference.image
    if {local.format, image.format} != {Format.ELF} or local.stripped == image.stripped:
        return None
    if local.damage is not None or image.damage is not None:
        return None
    mapped = (local.code_sha256, local.data_sha256) == (image.code_sha256, image.data_sha256)
    code = difference.content is not None and difference.content.bodies.code_equal
    side, other = ("image's", "local") if image.stripped else ("local", "image's")
    same = "; all that is mapped is equal" if mapped else ""
    return Suspicion(
        cause="stripped",
        likelihood=Likelihood.CERTAIN if mapped else Likelihood.LIKELY if code else Likelihood.POSSIBLE,
        explanation=f"the {side} program was stripped of its symbols, the {other} one was not{same}",
        repair='strip on both sides or on none: `strip = "symbols"` in the cargo profile instead of `strip` in the '
        "Dockerfile; or accept it with `parity: {accept: hash-only}`",
        evidence=(Evidence(label="symbol table", value=f"only in the {other} program"),),
    )
