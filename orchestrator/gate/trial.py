"""Wrong programs before the gate: what a self-test found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.verdict import VerdictStatus

if TYPE_CHECKING:
    from orchestrator.toolchains.cargo.plants import Plant
    from orchestrator.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One wrong program before the gate.

    Attributes:
        verdict: what the gate said of the image that held it; None where the project cannot make such a program.
        failed: ids of the checks that did not pass.
        note: why it was not tried; empty otherwise.
    """

    plant: Plant
    verdict: Verdict | None
    failed: tuple[str, ...] = ()
    note: str = ""
    seconds: float = 0.0

    @property
    def refused(self) -> bool:
        """Return whether the gate held."""
        return self.verdict is not None and self.verdict.status is VerdictStatus.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """A self-test. `control`: the verdict on the right program, which has to pass for the others to mean anything."""

    control: Verdict
    trials: tuple[Trial, ...]

    @property
    def passed(self) -> bool:
        """Return whether the right program passed and every wrong one that could be made was refused."""
        tried = [trial for trial in self.trials if trial.verdict is not None]
        return self.control.status is VerdictStatus.PASSED and bool(tried) and all(trial.refused for trial in tried)
