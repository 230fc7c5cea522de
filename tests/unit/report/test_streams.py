"""Streams as a shell may hand them over, and an interrupt before there is anything to end: the real program is run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[3]
RECORDS = Path(__file__).parent / "records"
FULL = "/dev/full"

pytestmark = pytest.mark.skipif(not Path(FULL).exists(), reason="a device of Linux")


def invoke(shell: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a task with redirections as a shell writes them."""
    command = f'exec "$0" -P "$@" {shell}'
    called = [sys.executable, str(ROOT / "start.py"), "--search-root", str(ROOT), *words]
    return subprocess.run(["sh", "-c", command, *called], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("shell", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full", "<&- >&- 2>&-"])
@pytest.mark.parametrize("task", [("spec",), ("lint",)])
def test_a_closed_stream_loses_what_is_written_to_it_and_no_more(shell: str, task: tuple[str, ...]) -> None:
    """As a supervisor starts programs: the exit code says what there is to say."""
    done = invoke(shell, *task)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (">&-" not in shell.replace("2>&-", ""))


@pytest.mark.parametrize("task", [("spec",), ("lint",), ("explain",), ("doctor",), ("spec", "--schema")])
def test_a_full_disk_behind_the_output_is_told(task: tuple[str, ...]) -> None:
    """In place of a traceback: what is asked for cannot be had."""
    done = invoke(f">{FULL}", *task)
    assert done.returncode == 13
    assert "standard output cannot be written to: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_both_streams_full_leave_the_exit_code() -> None:
    """Nobody can be told, and the code says it."""
    assert invoke(f">{FULL} 2>{FULL}", "spec").returncode == 13


@pytest.mark.parametrize("module", ["invoke.main", "orchestrator.spec.load"], ids=["the start's", "a task's own"])
def test_an_interrupt_while_code_is_loaded(module: str) -> None:
    """130, and one line; 1 would say that an image was refused."""
    code = "import os, signal, sys; sys.argv[:] = ['start.py', 'spec']; import builtins; real = builtins.__import__\n"
    code += "def load(name, *rest, **more):\n"
    code += f"    if name == {module!r}:\n        os.kill(os.getpid(), signal.SIGINT)\n"
    code += "    return real(name, *rest, **more)\n"
    code += "builtins.__import__ = load\nimport runpy\nrunpy.run_path('start.py', run_name='__main__')\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted before anything had begun\n"


def test_an_interrupt_of_a_task(tmp_path: Path) -> None:
    """A task that waits is ended by it with the same code, and says so."""
    pipe = tmp_path / "Dockerfile"
    os.mkfifo(pipe)
    words = [sys.executable, "-P", str(ROOT / "start.py"), "--search-root", str(ROOT), "lint", str(pipe)]
    with (
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as running,
        pipe.open("wb"),  # that is once the task has opened it, which now waits for what is in it
    ):
        running.send_signal(signal.SIGINT)
        out, told = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert "the run was ended" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (["spec", "--schema"], 130),
        (["show", str(RECORDS / "passed.json"), "--json"], 0),
        (["show", str(RECORDS / "refused.json"), "--json"], 1),
    ],
    ids=["a schema", "a passed run", "a refused run"],
)
def test_an_interrupt_while_the_result_is_printed(task: list[str], expected: int) -> None:
    """130 as well, where invoke would end with 1; a run's verdict stands, and its code, which tells of the tag."""
    words = [sys.executable, "-P", str(ROOT / "start.py"), "--search-root", str(ROOT), *task]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        holds = fcntl.fcntl(running.stdout, fcntl.F_SETPIPE_SZ, 4096)
        while waiting(running.stdout) < holds:
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        # What is in the pipe is read once it has ended: whoever reads earlier lets it go on.
        code = running.wait(timeout=60)
        told = running.communicate()[1]
    assert code == expected
    assert "interrupted while the result was being printed" in told
    assert "Traceback" not in told


def waiting(pipe: IO[str]) -> int:
    """Return how many bytes nobody has read yet."""
    counted = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(counted, sys.byteorder)
