"""The words every check answers in. Facts only; nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.location import Location


class Status(StrEnum):
    """How a check ended. Only `PASSED` opens the gate."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class VerdictStatus(StrEnum):
    """What the gate says of a candidate."""

    PASSED = "passed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact that a check rests on, fit to be shown: `label: value`."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check's answer.

    Attributes:
        id: the check's name, kebab-case (`stub-free`, `parity`, `loadable`, `smoke`, `behaviour`).
        cause: kebab-case id from docs/reference/causes.md; None exactly when the status is passed.
        message: one sentence, complete without the rest.
        repair: what to do about it; None when passed.
        seconds: wall time of the reading and judging that this check needed.
        remembered: the evidence was taken from an earlier run on the very same content (never a guess).
    """

    id: str
    status: Status
    message: str
    cause: str | None = None
    evidence: tuple[Evidence, ...] = ()
    location: Location | None = None
    repair: str | None = None
    seconds: float = 0.0
    remembered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's answer over all checks; `cause`, `location` and `repair` are those of the leading check."""

    status: VerdictStatus
    message: str
    cause: str | None = None
    location: Location | None = None
    repair: str | None = None
