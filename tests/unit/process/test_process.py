from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.engine.absent import missing
from orchestrator.engine.process import Process, Stream, run
from orchestrator.errors import InterruptedRunError, StepTimeoutError, ToolMissingError

_TOOL = """
import threading
from orchestrator.engine.process import run

def told(child):
    with open("told", "w") as out:
        print(child.pid, file=out)

words = ["sh", "-c", "echo $$ > pids; sleep 600 & echo $! >> pids; wait"]
worker = threading.Thread(target=run, args=(words,), kwargs={"on_start": told})
worker.start()
worker.join()
"""


def gone(pid: int, within: float = 30.0) -> bool:
    """Whether a process ends (a zombie counts as ended) within some seconds."""
    limit = time.monotonic() + within
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def pids_in(path: Path, count: int) -> list[int]:
    """The process ids that a test program wrote, once all are there."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        if path.exists() and len(found := path.read_text().split()) == count:
            return [int(pid) for pid in found]
        time.sleep(0.01)
    raise AssertionError(f"{path} did not get {count} process ids")


def test_output_and_exit_code_come_back() -> None:
    """Both streams are kept apart, and the exit code is the program's."""
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.stdout, done.stderr, done.exit_code) == (b"out\n", b"err\n", 3)
    assert done.argv[0] == "sh"
    assert done.seconds > 0


def test_death_by_signal_is_a_negative_exit_code() -> None:
    """A program that a signal ends has that signal's number, negative."""
    assert run(["sh", "-c", "kill -s TERM $$"]).exit_code == -signal.SIGTERM


def test_only_the_given_environment_is_there() -> None:
    """A declared environment replaces ours; nothing leaks in."""
    assert run(["/usr/bin/env"], environment={"ONE": "1"}).stdout == b"ONE=1\n"


def test_arguments_never_meet_a_shell(tmp_path: Path) -> None:
    """What a shell would expand arrives as it is."""
    assert run(["printf", "%s", "$HOME; touch x"], cwd=tmp_path).stdout == b"$HOME; touch x"
    assert list(tmp_path.iterdir()) == []


def test_input_is_read_to_its_end() -> None:
    """Input larger than a pipe is delivered while output is read."""
    content = b"x" * 1_000_000
    assert run(["cat"], stdin=content).stdout == content


def test_input_that_nobody_reads_is_no_error() -> None:
    """A program may end without reading."""
    assert run(["true"], stdin=b"x" * 1_000_000).exit_code == 0


def test_without_input_there_is_none() -> None:
    """A program that asks a question gets the end of input, not the user's terminal."""
    assert run(["cat"]).stdout == b""


def test_lines_arrive_one_by_one() -> None:
    """Lines are passed on by stream; bytes that are no UTF-8, CRLF, and a last line without end are all right."""
    seen: list[tuple[Stream, str]] = []
    run(["printf", r"a\r\nb\377\n\nlast"], on_line=lambda stream, line: seen.append((stream, line)))
    assert seen == [(Stream.STDOUT, text) for text in ("a", "b�", "", "last")]


def test_a_character_split_between_writes_stays_whole() -> None:
    """A line is decoded once it is complete."""
    seen: list[str] = []
    run(
        ["sh", "-c", r"printf '\360\237'; sleep 0.05; printf '\232\200\n'"],
        on_line=lambda _stream, line: seen.append(line),
    )
    assert seen == ["🚀"]


def test_a_missing_program_is_named_with_its_package() -> None:
    """The error says what to install."""
    with pytest.raises(ToolMissingError, match="surely-not-there is needed") as caught:
        run(["surely-not-there"])
    assert caught.value.repair == "sudo apt-get install -y --no-install-recommends surely-not-there"
    assert missing("/usr/bin/cc").repair == "sudo apt-get install -y --no-install-recommends gcc libc6-dev"


def test_a_program_is_looked_for_in_the_declared_path() -> None:
    """The declared PATH decides, not ours."""
    with pytest.raises(ToolMissingError):
        run(["ls"], environment={"PATH": "/nowhere"})


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (b"#!/bin/sh\n", 0o644, "Permission denied"),
        (b"#!/no/such/interpreter\n", 0o755, "its interpreter is missing"),
        (b"\0\0\0\0", 0o755, "Exec format error"),
    ],
)
def test_a_program_that_cannot_start_says_why(tmp_path: Path, content: bytes, mode: int, why: str) -> None:
    """No exec bit, no interpreter, another format: the file is there, so "not installed" would be wrong."""
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(mode)
    with pytest.raises(ToolMissingError, match=why):
        run([str(program)])


def test_a_missing_working_directory_is_not_blamed_on_the_program(tmp_path: Path) -> None:
    """That is a bug of the caller's and looks like one."""
    with pytest.raises(FileNotFoundError):
        run(["true"], cwd=tmp_path / "nowhere")


def test_a_time_out_kills_the_whole_group(tmp_path: Path) -> None:
    """The program and what it started are gone, and the error says how long it was given."""
    with pytest.raises(StepTimeoutError, match=r"did not end within 0\.5 s"):
        run(["sh", "-c", "sleep 600 & echo $! > pids; wait"], cwd=tmp_path, timeout=0.5)
    assert gone(*pids_in(tmp_path / "pids", 1))


def test_a_cancel_kills_the_whole_group(tmp_path: Path) -> None:
    """Setting the event ends the program within a moment."""
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(InterruptedRunError):
        run(["sh", "-c", "sleep 600 & echo $! > pids; wait"], cwd=tmp_path, cancel=cancel)
    assert time.monotonic() - began < 3
    assert gone(*pids_in(tmp_path / "pids", 1))


def test_what_a_program_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A background process of its group neither survives it nor holds up the end by keeping the pipe open."""
    began = time.monotonic()
    done = run(["sh", "-c", "sleep 600 & echo $! > pids"], cwd=tmp_path)
    assert done.exit_code == 0
    assert time.monotonic() - began < 1.5
    assert gone(*pids_in(tmp_path / "pids", 1))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_tool(tmp_path: Path, number: signal.Signals) -> None:
    """When the tool is killed, its programs die with the ones they started, although they were run from a thread."""
    tool = subprocess.Popen([sys.executable, "-c", _TOOL], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()})  # noqa: PTH109 - the repository
    pids = pids_in(tmp_path / "pids", 2)
    # On a busy machine a program may have run for some milliseconds before the guard is told of it.
    assert pids_in(tmp_path / "told", 1) == pids[:1]
    tool.send_signal(number)
    tool.wait()
    assert [gone(pid) for pid in pids] == [True, True]


def test_a_running_program_can_be_asked_signalled_and_read() -> None:
    """`Process` serves programs that are watched while they run."""
    chunks: list[bytes] = []
    arrived = threading.Event()

    def take(_stream: Stream, chunk: bytes) -> None:
        chunks.append(chunk)
        arrived.set()

    with Process(["sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"], on_chunk=take) as child:
        assert arrived.wait(5)
        assert child.exit_code() is None
        assert child.wait(0.05) is None
        child.send(signal.SIGTERM)
        assert child.wait(5) == 7
        assert child.exit_code() == 7
        child.send(signal.SIGTERM)
    assert b"".join(chunks) == child.collected(Stream.STDOUT) == b"ready\n"


def test_leaving_the_block_ends_the_program() -> None:
    """However the block is left, nothing is left running."""
    with Process(["sleep", "600"]) as child:
        pid = child.pid
    assert gone(pid)
    assert child.exit_code() == -signal.SIGKILL


def test_what_is_not_kept_is_still_passed_on() -> None:
    """Callers that watch a flood need not hold it in memory."""
    sizes: list[int] = []
    with Process(
        ["head", "-c", "300000", "/dev/zero"], on_chunk=lambda _, chunk: sizes.append(len(chunk)), keep=False
    ) as child:
        child.wait(10)
    assert sum(sizes) == 300_000
    assert child.collected(Stream.STDOUT) == b""


def test_one_thread_waits_while_another_asks() -> None:
    """Asking for the exit code does not wait for a thread that waits for the end."""
    with Process(["sleep", "600"]) as child:
        waiting = threading.Thread(target=child.wait, args=(None,))
        waiting.start()
        began = time.monotonic()
        assert child.exit_code() is None
        assert time.monotonic() - began < 1
        child.kill()
        waiting.join(5)
        assert child.exit_code() == -signal.SIGKILL


def test_what_gives_way_does_so_with_all_that_it_started(tmp_path: Path) -> None:
    """And what it starts afterwards does, too; an ended program is left alone."""
    script = "sleep 600 & echo $$ > pids; echo $! >> pids; read -r _; sleep 600 & echo $! > later; wait"
    os.mkfifo(tmp_path / "line")
    with Process(["sh", "-c", f"exec <line; {script}"], cwd=tmp_path) as child:
        with (tmp_path / "line").open("w") as line:
            now = pids_in(tmp_path / "pids", 2)
            child.give_way()
            line.write("on\n")
        later = pids_in(tmp_path / "later", 1)
        assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in (*now, *later)] == [10, 10, 10]
        child.kill()
        child.wait(None)
        child.give_way()
