"""One side was optimised as a whole (`lto`), the other crate by crate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when one side shows units of the standard library's own compilation and the other shows none of them.

    Fat LTO compiles all crates again, the standard library included, so their units' names are gone.
    """
    if not difference.sound:
        return None
    here, there = ({unit.split()[0] for unit in side.units} for side in (difference.local, difference.image))
    if not here or not there or bool(here & _ALWAYS) == bool(there & _ALWAYS):
        return None
    side = "image's" if here & _ALWAYS else "local"
    return Suspicion(
        cause="lto",
        likelihood=Likelihood.LIKELY,
        explanation=f"only the {side} program was optimised across all crates (`lto`)",
        repair="build both sides with the same cargo profile; CARGO_PROFILE_RELEASE_LTO overrides it",
        evidence=(Evidence(label="crates with units of their own", value=f"local {len(here)}, image {len(there)}"),),
        explains=frozenset(
            {"codegen-settings", "codegen-units", "other-sources", "features", "stub", "partial-stub", "needed-differs"}
        ),
    )


_ALWAYS = frozenset({"std", "core", "alloc"})
