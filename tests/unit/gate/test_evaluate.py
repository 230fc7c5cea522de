"""The gate opens only for a candidate whose every check ran and passed."""

from __future__ import annotations

import pytest

from orchestrator.gate.evaluate import REQUIRED, evaluate, open_gate
from orchestrator.location import Location
from orchestrator.verdict import CheckResult, Status, VerdictStatus


def _check(name: str, status: Status = Status.PASSED) -> CheckResult:
    cause = None if status is Status.PASSED else f"{name}-cause"
    location = Location(file="Dockerfile", line=7) if cause else None
    return CheckResult(id=name, status=status, message=f"{name} says so", cause=cause, location=location)


def _all(**changed: Status) -> list[CheckResult]:
    statuses = {name.replace("_", "-"): status for name, status in changed.items()}
    return [_check(name, statuses.get(name, Status.PASSED)) for name in REQUIRED]


def test_every_check_passed_opens_the_gate() -> None:
    """All required checks passed: the verdict is passed and the gate hands out its proof for that image."""
    verdict = evaluate(_all())
    assert verdict.status is VerdictStatus.PASSED
    proof = open_gate("sha256:abc", verdict)
    assert proof is not None
    assert proof.image_id == "sha256:abc"


def test_a_gate_with_no_checks_is_shut() -> None:
    """Nothing was checked, so nothing is known: refused, and no proof is made."""
    verdict = evaluate([])
    assert verdict.status is VerdictStatus.REFUSED
    assert verdict.cause == "check-missing"
    assert open_gate("sha256:abc", verdict) is None


@pytest.mark.parametrize("absent", REQUIRED)
def test_a_check_that_did_not_run_shuts_the_gate(absent: str) -> None:
    """Each required check is needed: leaving out any one refuses and names it."""
    verdict = evaluate([check for check in _all() if check.id != absent])
    assert verdict.status is VerdictStatus.REFUSED
    assert absent in verdict.message


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNKNOWN, Status.SKIPPED])
@pytest.mark.parametrize("name", REQUIRED)
def test_anything_but_passed_refuses(name: str, status: Status) -> None:
    """Unknown and skipped are never passed, whichever check it is."""
    verdict = evaluate(_all(**{name.replace("-", "_"): status}))
    assert verdict.status is VerdictStatus.REFUSED
    assert verdict.cause == f"{name}-cause"
    assert str(verdict.location) == "Dockerfile:7"


def test_a_failure_leads_over_an_unknown_that_comes_first() -> None:
    """The verdict leads with what is known to be wrong, not with what could not be found out."""
    verdict = evaluate(_all(stub_free=Status.UNKNOWN, parity=Status.FAILED))
    assert verdict.cause == "parity-cause"


def test_the_earlier_failure_explains_the_later_ones() -> None:
    """A stub fails parity and smoke as well; the verdict leads with the stub."""
    verdict = evaluate(_all(stub_free=Status.FAILED, parity=Status.FAILED, smoke=Status.FAILED))
    assert verdict.cause == "stub-free-cause"
