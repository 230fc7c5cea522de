"""One side unwinds when it panics, the other aborts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.suspicion import Likelihood, Suspicion
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.parity.difference import Difference


def weigh(difference: Difference) -> Suspicion | None:
    """Certain when one side holds the standard library's unwinding panic and the other its aborting one."""
    sides = [_strategy(side) for side in (difference.local, difference.image)]
    if not difference.sound or None in sides or sides[0] == sides[1]:
        return None
    return Suspicion(
        cause="panic-strategy",
        likelihood=Likelihood.CERTAIN,
        explanation=f'the local program is built with `panic = "{sides[0]}"`, the image\'s with `panic = "{sides[1]}"`',
        repair="build both sides with the same cargo profile; a `panic` setting in `.cargo/config.toml` or "
        "CARGO_PROFILE_RELEASE_PANIC on one side only overrides it",
        evidence=(Evidence(label="panic strategy", value=f"local {sides[0]}, image {sides[1]}"),),
        explains=frozenset({"codegen-settings", "other-sources", "features"}),
    )


def _strategy(profile: BinaryProfile) -> str | None:
    crates = {unit.split()[0] for unit in profile.units}
    found = [word for word in ("unwind", "abort") if f"panic_{word}" in crates]
    return found[0] if len(found) == 1 else None
