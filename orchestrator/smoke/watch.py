"""The course of a smoke run, the same for a container and for a program of this machine."""

from __future__ import annotations

import fnmatch
import posixpath
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import InterruptedRunError
from orchestrator.smoke.output import Output
from orchestrator.smoke.probes.probe import Target
from orchestrator.smoke.readiness import Readiness, await_ready
from orchestrator.smoke.transcript import Answer, Transcript

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from orchestrator.engine.insight import ProcessFacts, UsageFacts
    from orchestrator.smoke.probes import HttpRequest, Probe
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Expectation

_NAP = 0.02
_KILL_GRACE = 10.0
_SECOND_LOOK = 0.2
_PROCESSES_SHOWN = 6
MOST_LEFT = 500
"""Files of a run that are told; whoever makes more has a cache or a store there, and their names say nothing."""


class Subject(Target, Protocol):
    """What is run and watched. `secrets`: values that it must not print, by their names."""

    secrets: Mapping[str, str]

    def start(self, output: Output) -> str | None:
        """Start it; return why it could not be started, None where it runs."""

    def wait(self, timeout: float) -> bool:
        """Wait for its end; return whether it has ended."""

    def send(self, signal: str) -> None:
        """Send it a signal."""

    def end(self) -> tuple[int, bool]:
        """Return (exit code, killed for its memory) after its end."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder."""

    def expectations(self) -> tuple[Expectation, ...]:
        """Return what the files of other tools expect of it while it runs, and what became of that."""

    def usage(self) -> UsageFacts | None:
        """Return what it uses now; None where that cannot be told."""

    def processes(self) -> tuple[ProcessFacts, ...]:
        """Return its processes, the first one first; empty where that cannot be told."""

    def left(self) -> tuple[str, ...] | None:
        """Return the files in the folders that it may write to; None where there are too many."""

    def written(self) -> tuple[str, ...] | None:
        """Return the files that it wrote outside of the declared places; None where that cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stopped:
    """How it ended when it was asked to."""

    signal: str | None = None
    seconds: float | None = None
    killed: bool = False
    processes: tuple[str, ...] = ()


class _Watch:
    """One run under one plan; what ends every wait is known here."""

    def __init__(self, subject: Subject, settings: SmokeSettings, stop_signal: str, cancel: threading.Event) -> None:
        self.subject, self.settings, self.stop_signal, self._cancel = subject, settings, stop_signal, cancel

    def over(self, seconds: float) -> bool:
        """Wait for the end of the program or of the patience with its output; return whether it has come."""
        if self._cancel.is_set():
            raise InterruptedRunError("the smoke run was ended because the run was")
        return self.subject.wait(seconds) or self.subject.output.flooded.is_set()

    def until_ready(self, probes: dict[str, Probe]) -> Readiness:
        """Wait until all probes hold; a job is done when it ends."""
        within = self.settings.ready.within
        if self.settings.kind == "service":
            return await_ready(self.subject, probes, within=within, over=self.over)
        self.stays_up(within)
        return Readiness(after=0.0)

    def stays_up(self, seconds: float) -> None:
        """Wait so long, or until it is over."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.over(min(left, _NAP)):
            pass

    def stop(self) -> _Stopped:
        """Ask it to end, and make it."""
        began = time.monotonic()
        self.subject.send(self.stop_signal)
        killed = False
        processes: tuple[str, ...] = ()
        if not self.subject.wait(self.settings.stop.within):
            killed, processes = True, _family(self.subject.processes())
            self.subject.send("SIGKILL")
            self.subject.wait(_KILL_GRACE)
        seconds = round(time.monotonic() - began, 3)
        return _Stopped(signal=self.stop_signal, seconds=seconds, killed=killed, processes=processes)


def new_output(settings: SmokeSettings, secrets: Mapping[str, str]) -> Output:
    """Return what collects the output of a run under a plan. `secrets`: values by their names."""
    limits = settings.limits
    return Output(kept=limits.log, limit=limits.output, wanted=settings.wanted(secrets), clock=time.monotonic)


def watch(
    subject: Subject, settings: SmokeSettings, *, side: str, stop_signal: str, cancel: threading.Event
) -> Transcript:
    """Start the subject, wait until it is ready, let it stay up, look at what it left, and stop it.

    Raises:
        InterruptedRunError: `cancel` was set.
    """
    began = time.monotonic()
    course = _Watch(subject, settings, stop_signal, cancel)
    probes = settings.ready.probes()
    asked = {name: probe for name, probe in probes.items() if side == "image" or not probe.only_image}
    output = new_output(settings, subject.secrets)
    problem = subject.start(output)
    if problem is not None:
        return Transcript(side=side, start_error=problem, waiting={}, files={}, lines=output.finish()[0])
    ready = course.until_ready(asked)
    seen = Transcript(
        side=side,
        ready_after=ready.after,
        waiting=ready.waiting,
        hopeless=ready.hopeless,
        not_judged=tuple(name for name in probes if name not in asked),
        files={},
    )
    if ready.after is not None and settings.kind == "service":
        seen = _while_up(seen, course)
    seen = _left_behind(seen, course)
    ended = subject.wait(0)
    stopped = _Stopped() if ended else course.stop()
    seen = _ended(seen, subject, stopped, ended=ended)
    if settings.restart and not ended and not stopped.killed:
        seen = replace(seen, restart_problem=_restarted(course, asked))
    return replace(_with_output(seen, output), seconds=round(time.monotonic() - began, 3))


def _while_up(seen: Transcript, course: _Watch) -> Transcript:
    """Let it stay up, then ask it the listed requests and look at its processes."""
    subject, settings = course.subject, course.settings
    watched = settings.expect.idle_growth is not None
    before = subject.usage() if watched else None
    course.stays_up(settings.stays_up)
    after = subject.usage()
    growth = after.memory - before.memory if before and after and watched else None
    answers = tuple(_answer(request, subject) for request in settings.requests)
    zombies = _zombies(subject, after)
    return replace(seen, growth=growth, answers=answers, zombies=zombies, expectations=subject.expectations())


def _left_behind(seen: Transcript, course: _Watch) -> Transcript:
    subject, expect = course.subject, course.settings.expect
    files = {path: there for path in expect.files if (there := subject.exists(path)) is not None}
    forbidden = tuple(name for pattern in expect.no_files for name in _matches(subject, pattern))
    return replace(seen, files=files, forbidden=forbidden, left=subject.left())


def _ended(seen: Transcript, subject: Subject, stopped: _Stopped, *, ended: bool) -> Transcript:
    exit_code, oom_killed = subject.end()
    return replace(
        seen,
        ended_by_itself=ended,
        exit_code=exit_code,
        oom_killed=oom_killed,
        stop_signal=stopped.signal,
        stop_seconds=stopped.seconds,
        killed=stopped.killed,
        process_one=stopped.processes,
        written=subject.written(),
    )


def _with_output(seen: Transcript, output: Output) -> Transcript:
    lines, dropped = output.finish()
    return replace(
        seen,
        lines=lines,
        line_count=output.count,
        dropped=dropped,
        size=output.size,
        flooded=output.flooded.is_set(),
        matched=output.matched,
        offences=tuple(output.offences),
    )


def _restarted(course: _Watch, probes: dict[str, Probe]) -> str | None:
    """Start it once more and stop it again; return what was wrong with that."""
    output = new_output(course.settings, course.subject.secrets)
    problem = course.subject.start(output)
    if problem is not None:
        return f"it could not be started again: {problem}"
    ready = course.until_ready(probes)
    ended = course.subject.wait(0)
    stopped = _Stopped() if ended else course.stop()
    code, _ = course.subject.end()
    output.finish()
    last = f"; its last line was {output.last_line()[:200]!r}" if output.count else ""
    if ended:
        return f"started again, it ended by itself with exit code {code}{last}"
    if ready.after is None:
        return f"started again, it was not ready within {course.settings.ready.within:g} s{last}"
    if stopped.killed:
        return "started again, it had to be killed"
    if code not in course.settings.stop.exit:
        return f"started again, it ended with exit code {code}{last}"
    return None


def _zombies(subject: Subject, usage: UsageFacts | None) -> int:
    """Return how many dead processes stay uncollected; one that is just about to be does not count."""
    if usage is None or usage.tasks <= 1:
        return 0
    first = max(0, usage.tasks - sum(process.threads for process in subject.processes()))
    if not first or subject.wait(_SECOND_LOOK):
        return 0
    again = subject.usage()
    return min(first, max(0, again.tasks - sum(p.threads for p in subject.processes()))) if again else 0


def _answer(request: HttpRequest, subject: Subject) -> Answer:
    try:
        answer = request.ask(subject)
    except OSError as error:
        return Answer(request=request.name(), problem=str(error) or "no answer in time")
    return Answer(
        request=request.name(),
        status=answer.status,
        kind=answer.headers.get("content-type", ""),
        body=answer.body,
        problem=request.fault(answer),
    )


def _family(processes: Sequence[ProcessFacts]) -> tuple[str, ...]:
    """Return the command lines of the first process and of its children."""
    if not processes:
        return ()
    first, *rest = processes
    children = [process.command for process in rest if process.parent == first.pid]
    return (first.command, *children[:_PROCESSES_SHOWN])


def _matches(subject: Subject, pattern: str) -> list[str]:
    folder, name = posixpath.split(pattern)
    return [posixpath.join(folder, found) for found in subject.names(folder) if fnmatch.fnmatchcase(found, name)]
