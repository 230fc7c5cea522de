"""The crates were cut into other units for code generation: another number of them, or those of `incremental`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.binary.names import crate_of
from orchestrator.parity.evidence.blame import LIBRARY
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.parity.difference import Difference

_EXPLAINS = frozenset({"codegen-settings", "other-sources", "features"})
_APART = 2
"""Times as many units as the other side has: fewer are a matter of what is left of each after inlining."""
_ENOUGH = 3
"""Functions that a crate must have on both sides for its units to be missed."""


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when the crate with the most units has twice as many of them on one side, as a setting bounds them.

    A crate whose own sources grew, or one that was inlined as a whole, may show one unit more or less besides. Where
    some crates have more units and some have fewer, another setting has moved code about, and so it has where most
    functions are on one side only. A single crate with other functions may have other sources. Units of an incremental
    build bear no crate's name.
    """
    if not difference.sound or difference.toolchains:
        return None
    sides = [
        {crate: int(count) for crate, count in (unit.rsplit(" ", 1) for unit in side.units) if crate not in LIBRARY}
        for side in (difference.local, difference.image)
    ]
    incremental = _incremental(difference, sides[0], sides[1])
    if incremental is not None:
        return incremental
    here, there = sides
    changed = [crate for crate in here if crate in there and here[crate] != there[crate]]
    if not changed:
        return None
    bounds = [max(side.values(), default=0) for side in sides]
    most = [max(side[crate] for crate in changed) for side in sides]
    one_way = len({here[crate] < there[crate] for crate in changed}) == 1
    grown = len(changed) == 1 and _names_differ(difference, changed[0])
    apart = most[0] != most[1] and one_way and max(bounds) >= _APART * min(bounds)
    bounded = apart and not grown and not _plainly_unlike(difference)
    shown = [f"{crate} {here[crate]} (local) {there[crate]} (image)" for crate in changed]
    return Suspicion(
        cause="codegen-units",
        likelihood=Likelihood.LIKELY if bounded else Likelihood.POSSIBLE,
        explanation=f"crates were compiled in another number of units: {listed(shown, most=3)}",
        repair="build both sides with the same cargo profile (`codegen-units`, `incremental`); CARGO_INCREMENTAL and "
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS override it",
        evidence=(Evidence(label="units", value=listed(shown)),),
        explains=_EXPLAINS,
    )


def _incremental(difference: Difference, here: Mapping[str, int], there: Mapping[str, int]) -> Suspicion | None:
    """Return the suspicion where crates that both programs hold have units with their name on one side only."""
    local, image = difference.local.functions, difference.image.functions
    if local is None or image is None or not difference.local.units or not difference.image.units:
        return None
    counts = [Counter(crate_of(function.name) for function in functions) for functions in (local, image)]
    held = {crate for crate, n in counts[0].items() if crate is not None and min(n, counts[1][crate]) >= _ENOUGH}
    lost = [sorted(held & (one.keys() - other.keys())) for one, other in ((here, there), (there, here))]
    if bool(lost[0]) == bool(lost[1]):
        return None
    side, names = ("image's", lost[0]) if lost[0] else ("local", lost[1])
    return Suspicion(
        cause="codegen-units",
        likelihood=Likelihood.LIKELY,
        explanation=f"only the {side} program's {listed(names, most=3)} was compiled in units without a crate's name, "
        "as `incremental` makes them",
        repair="build both sides with the same `incremental` in the cargo profile; CARGO_INCREMENTAL and "
        "CARGO_PROFILE_RELEASE_INCREMENTAL override it",
        evidence=(Evidence(label=f"units without a name, {side} program", value=listed(names)),),
        explains=_EXPLAINS,
    )


def _names_differ(difference: Difference, crate: str) -> bool:
    """Return whether one side has functions of a crate that the other lacks."""
    functions = difference.functions
    return functions is None or any(crate_of(name) == crate for name in (*functions.only_local, *functions.only_image))


def _plainly_unlike(difference: Difference) -> bool:
    """Return whether more than half of the functions are on one side only: another way to optimise, not to cut."""
    functions = difference.functions
    if functions is None:
        return False
    alone = functions.local + functions.image - 2 * functions.common
    return alone > max(functions.local, functions.image) // 2
