"""One side was optimised as a whole (`lto`), the other crate by crate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when one side shows units of the standard library's own compilation and the other shows none of them.

    Fat LTO compiles all crates again, the standard library included, so their units' names are gone. Thin LTO compiles
    each again for itself, and so leaves a unit of crates without any code, which the linker takes in otherwise never.
    """
    if not difference.sound:
        return None
    here, there = ({unit.split()[0] for unit in side.units} for side in (difference.local, difference.image))
    if not here or not there:
        return None
    if bool(here & _ALWAYS) != bool(there & _ALWAYS):
        return _suspect("image's" if here & _ALWAYS else "local", "lto", here, there)
    if bool(here & _EMPTY) != bool(there & _EMPTY) and not difference.toolchains:
        return _suspect("local" if here & _EMPTY else "image's", 'lto = "thin"', here, there)
    return None


def _suspect(side: str, setting: str, here: set[str], there: set[str]) -> Suspicion:
    return Suspicion(
        cause="lto",
        likelihood=Likelihood.LIKELY,
        explanation=f"only the {side} program was optimised across all crates (`{setting}`)",
        repair="build both sides with the same cargo profile; CARGO_PROFILE_RELEASE_LTO overrides it",
        evidence=(Evidence(label="crates with units of their own", value=f"local {len(here)}, image {len(there)}"),),
        explains=frozenset(
            {"codegen-settings", "codegen-units", "other-sources", "features", "stub", "partial-stub", "needed-differs"}
        ),
    )


_ALWAYS = frozenset({"std", "core", "alloc"})
_EMPTY = frozenset({"rustc_std_workspace_core", "rustc_std_workspace_alloc"})
