"""The host's program, run by the same plan as the image: what the image is expected to do.

It runs in namespaces of its own where these are to be had (bubblewrap): a read-only view of this machine, private
writable folders, loopback only. So it finds its port free and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import Process, run
from orchestrator.smoke.output import Output
from orchestrator.smoke.watch import watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript

_PROGRAMS = "/run/twinbuild"
_SIGNALLED = 128


def run_local(
    program: Path,
    arguments: Sequence[str],
    settings: SmokeSettings,
    *,
    variables: Mapping[str, str],
    environment: Mapping[str, str],
    scratch: Path,
    cancel: threading.Event,
) -> Transcript:
    """Run the program and return what was seen.

    Args:
        program: the program on this machine.
        arguments: what the image gives it.
        settings: the same as for the image.
        variables: the image's ENV; the spec's are added.
        environment: the caller's variables (PATH, to find bubblewrap).
        scratch: folder for the private writable folders; emptied again.
        cancel: set to end the run.

    Raises:
        InterruptedRunError: `cancel` was set.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="smoke-", ignore_cleanup_errors=True) as folder:
        places = _places(settings, Path(folder))
        command = _namespaced(program, places, environment) or [str(program)]
        if len(command) == 1:
            places = {}
        output = Output(kept=settings.limits.log, wanted=settings.ready.log, clock=time.monotonic)
        given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"}  # noqa: S108 - the private one
        with contextlib.closing(
            _Subject([*command, *arguments], {**given, **variables, **settings.environment}, output, places)
        ) as subject:
            return watch(subject, settings, output, side="local", cancel=cancel)


def arguments_of(command: Sequence[str], binary: str) -> list[str]:
    """Return what an image's command line gives the program, whatever stands before it."""
    words = list(command)
    return words[words.index(binary) + 1 :] if binary in words else []


def _places(settings: SmokeSettings, folder: Path) -> dict[str, Path]:
    """Return a private folder for each writable folder that this machine has too."""
    places = {}
    for number, path in enumerate(settings.writable):
        if Path(path).is_dir():
            places[path] = folder / str(number)
            places[path].mkdir()
    return places


def _namespaced(program: Path, places: Mapping[str, Path], environment: Mapping[str, str]) -> list[str] | None:
    """Return the command line of the sandbox, or None where no namespace is to be had."""
    bwrap = shutil.which("bwrap", path=environment.get("PATH"))
    if bwrap is None:
        return None
    inside = f"{_PROGRAMS}/{program.name}"
    sandbox = [bwrap, "--die-with-parent", "--unshare-net", "--unshare-ipc", "--ro-bind", "/", "/"]
    sandbox += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--ro-bind", str(program), inside]
    for path, place in places.items():
        sandbox += ["--bind", str(place), path]
    sandbox += ["--chdir", "/", "--"]
    tried = run([*sandbox, "/bin/true"], environment={"PATH": environment.get("PATH", "")})
    return None if tried.exit_code else [*sandbox, inside]


class _Subject:
    """A program of this machine under watch."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], output: Output, places: Mapping[str, Path]
    ) -> None:
        self._argv, self._environment, self._output, self._places = argv, environment, output, places
        self._process: Process | None = None

    def start(self) -> str | None:
        try:
            self._process = Process(self._argv, environment=self._environment, on_chunk=self._output.feed, keep=False)
        except OSError as error:
            return str(error)
        return None

    def close(self) -> None:
        if self._process is not None:
            self._process.__exit__(None, None, None)

    def wait(self, timeout: float) -> bool:
        return self._running().wait(timeout) is not None

    def send(self, signal_name: str) -> None:
        number = signal.Signals[signal_name]
        if number is signal.SIGKILL:
            self._running().kill()
            return
        # The sandbox waits for its child and passes no signal on; the child is the program.
        children = list(_children(self._running().pid)) if len(self._argv) > 1 and self._places else []
        if not children:
            self._running().send(number)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def end(self) -> tuple[int, bool]:
        code = self._running().wait(None) or 0
        return (_SIGNALLED - code if code < 0 else code), False

    def exists(self, path: str) -> bool | None:
        place = self._place(path)
        return None if place is None else place.exists()

    def names(self, folder: str) -> tuple[str, ...]:
        place = self._place(folder)
        return tuple(entry.name for entry in place.iterdir()) if place is not None and place.is_dir() else ()

    def _place(self, path: str) -> Path | None:
        for folder, place in self._places.items():
            if path == folder or path.startswith(folder + "/"):
                return place / path[len(folder) :].lstrip("/")
        return None

    def _running(self) -> Process:
        if self._process is None:
            msg = "the program was not started"
            raise RuntimeError(msg)
        return self._process


def _children(pid: int) -> Iterator[int]:
    try:
        said = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return
    yield from (int(word) for word in said.split())
