"""The real command on real streams: every locale, width and kind of stream gets something right."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[3]
_RECORDS = ROOT / "tests" / "unit" / "report" / "records"
_REFUSED, _PASSED = "20261124T134635-734db0", "20261124T133523-253dac"
_INVOKE = [sys.executable, "-P", str(ROOT / "start.py"), "--write-pyc", "--search-root", str(ROOT)]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a workspace that holds a passed and, as the latest, a refused run."""
    runs = tmp_path / "workspace" / "runs"
    for run, name in ((_PASSED, "passed.json"), (_REFUSED, "refused.json")):
        (runs / run).mkdir(parents=True)
        shutil.copy(_RECORDS / name, runs / run / "record.json")
    (runs / "latest").symlink_to(_REFUSED)
    return tmp_path / "workspace"


def _environment(workspace: Path, **changed: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm", "TWINBUILD_WORKSPACE": str(workspace), **changed}


def _run(workspace: Path, *arguments: str, **changed: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [*_INVOKE, *arguments], cwd=ROOT, env=_environment(workspace, **changed), capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    return done


def _on_terminal(
    command: list[str], environment: dict[str, str], *, width: int, until: bytes = b"", send: bytes = b""
) -> tuple[int, str]:
    """Run a command on a terminal; return its exit code and what was written there.

    Args:
        command: its command line.
        environment: its variables.
        width: columns of the terminal, which has 24 rows.
        until: what `send` waits for.
        send: what is typed then, once.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))

    def own_the_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # Whoever started the tests may ignore SIGINT (a job in the background does), and children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=follower, stdout=follower, stderr=follower,
        preexec_fn=own_the_terminal,  # noqa: PLW1509 - this test has one thread
    )  # fmt: skip
    os.close(follower)
    written = b""
    try:
        while select.select([leader], [], [], 120)[0]:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # how Linux says that nobody has the other end any more
                break
            if not piece:
                break
            written += piece
            if send and until in written:
                os.write(leader, send)
                send = b""
        return process.wait(60), written.decode("utf-8").replace("\r\n", "\n")
    finally:
        os.close(leader)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "latin-1"])
@pytest.mark.parametrize("run", ["latest", _PASSED])
def test_every_locale_gets_a_whole_report(workspace: Path, encoding: str, run: str) -> None:
    """No encoding is an error, and passed and refused stay apart in each."""
    done = _run(workspace, "show", run, PYTHONIOENCODING=encoding)
    text = done.stdout.decode(encoding)
    assert done.returncode == (1 if run == "latest" else 0)
    assert ("REFUSED" in text) is (run == "latest")
    assert text.rstrip().splitlines()[-1].split()[0] == ("more" if run == "latest" else "PASSED")
    assert "\x1b" not in text


def test_a_c_locale_gets_a_whole_report(workspace: Path) -> None:
    """As a cron job or a bare container has it."""
    done = _run(workspace, "show", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "REFUSED" in done.stdout.decode("ascii")


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_gets_colour_and_no_line_too_wide(workspace: Path, width: int) -> None:
    """Only a path or a command that is to be copied may stand out."""
    code, text = _on_terminal([*_INVOKE, "show", _PASSED], _environment(workspace), width=width)
    assert code == 0
    assert "\x1b[32mPASSED\x1b[0m" in text
    plain = text.replace("\x1b[0m", "")
    for letter in ("\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[1m"):
        plain = plain.replace(letter, "")
    assert "\x1b" not in plain
    assert all(len(line) <= width or " " not in line[12:] for line in plain.splitlines())


@pytest.mark.parametrize("run", [_PASSED, _REFUSED])
def test_the_verdict_fits_one_screen(workspace: Path, run: str) -> None:
    """On 80 columns and 24 rows, with the prompt."""
    _, text = _on_terminal([*_INVOKE, "show", run], _environment(workspace, NO_COLOR="1"), width=80)
    lines = text.rstrip("\n").splitlines()
    assert "\x1b" not in text
    assert len(lines) < 24
    if run == _REFUSED:
        words = {line.split()[0] for line in lines if line}
        assert {"REFUSED", "cause", "line", "repair"} <= words
        assert "local program" in text


def test_programs_get_the_record_and_nothing_else(workspace: Path) -> None:
    """`--json` is the record, byte for byte UTF-8, whatever the locale."""
    done = _run(workspace, "show", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["verdict"]["status"] == "refused"
    assert done.stderr == b""
    assert [run["exit_code"] for run in json.loads(_run(workspace, "runs", "--json").stdout)] == [1, 0]


def test_every_format_is_written_at_once(workspace: Path, tmp_path: Path) -> None:
    """Written reports are a success, also of a refused run: the build has said no already."""
    names = {"html": "out/report.html", "junit": "out/junit.xml", "markdown": "out/summary.md"}
    flags = [word for form, name in names.items() for word in (f"--{form}", str(tmp_path / name))]
    done = _run(workspace, "report", "latest", *flags, PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / names["html"]).read_text("utf-8").startswith("<!DOCTYPE html>")
    assert ET.parse(tmp_path / names["junit"]).getroot().get("failures") == "4"  # noqa: S314 - our own output
    assert (tmp_path / names["markdown"]).read_text("utf-8").startswith("### ❌ backend: refused")
    printed = _run(workspace, "report", "--format", "html", PYTHONIOENCODING="ascii").stdout
    assert printed == (tmp_path / names["html"]).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("report", "--format", "hmtl"), "did you mean html?", 3),
        (("report", "--html", "/proc/none/report.html"), "cannot write /proc/none/report.html", 3),
        (("show", "20261124"), "fits 2 runs", 3),
        (("show", "nope"), "the newest are 20261124T134635-734db0", 15),
        (("show", "./nope.json"), "there is no run record at nope.json", 15),
    ],
)
def test_mistakes_are_told(workspace: Path, arguments: tuple[str, ...], words: str, code: int) -> None:
    """What was found, what was expected, and its own exit code."""
    done = _run(workspace, *arguments)
    assert done.returncode == code
    assert words in " ".join(done.stderr.decode().split())


def test_a_reader_that_stops_is_no_error(workspace: Path) -> None:
    """`invoke show | head -1`."""
    reading = subprocess.Popen(
        [*_INVOKE, "show"], cwd=ROOT, env=_environment(workspace), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reading.stdout is not None
    assert reading.stderr is not None
    reading.stdout.close()
    said = reading.stderr.read()
    reading.stderr.close()
    assert reading.wait() == 1
    assert said == b""


def test_a_wrong_log_form_is_told(workspace: Path) -> None:
    """Before anything is built."""
    done = _run(workspace, "build", TWINBUILD_LOG="yes")
    assert done.returncode == 3
    assert b"expected one of text, json" in done.stderr


def test_ctrl_c_leaves_a_clean_terminal(workspace: Path) -> None:
    """The real display and a real SIGINT from the terminal: the status lines are gone, and the cursor is shown."""
    script = (
        "import os, sys, time\n"
        "from orchestrator.events import Lane, OutputEvent, StepEvent, StepState\n"
        "from orchestrator.report.progress import progress_for\n"
        "from orchestrator.report.style import style_of\n"
        "shown = progress_for(sys.stderr, style_of(sys.stderr, os.environ), quiet=False)\n"
        "try:\n"
        "    for lane in (Lane.LOCAL, Lane.IMAGE):\n"
        "        shown.show(StepEvent(lane=lane, step='s', name='RUN cargo ' * 30, state=StepState.STARTED))\n"
        "        shown.show(OutputEvent(lane=lane, step='s', text='Compiling \U0001f680 ' * 30))\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
        "finally:\n"
        "    shown.close()\n"
        "print('the prompt')\n"
    )
    environment = _environment(workspace, PYTHONPATH=str(ROOT))
    code, text = _on_terminal([sys.executable, "-c", script], environment, width=60, until=b"image", send=b"\x03")
    assert code == 0
    assert text.count("RUN cargo") >= 2
    ending = text[text.rindex("\x1b[J") + len("\x1b[J") :]
    assert ending == "the prompt\n"
    moved = text[: text.rindex("\x1b[J")]
    assert moved.endswith("\r\x1b[4A")
    assert "\x1b[?25l" not in text


def test_ctrl_c_while_waiting_for_another_run(workspace: Path) -> None:
    """The whole command on a terminal: it says for whom it waits, ends with 130, and names no tag as moved."""
    (workspace / "lock").touch()
    with (workspace / "lock").open("a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, text = _on_terminal(
            [*_INVOKE, "build"], _environment(workspace, NO_COLOR="1"), width=80, until=b"waiting for", send=b"\x03"
        )
    assert code == 130
    assert "waiting for another run" in text
    assert "NO VERDICT  interrupted (exit code 130)" in text
    assert "Traceback" not in text
