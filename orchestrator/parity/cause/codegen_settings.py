"""Every crate that was compiled here differs, the standard library does not: a setting of the compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.evidence.blame import blame
from orchestrator.parity.suspicion import Likelihood, Suspicion, counted, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when, at equal versions and tools, functions of each compiled crate differ, dependencies included."""
    found = blame(difference)
    if found is None or difference.toolchains or difference.crates or not found.dependencies or not found.own:
        return None
    changed = {*found.own, *found.dependencies}
    of_crates = sum(found.own.values()) + sum(found.dependencies.values())
    few = of_crates * _FEW <= len(difference.local.functions or ())
    by_debug = few and difference.local.debug_info != difference.image.debug_info
    # Functions that are on one side only were kept or inlined; a setting shows in those that both have.
    changed_bodies = sum(count - found.added.get(crate, 0) for crate, count in found.dependencies.items())
    rare = changed_bodies * _RARE < found.of_dependencies
    untouched = [crate for crate, count in found.compiled.items() if crate not in changed and count >= _ENOUGH]
    return Suspicion(
        cause="codegen-settings",
        likelihood=Likelihood.POSSIBLE if untouched or rare or by_debug else Likelihood.LIKELY,
        explanation=f"functions of {counted(len(changed), 'crate', 'crates')} compiled here differ, those of the "
        "standard library do not: another setting of the compiler (opt-level, lto, debug-assertions, inlining)",
        repair="build both sides with the same cargo profile and rustflags; `cargo rustc -v` shows them, and "
        "CARGO_PROFILE_RELEASE_* and RUSTFLAGS override them",
        evidence=(
            Evidence(label="crates that differ", value=listed(sorted(changed))),
            *((Evidence(label="crates that do not", value=listed(untouched)),) if untouched else ()),
        ),
        explains=frozenset({"other-sources", "features", "partial-stub"}),
    )


_ENOUGH = 8
"""Functions that a crate must have for all of them to be equal by more than chance: a small one may hold nothing that
a setting changes."""
_FEW = 20
"""One function in so many may differ because of debug information alone (measured: 18 of 853)."""
_RARE = 4
"""A setting changes at least one in so many functions of the dependencies (measured: nearly half of them)."""
