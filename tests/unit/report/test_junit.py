"""JUnit XML: what a CI server counts is what the gate said."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from orchestrator.record import RunRecord
from orchestrator.report.junit_xml import render
from orchestrator.verdict import CheckResult, Status, Verdict, VerdictStatus

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def _suite(record: RunRecord) -> Element:
    root = ET.fromstring(render(record))  # noqa: S314 - our own output
    assert root.tag == "testsuites"
    suite = root.find("testsuite")
    assert suite is not None
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == root.get("tests")
    return suite


def test_a_passed_run_has_only_passed_cases(passed: RunRecord) -> None:
    """One for each check, those of the smoke plan after its own, and one for the verdict."""
    suite = _suite(passed)
    names = [check.id for check in passed.checks]
    place = names.index("smoke") + 1
    assert [case.get("name") for case in suite.findall("testcase")] == [
        *names[:place],
        "ready.log: a line with 'up'",
        "requests GET :8080/health",
        *names[place:],
        "verdict",
    ]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


def test_a_refused_run_says_why_and_where(refused: RunRecord) -> None:
    """The failing case has the cause as its type, and the place as servers read it."""
    suite = _suite(refused)
    case = next(case for case in suite.findall("testcase") if case.get("name") == "parity")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "other-program"
    assert (case.get("file"), case.get("line")) == ("infrastructure/docker/Dockerfile.backend", "42")
    assert "repair: " in (failure.text or "")
    failed = sum(check.status is Status.FAILED for check in refused.checks)
    assert int(suite.get("failures", "0")) == failed + 2, "the verdict, and one expectation of the smoke plan"


def test_what_the_smoke_plan_asks_is_one_case_each(refused: RunRecord) -> None:
    """What does not hold has its place; what nobody saw is skipped, beside the check's own case."""
    suite = _suite(refused)
    cases = {
        case.get("name"): case for case in suite.findall("testcase") if (case.get("classname") or "")[-6:] == ".smoke"
    }
    wrong = cases["file /etc/app.conf: mode"]
    assert (wrong.get("file"), wrong.get("line")) == ("tests/goss.yaml", "3")
    failure = wrong.find("failure")
    assert failure is not None
    assert failure.get("message") == 'it is "0600", expected "0644"'
    skipped = {name for name, case in cases.items() if case.find("skipped") is not None}
    assert skipped == {"restart", "dns example.org"}
    assert suite.get("skipped") == "2"


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.SKIPPED])
def test_what_is_not_known_is_never_a_passed_case(passed: RunRecord, status: Status) -> None:
    """Servers ignore skipped cases; this gate does not."""
    check = CheckResult(id="smoke", status=status, message="nobody looked", cause="not-run")
    suite = _suite(dataclasses.replace(passed, checks=(check,)))
    assert suite.get("errors") == "1"
    assert suite.find("testcase/error[@type='not-run']") is not None


def test_a_gate_shut_without_a_failed_check_fails_as_well(passed: RunRecord) -> None:
    """A check that did not run has no case of its own."""
    verdict = Verdict(status=VerdictStatus.REFUSED, message="not every check ran", cause="check-missing")
    suite = _suite(dataclasses.replace(passed, checks=(), verdict=verdict))
    assert suite.find("testcase[@name='verdict']/failure[@type='check-missing']") is not None


def test_a_run_without_verdict_is_one_error(failed: RunRecord) -> None:
    """With the compiler's words in it."""
    suite = _suite(failed)
    error = suite.find("testcase/error")
    assert error is not None
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert "error[E0425]" in (error.text or "")


def test_hostile_text_is_valid_xml(hostile: RunRecord) -> None:
    """Characters that XML forbids are written out, markup is escaped."""
    content = render(hostile).decode("utf-8")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", content)
    suite = _suite(hostile)
    assert "<script>alert(1)</script>" in "".join(suite.itertext())
    assert suite.find(".//script") is None
