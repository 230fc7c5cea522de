"""The exit code that a run ends with: 0 passed, 1 refused, 2 and up the reason why there is no verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.verdict import VerdictStatus

if TYPE_CHECKING:
    from orchestrator.record import RunRecord

PASSED = 0
REFUSED = 1


def exit_code_of(record: RunRecord) -> int:
    """Return the exit code of a run (docs/reference/exit-codes.md)."""
    if record.verdict is not None:
        return PASSED if record.verdict.status is VerdictStatus.PASSED else REFUSED
    return record.failure.exit_code if record.failure is not None else REFUSED
