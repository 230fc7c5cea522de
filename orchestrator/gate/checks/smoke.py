"""Smoke: the image's own entrypoint starts, becomes ready, stays up, shows what it must and ends when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.gate.checks.smoke_fault import code_of, lines_of
from orchestrator.gate.checks.smoke_grants import Denial, missing_grant
from orchestrator.gate.checks.smoke_rules import RULES
from orchestrator.gate.checks.smoke_services import service_fault
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Expectation, Transcript

ID = "smoke"
_TAIL = 6
_PATHS_SHOWN = 8
_SHOWN_LINE = 400


def judge(transcript: Transcript, settings: SmokeSettings, *, remembered: bool = False) -> CheckResult:
    """Judge a run of the image by what the spec expects.

    Args:
        transcript: what was seen.
        settings: what was expected.
        remembered: the transcript is of an earlier run of the very same image under the very same settings.
    """
    helpless = service_fault(ID, transcript, remembered=remembered)
    if helpless is not None:
        return helpless
    for rule in RULES:
        fault = rule(transcript, settings)
        if fault is not None:
            denied = missing_grant(transcript, settings)
            return CheckResult(
                id=ID,
                status=Status.FAILED,
                cause=fault.cause,
                message=fault.message,
                evidence=_evidence(transcript, denied),
                location=fault.location,
                repair=denied.repair if denied and fault.may_lack_a_grant else fault.repair,
                seconds=transcript.seconds,
                remembered=remembered,
            )
    return CheckResult(
        id=ID,
        status=Status.PASSED,
        message=_passed(transcript, settings),
        evidence=_evidence(transcript, None),
        seconds=transcript.seconds,
        remembered=remembered,
    )


def _passed(transcript: Transcript, settings: SmokeSettings) -> str:
    if settings.kind == "job":
        return f"ended with {code_of(transcript)} after {transcript.seconds:.2f} s, {lines_of(transcript.line_count)}"
    up = f"ready after {transcript.ready_after or 0:.2f} s"
    parts = [up if settings.ready.probes() else f"stayed up for {settings.stays_up:g} s"]
    if transcript.services:
        parts.append(f"with {', '.join(service.name for service in transcript.services)}")
    if settings.expect.stdout:
        parts.append(f"{len(settings.expect.stdout)} of {len(settings.expect.stdout)} expected lines")
    if transcript.files:
        parts.append(f"{len(transcript.files)} expected files")
    judged = [each for each in transcript.expectations if each.judged]
    if judged:
        parts.append(f"{len(judged)} expectations of other tools' files")
    if transcript.answers:
        parts.append(f"{len(transcript.answers)} requests answered")
    stop = f"ended {transcript.stop_seconds or 0:.2f} s after {transcript.stop_signal} with {code_of(transcript)}"
    return ", ".join([*parts, stop, *(["came up again"] if settings.restart else [])])


def _stated(each: Expectation) -> str:
    return f"{each.location}: {each.name}: {each.problem}"


def _evidence(transcript: Transcript, denied: Denial | None) -> tuple[Evidence, ...]:
    facts = [
        Evidence(label="exit code", value=str(transcript.exit_code)),
        Evidence(label="output", value=lines_of(transcript.line_count)),
    ]
    if denied is not None:
        facts.insert(0, Evidence(label="not granted", value=f"{denied.grant}: {denied.line.strip()[:200]}"))
    facts += [Evidence(label=f"waited for {name}", value=saw) for name, saw in transcript.waiting.items() if saw]
    facts += [Evidence(label="process 1", value=line) for line in transcript.process_one[:1]]
    facts += [Evidence(label="its child", value=line) for line in transcript.process_one[1:]]
    facts += [Evidence(label="written", value=path) for path in (transcript.written or ())[:_PATHS_SHOWN]]
    facts += [Evidence(label="expected", value=_stated(each)) for each in transcript.expectations if each.failed]
    facts += [Evidence(label="not judged", value=_stated(each)) for each in transcript.expectations if not each.judged]
    for service in transcript.services:
        facts.append(Evidence(label=f"service {service.name}", value=f"up after {service.ready_after:.2f} s"))
    if transcript.zombies:
        facts.append(Evidence(label="zombies", value=f"{transcript.zombies} dead processes that nobody collected"))
    if transcript.growth is not None:
        facts.append(Evidence(label="memory", value=f"{transcript.growth / 1024**2:+.1f} MiB while idle"))
    if transcript.dropped:
        dropped = f"{transcript.dropped:,} characters of {transcript.size:,} bytes, between head and tail"
        facts.append(Evidence(label="not kept", value=dropped))
    tail = [f"{line.stream}: {line.text[:_SHOWN_LINE]}" for line in transcript.lines[-_TAIL:]]
    return (*facts, *(Evidence(label="last lines", value=text) for text in tail))
