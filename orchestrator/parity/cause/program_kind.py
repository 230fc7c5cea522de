"""The two are linked as other kinds of program: position-independent or not, static or dynamic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain by the header, the loader that they name, or the lack of one."""
    local, image = difference.local, difference.image
    if not difference.sound or (local.kind, local.interpreter) == (image.kind, image.interpreter):
        return None
    shown = [f"{side.kind}, {side.interpreter or 'static'}" for side in (local, image)]
    return Suspicion(
        cause="program-kind",
        likelihood=Likelihood.CERTAIN,
        explanation=f"they are linked differently: local {shown[0]}; image {shown[1]}",
        repair="use the same target (`-gnu` or `-musl`) and the same `crt-static` and `relocation-model` on both sides",
        evidence=(Evidence(label="kind and loader", value=f"local {shown[0]}; image {shown[1]}"),),
        explains=frozenset(
            {
                "codegen-settings",
                "codegen-units",
                "other-sources",
                "features",
                "needed-differs",
                "hardening-flags",
                "c-compiler",
                "paths",
                "own-data",
                "partial-stub",
                "lto",
            }
        ),
    )
