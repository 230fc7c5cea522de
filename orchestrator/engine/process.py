"""The only place that starts programs. An argument list, never a shell; a process group that dies with us.

A started program must not outlive the tool, however the tool ends. Each one leads a process group of its own, which is
killed when it ends, on a time-out, on a cancel, and by `guard.py` when the tool itself is killed.
"""

from __future__ import annotations

import atexit
import errno
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from orchestrator.engine.absent import unstartable
from orchestrator.engine.children import has_ended, kill_group
from orchestrator.engine.guard import SCRIPT, Guard
from orchestrator.engine.lines import LineSplitter, Stream
from orchestrator.errors import InterruptedRunError, StepTimeoutError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Completed", "LineSplitter", "Process", "Stream", "run"]

_POLL_SECONDS = 0.05
_READER_SECONDS = 2.0
_BEHIND = 10
"""The nice value of what gives way."""

_STARTING = threading.Lock()
_GUARDS: list[Guard] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A program that has ended. `exit_code` is negative for a signal, as `subprocess` has it."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float


class Process:
    """A started program with its two streams; use it as a context manager so that it is ended in any case.

    Args:
        argv: program and arguments.
        cwd: its working directory.
        environment: all of its variables; None inherits ours.
        stdin: what it reads; None gives it no input.
        on_chunk: called from reader threads with what arrives on each stream, as it arrives.
        keep: whether what arrives is kept and returned by `collected`.

    Raises:
        ToolMissingError: there is no such program, or it cannot be executed.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        on_chunk: Callable[[Stream, bytes], None] | None = None,
        keep: bool = True,
    ) -> None:
        self.argv = tuple(argv)
        self.began = time.monotonic()
        self._collected: dict[Stream, list[bytes]] = {Stream.STDOUT: [], Stream.STDERR: []}
        self._on_chunk, self._keep = on_chunk, keep
        self._ending = threading.Lock()
        # There before the program, so that it is told of it within microseconds.
        guard = _guard()
        self._child = _spawn(self.argv, cwd, environment, with_input=stdin is not None)
        guard.watch(self._child.pid)
        self._readers = [
            self._reader(Stream.STDOUT, self._child.stdout),
            self._reader(Stream.STDERR, self._child.stderr),
        ]
        if stdin is not None:
            self._reader_of_input(stdin)

    def __enter__(self) -> Self:
        """Return the running program."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what is left of its process group and close its streams."""
        self.kill()
        self.wait(None)
        for stream in (self._child.stdout, self._child.stderr):
            if stream is not None:
                stream.close()

    @property
    def pid(self) -> int:
        """Return the process id, which is also the id of its process group."""
        return self._child.pid

    def exit_code(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.wait(0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        with self._ending:
            # An ended program takes signals without effect until it is reaped.
            if self._child.returncode is None:
                os.kill(self._child.pid, number)

    def give_way(self) -> None:
        """Let all other work on this machine go before the program and what it has started.

        Linux weighs whole sessions against each other where autogroups are on (sched(7)), else single processes.
        """
        with self._ending:
            if self._child.returncode is None:
                with suppress(OSError):
                    Path(f"/proc/{self._child.pid}/autogroup").write_text(f"{_BEHIND}\n", encoding="ascii")
                with suppress(OSError):
                    os.setpriority(os.PRIO_PGRP, self._child.pid, _BEHIND)

    def kill(self) -> None:
        """Kill the whole process group."""
        # Once the program is reaped, its number may be another group's. What was left of its own is dead by then.
        if self._child.returncode is None:
            kill_group(self._child.pid)

    def wait(self, timeout: float | None) -> int | None:
        """Wait for the end; return the exit code, or None if it still runs after `timeout` seconds.

        What the program leaves behind in its process group is killed with its end.
        """
        if self._child.returncode is None and not has_ended(self._child.pid, timeout):
            return None
        with self._ending:
            if self._child.returncode is None:
                kill_group(self._child.pid)
                self._child.wait()
                _guard().release(self._child.pid)
        for reader in self._readers:
            # A grandchild in a session of its own may hold the pipe open; what it prints later belongs to nobody.
            reader.join(_READER_SECONDS)
        return self._child.returncode

    def collected(self, stream: Stream) -> bytes:
        """Return what arrived on a stream."""
        return b"".join(self._collected[stream])

    def _reader(self, name: Stream, pipe: IO[bytes] | None) -> threading.Thread:
        def read() -> None:
            while pipe is not None:
                try:
                    chunk = os.read(pipe.fileno(), 1 << 16)
                except (OSError, ValueError):
                    return
                if not chunk:
                    return
                if self._keep:
                    self._collected[name].append(chunk)
                if self._on_chunk is not None:
                    self._on_chunk(name, chunk)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _reader_of_input(self, content: bytes) -> None:
        def write() -> None:
            pipe = self._child.stdin
            if pipe is None:
                return
            try:
                with pipe:
                    pipe.write(content)
            except OSError:
                # It ended without reading; its exit code says whether that was right.
                return

        threading.Thread(target=write, daemon=True).start()


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    on_line: Callable[[Stream, str], None] | None = None,
    on_start: Callable[[Process], None] | None = None,
    cancel: threading.Event | None = None,
) -> Completed:
    """Run a program to its end.

    Args:
        argv: program and arguments.
        cwd: its working directory.
        environment: all of its variables; None inherits ours.
        stdin: what it reads; None gives it no input.
        timeout: seconds after which it is killed.
        on_line: called with each line as it is printed, from two threads (one a stream).
        on_start: given the running program.
        cancel: set to kill it.

    Raises:
        ToolMissingError: there is no such program.
        StepTimeoutError: it took longer than `timeout`.
        InterruptedRunError: `cancel` was set.
    """
    lines = LineSplitter(on_line) if on_line else None
    with Process(argv, cwd=cwd, environment=environment, stdin=stdin, on_chunk=lines.feed if lines else None) as child:
        if on_start:
            on_start(child)
        code = _wait(child, timeout, cancel)
        if lines:
            lines.finish()
        return Completed(
            argv=child.argv,
            exit_code=code,
            stdout=child.collected(Stream.STDOUT),
            stderr=child.collected(Stream.STDERR),
            seconds=time.monotonic() - child.began,
        )


def _wait(child: Process, timeout: float | None, cancel: threading.Event | None) -> int:
    while True:
        left = None if timeout is None else timeout - (time.monotonic() - child.began)
        if left is not None and left <= 0:
            raise StepTimeoutError(f"`{' '.join(child.argv[:3])}` did not end within {timeout:g} s and was killed")
        # Only a run that can be cancelled has to wake up now and then.
        naps = [nap for nap in (left, _POLL_SECONDS if cancel else None) if nap is not None]
        code = child.wait(min(naps, default=None))
        if code is not None:
            return code
        if cancel is not None and cancel.is_set():
            raise InterruptedRunError(f"`{' '.join(child.argv[:3])}` was ended because the run was")


def _spawn(
    argv: tuple[str, ...], cwd: Path | None, environment: Mapping[str, str] | None, *, with_input: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise unstartable(argv[0], environment, error) from error
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        raise unstartable(argv[0], environment, error) from error


def _guard() -> Guard:
    with _STARTING:
        if not _GUARDS:
            _GUARDS.append(_start_guard())
        return _GUARDS[0]


def _start_guard() -> Guard:
    shell = subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if shell.stdin is None:
        raise AssertionError
    guard = Guard(shell.stdin, ended=shell.wait)
    atexit.register(guard.close)
    return guard
