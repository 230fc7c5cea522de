"""What `manifest-dir` and `out-dir` have in common: a folder of the build is a text of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.parity.difference import Difference


def baked_folder(
    difference: Difference, shown: Sequence[str], *, cause: str, label: str, explanation: str, repair: str
) -> Suspicion | None:
    """Return the suspicion: certain when all else is equal, likely when all code is; None where nothing is shown.

    Args:
        difference: of the two programs.
        shown: folders of both sides, in words.
        cause: its id.
        label: of the evidence.
        explanation: what the folders are, as a clause without them.
        repair: what to do.
    """
    if not shown or difference.content is None:
        return None
    # Where code differs as well, unrelated texts may happen to end alike.
    likelihood = Likelihood.LIKELY if difference.code_equal else Likelihood.POSSIBLE
    return Suspicion(
        cause=cause,
        likelihood=Likelihood.CERTAIN if difference.content.equal else likelihood,
        explanation=f"{explanation}: {listed(list(shown), most=2)}",
        repair=repair,
        evidence=(Evidence(label=label, value=listed(list(shown))),),
    )
