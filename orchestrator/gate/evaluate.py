"""The gate: opens only when every check ran and passed. A gate with no checks is shut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.verdict import Status, Verdict, VerdictStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.verdict import CheckResult

REQUIRED = ("stub-free", "loadable", "parity", "smoke", "behaviour")
"""The checks that a candidate needs, in the order in which their causes explain each other: a stub also fails
parity and smoke, so the stub is what the verdict leads with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedGate:
    """The proof that promotion asks for. Made by `open_gate` from a passed verdict, and nowhere else."""

    image_id: str
    verdict: Verdict


def evaluate(checks: Sequence[CheckResult]) -> Verdict:
    """Return the verdict over all checks: passed only if each required one is there and passed."""
    missing = [name for name in REQUIRED if name not in {check.id for check in checks}]
    if missing:
        return Verdict(
            status=VerdictStatus.REFUSED,
            message=f"not every check ran: {', '.join(missing)} did not",
            cause="check-missing",
            repair="look into the run's log for why the check did not run",
        )
    leading = _leading(checks)
    if leading is None:
        return Verdict(status=VerdictStatus.PASSED, message=f"all {len(checks)} checks passed")
    return Verdict(
        status=VerdictStatus.REFUSED,
        message=leading.message,
        cause=leading.cause,
        location=leading.location,
        repair=leading.repair,
    )


def open_gate(image_id: str, verdict: Verdict) -> PassedGate | None:
    """Return the proof for an image whose verdict is passed, None for any other."""
    if verdict.status is not VerdictStatus.PASSED:
        return None
    return PassedGate(image_id=image_id, verdict=verdict)


def _leading(checks: Sequence[CheckResult]) -> CheckResult | None:
    """Return the check that explains a refusal best: a failure before an unknown, earlier checks first."""
    order = {name: number for number, name in enumerate(REQUIRED)}
    weight = {Status.FAILED: 0, Status.UNKNOWN: 1, Status.SKIPPED: 2}
    closed = [check for check in checks if check.status is not Status.PASSED]
    return min(closed, key=lambda check: (weight[check.status], order.get(check.id, len(order))), default=None)
