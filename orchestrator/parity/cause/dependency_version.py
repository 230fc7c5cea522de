"""The programs were compiled with other versions of the same dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when a crate of the same name shows another version on each side."""
    here, there = _versions(difference.crates.only_local), _versions(difference.crates.only_image)
    changed = [
        f"{name} {'+'.join(here[name])} (local) {'+'.join(there[name])} (image)" for name in here if name in there
    ]
    if not changed:
        return None
    return Suspicion(
        cause="dependency-version",
        likelihood=Likelihood.CERTAIN,
        explanation=f"they hold other versions of dependencies: {listed(changed, most=3)}",
        repair="commit Cargo.lock, copy it into the build before anything is compiled, and build with `--locked`",
        evidence=(Evidence(label="dependency versions", value=listed(changed)),),
    )


def _versions(crates: tuple[str, ...]) -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for crate in crates:
        name, _, version = crate.partition(" ")
        versions.setdefault(name, []).append(version)
    return versions
