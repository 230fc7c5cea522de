"""The build does not repeat itself: the same things come out in another order each time.

A build script or a macro that walks a `HashMap` is the usual reason. Building one side twice decides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when one side, built twice, differed; likely when a constant holds the same parts in another order."""
    facts, content = difference.facts, difference.content
    if facts is not None and facts.repeatable is not None:
        return None if facts.repeatable else _suspect(Likelihood.CERTAIN, "one side built twice gives two programs")
    if content is None or not content.bodies.code_equal:
        return None
    # Either one constant holds its parts in another order, or all constants are there and lie in another order.
    rows = bool(content.bodies.other_data) and not content.constants.sections
    if not content.constants.reordered and not rows:
        return None
    return _suspect(Likelihood.LIKELY, "a table holds the same entries in another order on each side")


def _suspect(likelihood: Likelihood, explanation: str) -> Suspicion:
    return Suspicion(
        cause="nondeterminism",
        likelihood=likelihood,
        explanation=f"{explanation}: the build does not repeat itself, or the sources list them in another order",
        repair="find the generated table (build.rs, a macro) and sort it before it is written: `BTreeMap` instead of "
        "`HashMap`, `sort()` after `read_dir`",
        evidence=(Evidence(label="order", value=explanation),),
        explains=frozenset({"own-data"}),
    )
