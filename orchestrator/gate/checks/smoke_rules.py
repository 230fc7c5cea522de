"""The rules of the smoke check: each looks at one thing, in the order in which one fault explains the next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.gate.checks import smoke_ending as ending
from orchestrator.gate.checks.smoke_fault import Fault, code_of, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript

_SEGFAULT = 128 + 11
_MEBIBYTE = 1024**2
_KERNEL_SAYS = re.compile(
    r"(?:standard_init_linux\.go:\d+: )?exec (?:user process caused: |/?\S+: )"
    r"(?:no such file or directory|exec format error|permission denied|operation not permitted|invalid argument|"
    r"text file busy)",
    re.IGNORECASE,
)
"""What the container runtime prints in the program's place where only the kernel sees that it cannot be executed: the
start succeeds then, and the exit code differs between engines (1 or 255)."""


def _unmeetable(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    if transcript.unmeetable is None:
        return None
    return Fault(
        cause="readiness-unmeetable",
        message=f"it was not started: {transcript.unmeetable}",
        repair="give the image what the probe needs (a HEALTHCHECK line in the shipped stage), or choose another probe",
    )


def _not_started(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    problem = transcript.start_error
    if problem is None and transcript.ended_by_itself and transcript.exit_code and transcript.line_count == 1:
        problem = next((text for text in transcript.texts() if _KERNEL_SAYS.fullmatch(text.strip())), None)
    if problem is None:
        return None
    return Fault(
        cause="start-failed",
        message=f"the image's first program could not be started: {problem}",
        repair="correct ENTRYPOINT or CMD, the file's path, its executable bit (`COPY --chmod=755`) or its first line; "
        "the loadable check says which",
        may_lack_a_grant="operation not permitted" in problem.lower(),
    )


def _out_of_memory(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if not transcript.oom_killed:
        return None
    return Fault(
        cause="oom-killed",
        message=f"the kernel killed it for using more than {settings.limits.memory // _MEBIBYTE} MiB of memory",
        repair="raise `smoke.limits.memory`, or find what takes it",
    )


def _flooded(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if not transcript.flooded:
        return None
    return Fault(
        cause="log-flood",
        message=f"it printed more than {settings.limits.output // _MEBIBYTE} MiB, and was ended for that",
        repair="see its lines for what repeats; the limit is `smoke.limits.output`",
    )


def _ended_early(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if settings.kind == "job" or not transcript.ended_by_itself:
        return None
    if transcript.daemonised:
        return Fault(
            cause="daemonised",
            message="it went into the background: its first process ended with exit code 0, and what that had started "
            "would go on (a second run under another process 1 showed it); a container ends with its first process",
            repair="start it in the foreground (`nginx -g 'daemon off;'`, `--foreground`, `--no-daemon`), and `exec` "
            "it as the last thing in a script",
        )
    if not transcript.line_count and transcript.exit_code == 0:
        return Fault(
            cause="silent-exit",
            message="it ended at once with exit code 0 and printed nothing, as a stub does",
            repair="see the stub-free check; a program that rightly ends is `smoke: {kind: job}`",
        )
    when = "after it was ready" if transcript.ready_after is not None else "before it was ready"
    if not settings.ready.probes():
        when = "while it should stay up"
    hint = " without a word of its own; a fault in memory" if transcript.exit_code == _SEGFAULT else ""
    return Fault(
        cause="exited-early",
        message=f"it ended by itself {when}, with {code_of(transcript)}, after {lines_of(transcript.line_count)}{hint}",
        repair="see its last lines; a program that rightly ends is `smoke: {kind: job}`",
        may_lack_a_grant=True,
    )


def _not_ready(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    if settings.kind == "job" or transcript.ready_after is not None:
        return None
    probes = settings.ready.probes()
    told = [
        f"{probes[name].sought()}" + (f": {saw}" if saw else "")
        for name, saw in transcript.waiting.items()
        if name in probes
    ]
    silent = "" if transcript.line_count else (
        "; it printed nothing at all: output may be held back in a buffer, or be for a terminal only"
    )  # fmt: skip
    if transcript.hopeless:
        return Fault(
            cause="unhealthy",
            message=f"it will not become ready: {'; '.join(told)}",
            repair="run the HEALTHCHECK's command by hand; see its last lines",
            may_lack_a_grant=True,
        )
    return Fault(
        cause="not-ready",
        message=f"within {settings.ready.within:g} s this did not come: {'; '.join(told)}{silent}",
        repair="see its last lines; give it what it waits for, or correct `smoke.ready`",
        may_lack_a_grant=True,
    )


def _secret_printed(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    leak = next((offence for offence in transcript.offences if offence.what.startswith("the secret ")), None)
    if leak is None:
        return None
    return Fault(
        cause="secret-printed",
        message=f"it printed {leak.what}: {leak.line.strip()[:200]!r}",
        repair="keep secrets out of what is logged, at every level",
    )


def _forbidden_output(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    if not transcript.offences:
        return None
    offence = transcript.offences[0]
    return Fault(
        cause="forbidden-output",
        message=f"it printed {offence.line.strip()[:200]!r}, which holds {offence.what!r}",
        repair="mend what it says; `smoke.expect.no_output` lists what no line may hold",
        may_lack_a_grant=True,
    )


def _silent(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    shown = settings.ready.probes() or settings.requests or settings.expect.files
    if transcript.line_count or shown:
        return None
    if settings.kind == "job":
        return Fault(
            cause="silent-exit",
            message=f"it ended with {code_of(transcript)} and printed nothing, as a stub does",
            repair="let the job say what it did, or name what it leaves under `smoke.expect.files`",
        )
    return Fault(
        cause="silent",
        message="it printed nothing, and no probe asked it anything: that it runs does not show that it works",
        repair="say in `smoke.ready` how it shows that it is up (`http`, `tcp`, `file`, `healthcheck`, `command`)",
    )


def _output_missing(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    expected = settings.expect.stdout
    if transcript.matched >= len(expected):
        return None
    return Fault(
        cause="output-missing",
        message=f"line {transcript.matched + 1} of {len(expected)} that standard output must hold, in order, "
        f"did not come: {expected[transcript.matched]!r}",
        repair="see what it printed instead, or correct `smoke.expect.stdout`",
    )


def _file_missing(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    missing = next((path for path, there in transcript.files.items() if not there), None)
    if missing is None:
        return None
    return Fault(
        cause="file-missing",
        message=f"it did not leave {missing} in the container",
        repair="see its output; a folder that it writes to must be in `smoke.writable`",
        may_lack_a_grant=True,
    )


def _forbidden_file(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    if not transcript.forbidden:
        return None
    return Fault(
        cause="forbidden-file",
        message=f"it left {', '.join(transcript.forbidden)} in the container",
        repair="see its output for why; `smoke.expect.no_files` says what it must not leave",
    )


def _wrong_answer(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    wrong = next((answer for answer in transcript.answers if answer.problem), None)
    if wrong is None:
        return None
    return Fault(
        cause="wrong-answer",
        message=f"{wrong.request}: {wrong.problem}",
        repair="see its last lines, or correct the request in `smoke.requests`",
        may_lack_a_grant=True,
    )


def _expectation_failed(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    failed = [each for each in transcript.expectations if each.failed]
    if not failed:
        return None
    first, judged = failed[0], sum(each.judged for each in transcript.expectations)
    return Fault(
        cause="expectation-failed",
        message=f"{len(failed)} of {judged} expectations of other tools' files do not hold: {first.name}: "
        f"{first.problem}",
        repair=f"mend the image, or correct {first.location}",
        location=first.location,
    )


RULES: Sequence[Callable[[Transcript, SmokeSettings], Fault | None]] = (
    _unmeetable,
    _not_started,
    _out_of_memory,
    _flooded,
    _secret_printed,
    _ended_early,
    _not_ready,
    _forbidden_output,
    _output_missing,
    _file_missing,
    _forbidden_file,
    _wrong_answer,
    _expectation_failed,
    ending.did_not_stop,
    _silent,
    ending.wrong_code,
    ending.zombies,
    ending.growing,
    ending.undeclared_writes,
    ending.not_again,
)
"""In the order in which one explains the next."""
