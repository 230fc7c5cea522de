"""Why two programs differ: one file per cause, each weighing the same evidence for itself.

A cause is a function from a `Difference` to a `Suspicion`, or to None when the evidence speaks against it. To add
one, write its file and name it in `CAUSES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orchestrator.parity.cause import (
    damaged_program,
    dependency_version,
    needed_differs,
    other_program,
    paths,
    strip_debug,
    stripped,
    stub,
    symbol_hash,
    toolchain,
    unknown,
)
from orchestrator.parity.cause.suspicion import Likelihood, Suspicion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.parity.difference import Difference

__all__ = ["CAUSES", "Likelihood", "Suspicion", "diagnose"]

CAUSES: Final[Mapping[str, Callable[[Difference], Suspicion | None]]] = {
    # Of two that are equally likely the first one leads.
    "damaged-program": damaged_program.weigh,
    "other-program": other_program.weigh,
    "stub": stub.weigh,
    "toolchain": toolchain.weigh,
    "needed-differs": needed_differs.weigh,
    "dependency-version": dependency_version.weigh,
    "stripped": stripped.weigh,
    "strip-debug": strip_debug.weigh,
    "paths": paths.weigh,
    "symbol-hash": symbol_hash.weigh,
}


def diagnose(difference: Difference) -> tuple[Suspicion, ...]:
    """Return the causes that fit, the best first.

    The first one is *the* cause. Where none is at least likely it is `unknown`, which says what was ruled out, and
    the merely possible ones follow.
    """
    weighed = {cause: weigh(difference) for cause, weigh in CAUSES.items()}
    found = [suspicion for suspicion in weighed.values() if suspicion is not None]
    ranked = tuple(sorted(found, key=lambda suspicion: -suspicion.likelihood))
    if ranked and ranked[0].likelihood >= Likelihood.LIKELY:
        best, *others = ranked
        return (best, *(suspicion for suspicion in others if suspicion.cause not in best.explains))
    ruled_out = tuple(cause for cause, suspicion in weighed.items() if suspicion is None)
    return (unknown.suspect(difference, ruled_out=ruled_out), *ranked)
