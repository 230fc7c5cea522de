"""The rules of the smoke check for what a run leaves: how it ended, processes, memory, files, and a second start."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.gate.checks.smoke_fault import Fault, code_of

if TYPE_CHECKING:
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript

_MEBIBYTE = 1024**2
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox"})


def zombies(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    """Dead processes that nobody collects."""
    if transcript.zombies <= settings.limits.zombies:
        return None
    return Fault(
        cause="zombies",
        message=f"it leaves dead processes behind: {transcript.zombies} that nobody collected",
        repair="let process 1 wait for its children, or give the image an init (`tini`) as its ENTRYPOINT",
    )


def growing(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    """Memory that grows while nothing is asked of it."""
    allowed = settings.expect.idle_growth
    if allowed is None or transcript.growth is None or transcript.growth <= allowed:
        return None
    return Fault(
        cause="memory-growth",
        message=f"it took {transcript.growth / _MEBIBYTE:.1f} MiB more memory in {settings.stays_up:g} s of doing "
        f"nothing, {allowed / _MEBIBYTE:.1f} MiB are allowed",
        repair="find what grows; the limit is `smoke.expect.idle_growth`",
    )


def did_not_stop(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    """A stop signal that has no effect."""
    if settings.kind == "job" and transcript.stop_signal is not None:
        return Fault(
            cause="not-ended",
            message=f"the job did not end within {settings.ready.within:g} s and was stopped",
            repair="see its last lines; a job's time is `smoke.ready.within`",
        )
    if not transcript.killed:
        return None
    late = f"it did not end within {settings.stop.within:g} s after {transcript.stop_signal} and had to be killed"
    first, *children = transcript.process_one or ("",)
    if children and _is_shell(first):
        return Fault(
            cause="signal-not-forwarded",
            message=f"{late}: process 1 is the shell `{first}`, which does not pass the signal on to `{children[0]}`",
            repair='write `exec` before the program in the script (`exec "$@"`), or use the form '
            'ENTRYPOINT ["/program"] instead of ENTRYPOINT /program',
        )
    return Fault(
        cause="ignores-stop-signal",
        message=late,
        repair="let the program handle the signal: process 1 of a container gets no default action for it; "
        "or name another one with STOPSIGNAL; where being killed does it no harm, say "
        "`smoke: {stop: {signal: SIGKILL, exit: 137}}`",
    )


def wrong_code(transcript: Transcript, settings: SmokeSettings) -> Fault | None:
    """An exit code that was not expected."""
    allowed = settings.stop.exit
    if transcript.exit_code in allowed:
        return None
    wanted = " or ".join(str(code) for code in allowed)
    return Fault(
        cause="wrong-exit-code",
        message=f"it ended with {code_of(transcript)}, expected exit code {wanted}",
        repair="handle the stop signal and end cleanly, or correct `smoke.stop.exit`",
        may_lack_a_grant=settings.kind == "job",
    )


def undeclared_writes(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    """Files outside of the declared places."""
    if not transcript.written:
        return None
    more = f" and {len(transcript.written) - 1} more" if len(transcript.written) > 1 else ""
    return Fault(
        cause="undeclared-writes",
        message=f"it wrote {transcript.written[0]}{more}, outside of the places in `smoke.writable`",
        repair="list the folders that it rightly writes to under `smoke.writable`",
    )


def not_again(transcript: Transcript, _settings: SmokeSettings) -> Fault | None:
    """A stopped container that does not come up once more."""
    if transcript.restart_problem is None:
        return None
    return Fault(
        cause="restart-failed",
        message=transcript.restart_problem,
        repair="look for what the first run leaves behind: a lock, a pid file, a socket",
    )


def _is_shell(command: str) -> bool:
    words = command.split()
    return bool(words) and posixpath.basename(words[0]).lstrip("-") in _SHELLS
