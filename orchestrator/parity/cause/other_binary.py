"""The image holds another binary of the same workspace: the right build, and the wrong file of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.other_program import of_the_workspace
from orchestrator.parity.suspicion import EVERYTHING_ELSE, Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain by the crate that `main` belongs to, and by the project's own libraries in it."""
    if not difference.sound or not of_the_workspace(difference):
        return None
    here, there = listed(difference.local_entries), listed(difference.image_entries)
    return Suspicion(
        cause="other-binary",
        likelihood=Likelihood.CERTAIN,
        explanation=f"the image's program is `{there}`, another binary of this workspace, and not `{here}`",
        repair="correct the path in the COPY that brings the program into the shipped stage, or `image.binary` in the "
        "spec",
        evidence=(Evidence(label="main of", value=f"local {here}, image {there}"),),
        explains=EVERYTHING_ELSE,
    )
