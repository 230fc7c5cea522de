"""The crates were cut into another number of units for code generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.evidence.blame import LIBRARY
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when the crate with the most units has another number of them, which is what the setting bounds.

    A crate whose own sources grew, or one that was inlined as a whole, may show one unit more or less besides. Where
    some crates have more units and some have fewer, another setting has moved code about.
    """
    if not difference.sound:
        return None
    here, there = (dict(unit.rsplit(" ", 1) for unit in side.units) for side in (difference.local, difference.image))
    changed = [crate for crate in here if crate in there and here[crate] != there[crate] and crate not in LIBRARY]
    if not changed or difference.toolchains:
        return None
    most = [max(int(count) for crate, count in side.items() if crate in changed) for side in (here, there)]
    bounds = [max((int(n) for crate, n in side.items() if crate not in LIBRARY), default=0) for side in (here, there)]
    one_way = len({int(here[crate]) < int(there[crate]) for crate in changed}) == 1
    bounded = bounds[0] != bounds[1] and most[0] != most[1] and one_way
    shown = [f"{crate} {here[crate]} (local) {there[crate]} (image)" for crate in changed]
    return Suspicion(
        cause="codegen-units",
        likelihood=Likelihood.LIKELY if bounded else Likelihood.POSSIBLE,
        explanation=f"crates were compiled in another number of units: {listed(shown, most=3)}",
        repair="build both sides with the same cargo profile (`codegen-units`, `incremental`); CARGO_INCREMENTAL and "
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS override it",
        evidence=(Evidence(label="units", value=listed(shown)),),
        explains=frozenset({"codegen-settings", "other-sources", "features"}),
    )
