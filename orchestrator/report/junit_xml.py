"""JUnit XML: one case for each check, and for each thing that the smoke plan asks, so that CI shows the gate as tests.

Only a passed check is a passed case. A failed one is a failure; one that is unknown or was skipped is an error, since
it shuts the gate as well and no server counts `skipped` against a build. A run without verdict is one case in error.
What a smoke run did not get to, or what is not judged, is a skipped case beside the check's own, which is not skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from orchestrator.report.untrusted import visible_record
from orchestrator.verdict import Status, VerdictStatus

if TYPE_CHECKING:
    from orchestrator.location import Location
    from orchestrator.record import FailureFacts, RunRecord
    from orchestrator.verdict import CheckResult, Verdict

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def render(record: RunRecord) -> bytes:
    """Return the XML, UTF-8."""
    record = visible_record(record)
    suite = Element(
        "testsuite",
        name=record.project,
        timestamp=record.started[:19],  # the schema of most servers knows no offset; it is UTC
        time=f"{record.seconds:.3f}",
    )
    _properties(suite, record)
    for check in record.checks:
        _check(suite, check, project=record.project)
        if check.id == "smoke":
            _cases(suite, record)
    if record.verdict is not None:
        _verdict(suite, record.verdict, project=record.project)
    if record.failure is not None:
        _failure(suite, record.failure, project=record.project)
    counts = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    for name, count in counts.items():
        suite.set(name, str(count))
    root = Element("testsuites", name="twinbuild", time=f"{record.seconds:.3f}")
    for name, count in counts.items():
        root.set(name, str(count))
    root.append(suite)
    indent(root)
    return f"{_DECLARATION}{tostring(root, encoding='unicode')}\n".encode()


def _properties(suite: Element, record: RunRecord) -> None:
    facts = {
        "run": record.run,
        "spec": record.spec.path,
        "commit": record.source.commit if record.source else None,
        "source": record.source.digest if record.source else None,
        "image": record.image.candidate_id if record.image else None,
        "tag": record.image.tag if record.image else None,
        **{f"sha256.{program.side}": program.sha256 for program in record.programs},
    }
    told = SubElement(suite, "properties")
    for name, value in facts.items():
        if value is not None:
            SubElement(told, "property", name=name, value=value)


def _case(suite: Element, name: str, *, project: str, seconds: float, location: Location | None) -> Element:
    case = SubElement(suite, "testcase", classname=f"twinbuild.{project}", name=name, time=f"{seconds:.3f}")
    if location is not None:
        case.set("file", location.file)
        if location.line is not None:
            case.set("line", str(location.line))
    return case


def _check(suite: Element, check: CheckResult, *, project: str) -> None:
    case = _case(suite, check.id, project=project, seconds=check.seconds, location=check.location)
    evidence = [f"{fact.label}: {fact.value}" for fact in check.evidence]
    if check.status is Status.PASSED:
        SubElement(case, "system-out").text = "\n".join([check.message, *evidence])
        return
    kind = "failure" if check.status is Status.FAILED else "error"
    told = SubElement(case, kind, type=check.cause or check.status.value, message=check.message)
    told.text = _text(check.message, check.location, check.repair, evidence)


def _cases(suite: Element, record: RunRecord) -> None:
    for run in record.transcripts:
        for each in run.cases:
            name = f"twinbuild.{record.project}.smoke"
            case = _case(suite, each.name, project=record.project, seconds=0.0, location=each.location)
            case.set("classname", name)
            if each.status is Status.FAILED:
                SubElement(case, "failure", type="smoke", message=each.detail).text = each.detail
            elif each.status is not Status.PASSED:
                SubElement(case, "skipped", message=each.detail)
            elif each.detail:
                SubElement(case, "system-out").text = each.detail


def _verdict(suite: Element, verdict: Verdict, *, project: str) -> None:
    """A gate may be shut although no check failed: when one did not run at all."""
    case = _case(suite, "verdict", project=project, seconds=0.0, location=verdict.location)
    if verdict.status is not VerdictStatus.PASSED:
        told = SubElement(case, "failure", type=verdict.cause or verdict.status.value, message=verdict.message)
        told.text = _text(verdict.message, verdict.location, verdict.repair, [])


def _failure(suite: Element, failure: FailureFacts, *, project: str) -> None:
    case = _case(suite, "verdict", project=project, seconds=0.0, location=failure.location)
    told = SubElement(case, "error", type=failure.cause, message=failure.message)
    told.text = _text(failure.message, failure.location, failure.repair, list(failure.detail))


def _text(message: str, location: Location | None, repair: str | None, more: list[str]) -> str:
    lines = [message]
    if location is not None:
        lines.append(f"line: {location}")
    if repair:
        lines.append(f"repair: {repair}")
    return "\n".join([*lines, *more])
