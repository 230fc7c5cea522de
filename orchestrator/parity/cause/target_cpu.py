"""One side was compiled for a newer processor: it uses instructions that the other side does without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when functions that both have do with instructions of any x86-64 on one side, and not on the other.

    A single one may be a function that was rewritten for such processors.
    """
    content = difference.content
    if content is None or not content.instructions.newer:
        return None
    here, there = (sum(1 for pair in content.instructions.newer if pair[side]) for side in (0, 1))
    if here and there:
        return None
    side = "local" if here else "image's"
    names = sorted({name for pair in content.instructions.newer for name in (*pair[0], *pair[1])})
    return Suspicion(
        cause="target-cpu",
        likelihood=Likelihood.CERTAIN if here + there > 1 else Likelihood.LIKELY,
        explanation=f"only the {side} program's functions use instructions of newer processors "
        f"({listed(names, most=4)})",
        repair="pass the same `-C target-cpu` and `-C target-feature` on both sides; `native` depends on the machine",
        evidence=(Evidence(label="instructions", value=listed(names)),),
        explains=frozenset({"codegen-settings", "codegen-units", "other-sources", "features"}),
    )
