"""The only place that starts programs. An argument list, never a shell; a process group that dies with us.

A started program must not outlive the tool, however the tool ends: the kernel sends SIGKILL to the child when its
parent dies (prctl(2), PR_SET_PDEATHSIG), and on a time-out or a cancel the whole process group is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Self

from orchestrator.errors import InterruptedRunError, StepTimeoutError, ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05
_LIBC = ctypes.CDLL(None, use_errno=True)

_PACKAGES = {
    "bwrap": "bubblewrap",
    "cc": "gcc libc6-dev",
    "git": "git",
    "mmdebstrap": "mmdebstrap",
}


class Stream(StrEnum):
    """Where a line came from."""

    STDOUT = "stdout"
    STDERR = "stderr"


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
        on_chunk: called from reader threads with what arrives on each stream, as it arrives.
        keep: whether what arrives is kept and returned by `collected`.

    Raises:
        ToolMissingError: there is no such program.
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
        self._child = _spawn(self.argv, cwd, environment, with_input=stdin is not None)
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
        return self._child.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        if self._child.poll() is None:
            self._child.send_signal(number)

    def kill(self) -> None:
        """Kill the whole process group."""
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait(self, timeout: float | None) -> int | None:
        """Wait for the end; return the exit code, or None if it still runs after `timeout` seconds."""
        try:
            code = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        for reader in self._readers:
            # A grandchild may hold the pipe open; what it prints later belongs to nobody.
            reader.join(2.0)
        return code

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
                pipe.write(content)
                pipe.close()
            except OSError:
                return

        threading.Thread(target=write, daemon=True).start()


class LineSplitter:
    """Turns chunks into lines, one splitter a stream; bytes that are no UTF-8 become replacement characters."""

    def __init__(self, on_line: Callable[[Stream, str], None]) -> None:
        self._on_line = on_line
        self._rest: dict[Stream, bytes] = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def feed(self, stream: Stream, chunk: bytes) -> None:
        """Take a chunk and pass on each line that it completes."""
        *lines, self._rest[stream] = (self._rest[stream] + chunk).split(b"\n")
        for line in lines:
            self._on_line(stream, line.decode(errors="replace").rstrip("\r"))

    def finish(self) -> None:
        """Pass on last lines that have no line end."""
        for stream, rest in self._rest.items():
            if rest:
                self._on_line(stream, rest.decode(errors="replace"))
            self._rest[stream] = b""


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    on_line: Callable[[Stream, str], None] | None = None,
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
        cancel: set to kill it.

    Raises:
        ToolMissingError: there is no such program.
        StepTimeoutError: it took longer than `timeout`.
        InterruptedRunError: `cancel` was set.
    """
    lines = LineSplitter(on_line) if on_line else None
    with Process(argv, cwd=cwd, environment=environment, stdin=stdin, on_chunk=lines.feed if lines else None) as child:
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
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - a single prctl, which is safe between fork and exec
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise missing(argv[0]) from error


def missing(program: str) -> ToolMissingError:
    """Return the error for a program that is not there, with the command that brings it."""
    name = program.rsplit("/", 1)[-1]
    package = _PACKAGES.get(name, name)
    return ToolMissingError(
        f"{name} is needed and not installed on this machine",
        repair=f"sudo apt-get install -y --no-install-recommends {package}",
    )


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
