"""Self-test: has this gate been seen to refuse wrong programs, in this project and lately?"""

from __future__ import annotations

from orchestrator.verdict import CheckResult, Evidence, Status

ID = "selftest"
LAST = ("selftest", "last")
"""Where the workspace remembers the last passed self-test: `{"at": seconds since the epoch, "refused": [plant, …]}`."""

_DAY = 86400.0
_REPAIR = "invoke selftest"


def judge(last: object, *, within: float, now: float) -> CheckResult:
    """Judge the age of the last passed self-test.

    Args:
        last: what the workspace remembers of it; anything else than its form counts as none.
        within: how old it may be, in seconds.
        now: seconds since the epoch.
    """
    at = last.get("at") if isinstance(last, dict) else None
    if not isinstance(last, dict) or not isinstance(at, int | float):
        return CheckResult(
            id=ID,
            status=Status.FAILED,
            cause="selftest-missing",
            message="the spec asks for a passed self-test, and none is known of this project",
            repair=_REPAIR,
        )
    age = f"{(now - at) / _DAY:.1f} days"
    if now - at > within:
        return CheckResult(
            id=ID,
            status=Status.FAILED,
            cause="selftest-too-old",
            message=f"the last passed self-test is {age} old; the spec accepts {within / _DAY:g} days",
            repair=_REPAIR,
        )
    refused = [str(name) for name in last.get("refused", ())]
    return CheckResult(
        id=ID,
        status=Status.PASSED,
        message=f"{age} ago the gate refused {', '.join(refused)} in this project",
        evidence=(Evidence(label="refused", value=", ".join(refused)),),
    )
