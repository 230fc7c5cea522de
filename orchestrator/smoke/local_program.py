"""A program of this machine under watch, in a sandbox or without one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import Process, run
from orchestrator.errors import NoVerdictError, StepTimeoutError
from orchestrator.smoke import relay
from orchestrator.smoke.signals import signal_number
from orchestrator.smoke.watch import MOST_LEFT, new_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.engine.insight import HealthFacts, ProcessFacts, UsageFacts
    from orchestrator.smoke.output import Output
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Expectation

_SIGNALLED = 128
LOOPBACK = "127.0.0.1"
_RELAY_START = 2.0
"""Seconds that the start of the relay may take on top of the exchange itself."""


class LocalProgram:
    """A started program, as the watch sees it (`Subject`)."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        settings: SmokeSettings,
        places: Mapping[str, Path],
        *,
        secrets: Mapping[str, str],
        depth: int,
    ) -> None:
        self.secrets = secrets
        self._argv, self._environment, self._places, self._depth = argv, environment, places, depth
        self._process: Process | None = None
        self.output: Output = new_output(settings, secrets)

    def start(self, output: Output) -> str | None:
        """Start it, also once more; return why it could not be started."""
        self.close()
        self.output = output
        output.begin()
        try:
            self._process = Process(self._argv, environment=self._environment, on_chunk=output.feed, keep=False)
        except (OSError, NoVerdictError) as error:
            return str(error)
        return None

    def close(self) -> None:
        """End it, and what it has left running."""
        if self._process is not None:
            self._process.__exit__(None, None, None)

    def wait(self, timeout: float) -> bool:
        """Wait for its end; return whether it has ended."""
        return self._running().wait(timeout) is not None

    def send(self, signal_name: str) -> None:
        """Send it a signal: to the program itself, below the sandbox."""
        if signal_name == "SIGKILL":
            self._running().kill()
            return
        number, program = signal_number(signal_name), self._program()
        if not self._depth:
            self._running().send(signal.Signals(number))
        elif program is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, number)

    def end(self) -> tuple[int, bool]:
        """Return (exit code as the engine has it, False: nothing here limits its memory)."""
        code = self._running().wait(None) or 0
        return (_SIGNALLED - code if code < 0 else code), False

    def exists(self, path: str) -> bool | None:
        """Return whether a file is there; None outside of its own folders."""
        place = self._place(path)
        return None if place is None else place.exists()

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in one of its own folders."""
        place = self._place(folder)
        return tuple(entry.name for entry in place.iterdir()) if place is not None and place.is_dir() else ()

    def exchange(self, port: int, request: bytes, *, timeout: float) -> bytes:
        """Connect to its loopback, which with a sandbox is another one than ours."""
        if not self._depth:
            return relay.exchange(LOOPBACK, port, request, timeout=timeout)
        program = self._program()
        if program is None:
            raise ConnectionRefusedError
        words = [sys.executable, "-I", "-S", relay.__file__, LOOPBACK, str(port), f"{timeout:g}", str(program)]
        try:
            done = run(words, stdin=request, timeout=timeout + _RELAY_START)
        except StepTimeoutError as error:
            raise TimeoutError from error
        if done.exit_code == relay.REFUSED:
            raise ConnectionRefusedError
        if done.exit_code == relay.SILENT:
            raise TimeoutError
        if done.exit_code:
            raise OSError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def health(self) -> HealthFacts | None:
        """Return None: a HEALTHCHECK is the image's."""
        return None

    def execute(self, command: Sequence[str], *, timeout: float) -> tuple[int, str] | None:
        """Return None: a command beside it is the image's."""
        del command, timeout
        return None

    def expectations(self) -> tuple[Expectation, ...]:
        """Return none: other tools' files are about the image."""
        return ()

    def usage(self) -> UsageFacts | None:
        """Return None: it is not measured."""
        return None

    def processes(self) -> tuple[ProcessFacts, ...]:
        """Return none: they are not looked at."""
        return ()

    def left(self) -> tuple[str, ...] | None:
        """Return the files in its own folders, at the paths at which it sees them."""
        found = [f"{at}/{name}" for at, place in self._places.items() for name in _below(place)]
        return tuple(sorted(found)) if len(found) <= MOST_LEFT else None

    def written(self) -> tuple[str, ...] | None:
        """Return None: the sandbox is read-only but for its own folders."""
        return None

    def _program(self) -> int | None:
        """Return the process id of a sandboxed program: below the sandbox's own, which pass no signal on."""
        process: int | None = self._running().pid
        for _ in range(self._depth):
            process = next(_children(process), None) if process is not None else None
        return process if self._depth else None

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


def _below(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        yield from (str((Path(place) / name).relative_to(folder)) for name in names)


def _children(pid: int) -> Iterator[int]:
    try:
        said = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return
    yield from (int(word) for word in said.split())
