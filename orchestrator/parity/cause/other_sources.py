"""The project's own code differs and nothing else does: an older build, or another state of the sources.

What of a dependency is generic is compiled with the crate that uses it, and changes with it: a few of the dependencies'
functions may have other bodies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.evidence.blame import blame
from orchestrator.parity.evidence.texts import lone_texts, texts_alone
from orchestrator.parity.suspicion import Likelihood, Suspicion, counted, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_FEW = 10
"""One in so many functions of dependencies may differ, for what is generic in them, beside other texts or names."""


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when functions of the project's own crates differ and, but for a few bodies, none of its dependencies' do.

    A setting of the compiler would change the dependencies as well, where there are any, and what is generic in the
    standard library. It changes no text, and at least half of the dependencies' functions (measured: overflow checks
    46 %, `opt-level` 74 %; other sources 4 to 9 %).
    """
    found = blame(difference)
    if found is None or not found.own or difference.toolchains or found.c or texts_alone(difference):
        return None  # a text of the project's own: `own-data` and its like
    total, touched = found.of_dependencies, sum(found.dependencies.values())
    texts = lone_texts(difference)
    slightly = touched * _FEW <= total and (any(texts) or any(map(found.added.get, found.own)))
    if touched and (difference.crates or not (found.barely or slightly)):
        return None
    others = [crate for crate in found.compiled if crate not in found.own]
    names = sorted(found.own)
    gone = tuple(name for code in difference.own for name in code.missing)
    added = sum(found.added.get(crate, 0) for crate in names)
    functions = counted(sum(found.own.values()), "function", "functions")
    rest = counted(len(others), "dependency", "dependencies")
    only = "" if touched else "only "
    equal = f"{total - touched:,} of {total:,} functions of {rest} are" if touched else f"that of {rest} is"
    return Suspicion(
        cause="other-sources",
        likelihood=Likelihood.LIKELY if others and (not found.generic or slightly) else Likelihood.POSSIBLE,
        explanation=f"{only}the project's own code differs ({functions} of {listed(names, most=3)}); {equal} equal: "
        "other sources, as a stale build leaves them",
        repair="build both sides from the same commit without leftovers (`stub: {guard: enforce}` recompiles what "
        "changed); if the sources are the same, look at `cfg` features of the project's own and at its build script",
        evidence=(
            Evidence(
                label="own functions that differ", value=f"{sum(found.own.values())}, {added} of them on one side only"
            ),
            *((Evidence(label="own functions only local", value=listed(gone)),) if gone else ()),
            *(
                Evidence(label=label, value=listed([repr(text.decode(errors="replace")) for text in side]))
                for label, side in zip(("texts only local", "texts only in the image"), texts, strict=True)
                if side
            ),
        ),
        explains=frozenset({"own-data"}),
    )
