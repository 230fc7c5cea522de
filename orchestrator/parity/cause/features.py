"""A dependency is the same version and other code: it was compiled with other features.

Cargo unifies features over what is built together, so `-p backend` and `--workspace` may give other programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.evidence.blame import blame
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when dependencies of equal version differ and neither the project's own code nor other crates do.

    A feature adds functions to a few dependencies. Where most dependencies differ it is possible; and where only bodies
    differ, generic ones too, or those of a crate without a version, which may be the project's own.
    """
    found = blame(difference)
    if found is None or not found.dependencies or found.own or difference.crates or difference.toolchains:
        return None
    others = [crate for crate in found.compiled if crate not in found.dependencies]
    if not others or found.c:
        return None
    names = sorted(found.dependencies)
    versioned = {crate.split()[0].replace("-", "_") for crate in difference.local.crates}
    added = any(map(found.added.get, names))
    likely = len(names) <= len(others) and (added or (not found.generic and versioned.issuperset(names)))
    return Suspicion(
        cause="features",
        likelihood=Likelihood.LIKELY if likely else Likelihood.POSSIBLE,
        explanation=f"of the same version, {listed(names, most=3)} holds other code, and all other crates are equal: "
        "other features, or a build script that decided otherwise",
        repair="select the same packages and features on both sides (`-p`, `--workspace`, `--features`); compare "
        "`cargo tree -e features` of both",
        evidence=(Evidence(label="crates that differ", value=listed(names)),),
        explains=frozenset({"codegen-settings"}),
    )
