"""Smoke: the image's own entrypoint starts, becomes ready, stays up, shows what it must and ends when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript

ID = "smoke"
_TAIL = 6
_SIGNALLED = 128


def judge(transcript: Transcript, settings: SmokeSettings, *, remembered: bool = False) -> CheckResult:
    """Judge a run of the image by what the spec expects.

    Args:
        transcript: what was seen.
        settings: what was expected.
        remembered: the transcript is of an earlier run of the very same image under the very same settings.
    """
    for rule in _RULES:
        fault = rule(transcript, settings)
        if fault is not None:
            cause, message, repair = fault
            return CheckResult(
                id=ID,
                status=Status.FAILED,
                cause=cause,
                message=message,
                evidence=_evidence(transcript),
                repair=repair,
                seconds=transcript.seconds,
                remembered=remembered,
            )
    return CheckResult(
        id=ID,
        status=Status.PASSED,
        message=_passed(transcript, settings),
        evidence=_evidence(transcript),
        seconds=transcript.seconds,
        remembered=remembered,
    )


Fault = tuple[str, str, str]
"""(cause, message, repair)."""


def _not_started(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    if transcript.start_error is None:
        return None
    return (
        "start-failed",
        f"the image's first program could not be started: {transcript.start_error}",
        "correct ENTRYPOINT or CMD, the file's path, or its executable bit (`COPY --chmod=755`)",
    )


def _out_of_memory(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if not transcript.oom_killed:
        return None
    return (
        "oom-killed",
        f"the kernel killed it for using more than {settings.limits.memory // 1024**2} MiB of memory",
        "raise `smoke.limits.memory`, or find what takes it",
    )


def _ended_early(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if settings.kind == "job" or not transcript.ended_by_itself:
        return None
    if not transcript.line_count and transcript.exit_code == 0:
        return (
            "silent-exit",
            "it ended at once with exit code 0 and printed nothing, as a stub does",
            "see the stub-free check; a program that rightly does this is `smoke: {kind: job}`",
        )
    when = "after it was ready" if transcript.ready_after is not None else "before it was ready"
    return (
        "exited-early",
        f"it ended by itself {when}, with {_code(transcript)}, after {transcript.line_count} lines",
        "see its last lines; a program that rightly ends is `smoke: {kind: job}`",
    )


def _not_ready(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if settings.kind == "job" or transcript.ready_after is not None:
        return None
    return (
        "not-ready",
        (
            f"no line with {settings.ready.log!r} came within {settings.ready.within:g} s "
            f"({transcript.line_count} other lines did)"
        ),
        "see its last lines; give it what it waits for, or correct `smoke.ready`",
    )


def _output_missing(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    missing = first_missing(settings.expect.stdout, transcript.texts("stdout"))
    if missing is None:
        return None
    number, text = missing
    return (
        "output-missing",
        (
            f"line {number} of {len(settings.expect.stdout)} that standard output must hold, in order, "
            f"did not come: {text!r}"
        ),
        "see what it printed instead, or correct `smoke.expect.stdout`",
    )


def _forbidden_output(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    for line in transcript.texts():
        for text in settings.expect.no_output:
            if text in line:
                return (
                    "forbidden-output",
                    f"it printed {line.strip()[:200]!r}, which holds {text!r}",
                    "mend what it says; `smoke.expect.no_output` lists what no line may hold",
                )
    return None


def _file_missing(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    missing = next((path for path, there in transcript.files.items() if not there), None)
    if missing is None:
        return None
    return (
        "file-missing",
        f"it did not leave {missing} in the container",
        "see its output; a folder that it writes to must be in `smoke.writable`",
    )


def _forbidden_file(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    if not transcript.forbidden:
        return None
    return (
        "forbidden-file",
        f"it left {', '.join(transcript.forbidden)} in the container",
        "see its output for why; `smoke.expect.no_files` says what it must not leave",
    )


def _did_not_stop(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if not transcript.killed:
        return None
    if settings.kind == "job":
        return (
            "not-ended",
            f"the job did not end within {settings.ready.within:g} s and had to be killed",
            "see its last lines; a job's time is `smoke.ready.within`",
        )
    return (
        "ignores-stop-signal",
        f"it did not end within {settings.stop.within:g} s after {settings.stop.signal} and had to be killed",
        'let the entrypoint script end in `exec "$@"`, and the program handle the signal',
    )


def _wrong_code(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if transcript.exit_code == settings.stop.exit:
        return None
    return (
        "wrong-exit-code",
        f"it ended with {_code(transcript)}, expected exit code {settings.stop.exit}",
        "handle the stop signal and end cleanly, or correct `smoke.stop.exit`",
    )


_RULES: Sequence[Callable[[Transcript, SmokeSettings], Fault | None]] = (
    _not_started,
    _out_of_memory,
    _ended_early,
    _not_ready,
    _forbidden_output,
    _output_missing,
    _file_missing,
    _forbidden_file,
    _did_not_stop,
    _wrong_code,
)
"""In the order in which one explains the next."""


def first_missing(expected: Sequence[str], lines: Sequence[str]) -> tuple[int, str] | None:
    """Return (1-based number, text) of the first expected line that does not come after those before it."""
    rest = iter(lines)
    for number, text in enumerate(expected, start=1):
        if not any(line.strip() == text.strip() for line in rest):
            return number, text
    return None


def _passed(transcript: Transcript, settings: SmokeSettings) -> str:
    if settings.kind == "job":
        return f"ended with {_code(transcript)} after {transcript.seconds:.2f} s, {transcript.line_count} lines"
    parts = [f"ready after {transcript.ready_after or 0:.2f} s"]
    if settings.expect.stdout:
        parts.append(f"{len(settings.expect.stdout)} of {len(settings.expect.stdout)} expected lines")
    if transcript.files:
        parts.append(f"{len(transcript.files)} expected files")
    parts.append(f"ended {transcript.stop_seconds or 0:.2f} s after {settings.stop.signal} with {_code(transcript)}")
    return ", ".join(parts)


def _code(transcript: Transcript) -> str:
    code = transcript.exit_code
    if code is not None and code > _SIGNALLED:
        return f"exit code {code} (signal {code - _SIGNALLED})"
    return f"exit code {code}"


def _evidence(transcript: Transcript) -> tuple[Evidence, ...]:
    facts = [
        Evidence(label="exit code", value=str(transcript.exit_code)),
        Evidence(label="output", value=f"{transcript.line_count} lines"),
    ]
    if transcript.dropped:
        facts.append(Evidence(label="not kept", value=f"{transcript.dropped:,} bytes between head and tail"))
    tail = [f"{line.stream}: {line.text}" for line in transcript.lines[-_TAIL:]]
    return (*facts, *(Evidence(label="last lines", value=text) for text in tail))
