"""One crate of the project is a placeholder while the others are real.

A Dockerfile that compiles dependencies first with empty sources of every workspace member may revive one of them later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.cause.stub import EXPLAINS, REPAIR
from orchestrator.parity.emptied import emptied_crates
from orchestrator.parity.evidence.blame import blame
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when all functions of one own crate are gone and code of others than the project's own is equal.

    Other settings may inline all of a small crate as well; then the dependencies differ, too.
    """
    emptied = emptied_crates(difference)
    if not emptied or all(code.image_beyond_main == 0 for code in difference.own):
        return None
    found = blame(difference)
    if found is None:
        functions = difference.functions
        alone = functions is not None and not functions.only_image
    else:
        alone = not found.dependencies and not found.c
    names = [f"`{code.crate}`" for code in emptied]
    missing = tuple(name for code in emptied for name in code.missing)
    return Suspicion(
        cause="partial-stub",
        likelihood=Likelihood.LIKELY if alone else Likelihood.POSSIBLE,
        explanation=f"the image's program holds no function of the project's own {' and '.join(names)}",
        repair=REPAIR,
        evidence=(Evidence(label="own functions missing", value=listed(missing)),),
        explains=EXPLAINS,
    )
