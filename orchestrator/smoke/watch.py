"""The course of a smoke run, the same for a container and for a program of this machine."""

from __future__ import annotations

import fnmatch
import posixpath
import time
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import InterruptedRunError
from orchestrator.smoke.transcript import Transcript

if TYPE_CHECKING:
    import threading

    from orchestrator.smoke.output import Output
    from orchestrator.smoke.settings import SmokeSettings

_NAP = 0.02
_KILL_GRACE = 10.0


class Subject(Protocol):
    """What is run and watched."""

    def start(self) -> str | None:
        """Start it; return why it could not be started, None where it runs."""

    def wait(self, timeout: float) -> bool:
        """Wait for its end; return whether it has ended."""

    def send(self, signal: str) -> None:
        """Send it a signal."""

    def end(self) -> tuple[int, bool]:
        """Return (exit code, killed for its memory) after its end."""

    def exists(self, path: str) -> bool | None:
        """Return whether it left a file; None where that cannot be told."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder."""


def watch(
    subject: Subject, settings: SmokeSettings, output: Output, *, side: str, cancel: threading.Event
) -> Transcript:
    """Start the subject, wait until it is ready, let it stay up, look at its files, and stop it.

    Raises:
        InterruptedRunError: `cancel` was set.
    """
    began = time.monotonic()
    output.begin()
    problem = subject.start()
    if problem is not None:
        return Transcript(side=side, start_error=problem, files={}, lines=output.finish())
    ended = _until_ready(subject, settings, output, cancel)
    if not ended and settings.kind == "service" and (output.found.is_set() or settings.ready.log is None):
        ended = _stays_up(subject, settings.stays_up, cancel)
    files = {path: there for path in settings.expect.files if (there := subject.exists(path)) is not None}
    forbidden = tuple(name for pattern in settings.expect.no_files for name in _matches(subject, pattern))
    stop_seconds, killed = (None, False) if ended else _stop(subject, settings)
    exit_code, oom_killed = subject.end()
    lines = output.finish()
    return Transcript(
        side=side,
        ready_after=_ready_after(output, settings, ended=ended),
        ended_by_itself=ended,
        lines=lines,
        line_count=output.count,
        dropped=output.dropped,
        exit_code=exit_code,
        stop_seconds=stop_seconds,
        killed=killed,
        oom_killed=oom_killed,
        files=files,
        forbidden=forbidden,
        seconds=round(time.monotonic() - began, 3),
    )


def _until_ready(subject: Subject, settings: SmokeSettings, output: Output, cancel: threading.Event) -> bool:
    """Wait for readiness or the end, whichever comes first; return whether it has ended."""
    if settings.kind == "service" and settings.ready.log is None:
        return subject.wait(0)
    deadline = time.monotonic() + settings.ready.within
    while time.monotonic() < deadline:
        if settings.kind == "service" and output.found.is_set():
            return subject.wait(0)
        if subject.wait(_NAP):
            return True
        _unless(cancel)
    return False


def _stays_up(subject: Subject, seconds: float, cancel: threading.Event) -> bool:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if subject.wait(min(left, 0.1)):
            return True
        _unless(cancel)
    return subject.wait(0)


def _stop(subject: Subject, settings: SmokeSettings) -> tuple[float, bool]:
    """Ask it to end; return (seconds until its end, whether it had to be killed)."""
    began = time.monotonic()
    subject.send(settings.stop.signal)
    if subject.wait(settings.stop.within):
        return round(time.monotonic() - began, 3), False
    subject.send("SIGKILL")
    subject.wait(_KILL_GRACE)
    return round(time.monotonic() - began, 3), True


def _ready_after(output: Output, settings: SmokeSettings, *, ended: bool) -> float | None:
    if settings.ready.log is not None:
        return None if output.found_at is None else round(output.found_at, 4)
    return None if ended and settings.kind == "service" else 0.0


def _matches(subject: Subject, pattern: str) -> list[str]:
    folder, name = posixpath.split(pattern)
    return [posixpath.join(folder, found) for found in subject.names(folder) if fnmatch.fnmatchcase(found, name)]


def _unless(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise InterruptedRunError("the smoke run was ended because the run was")
