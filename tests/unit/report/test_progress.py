"""What is seen while a run goes on: on a terminal it is drawn over and leaves nothing behind, elsewhere plain lines."""

from __future__ import annotations

import io
import re
import threading

import pytest

from orchestrator.events import Lane, NoteEvent, OutputEvent, StepEvent, StepState
from orchestrator.report.progress import Lines, Live, Silent, progress_for
from orchestrator.report.style import Style
from orchestrator.report.width import columns


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """What is on a terminal after what was written to it: line ends, moves up, and clearing below."""

    def __init__(self, written: str) -> None:
        self.rows: list[str] = [""]
        row = column = 0
        for piece in re.findall(r"\x1b\[\d*[A-Za-z]|.|\n", written):
            if piece == "\n":
                row, column = row + 1, 0
                self.rows += [""] * (row + 1 - len(self.rows))
            elif piece == "\r":
                column = 0
            elif piece.startswith("\x1b"):
                if piece.endswith("A"):
                    row -= int(piece[2:-1])
                    assert row >= 0
                else:
                    assert piece == "\x1b[J"
                    self.rows = [*self.rows[:row], self.rows[row][:column]]
            else:
                line = self.rows[row].ljust(column)
                self.rows[row] = line[:column] + piece + line[column + 1 :]
                column += 1

    @property
    def shown(self) -> list[str]:
        return [line for line in self.rows if line]


def _step(state: StepState, name: str = "RUN cargo build", *, lane: Lane = Lane.IMAGE, own: bool = False) -> StepEvent:
    seconds = None if state is StepState.STARTED else 2.5
    return StepEvent(lane=lane, step=name, name=name, state=state, seconds=seconds, own=own)


def _said(text: str, name: str = "RUN cargo build") -> OutputEvent:
    return OutputEvent(lane=Lane.IMAGE, step=name, text=text)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_both_lanes_show_time_and_last_output(clock: Clock) -> None:
    """Two lines a lane: the step with its time, and what it printed last."""
    stream = io.StringIO()
    live = Live(stream, Style(live=True), clock)
    live.show(_step(StepState.STARTED, "cargo build", lane=Lane.LOCAL))
    live.show(_step(StepState.STARTED))
    live.show(_said("   Compiling tokio v1.0"))
    clock.now += 12
    live.show(_said("\x1b[32m   Compiling serde v1.0\x1b[0m"))
    shown = Terminal(stream.getvalue()).shown
    assert [line.split() for line in shown[:3]] == [
        ["image", "12.0", "s", "RUN", "cargo", "build"],
        ["Compiling", "serde", "v1.0"],
        ["local", "12.0", "s", "cargo", "build"],
    ]
    live.close()


def test_it_leaves_a_clean_terminal(clock: Clock) -> None:
    """Only what failed and what a person should know stays; also after a key that was pressed meanwhile."""
    stream = io.StringIO()
    stream.write("$ invoke build\n")
    live = Live(stream, Style(live=True), clock)
    live.show(_step(StepState.STARTED))
    stream.write("^C")
    clock.now += 1
    live.show(NoteEvent(lane=Lane.SOURCE, text="waiting for run 1"))
    live.show(_step(StepState.FAILED))
    live.close()
    shown = [line.split() for line in Terminal(stream.getvalue()).shown]
    assert shown == [
        ["$", "invoke", "build"],
        ["source", "waiting", "for", "run", "1"],
        ["image", "2.5", "s", "RUN", "cargo", "build", "FAILED"],
    ]


def test_time_passes_without_events() -> None:
    """A step that prints nothing is still seen to be at work: a thread draws."""
    drawn = threading.Event()

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if "RUN cargo build" in text and threading.current_thread() is not threading.main_thread():
                drawn.set()
            return super().write(text)

    live = Live(Watched(), Style(live=True))
    live.show(_step(StepState.STARTED))
    assert drawn.wait(30)
    live.close()


@pytest.mark.parametrize("width", [40, 80])
def test_no_live_line_wraps(clock: Clock, width: int) -> None:
    """A RUN of many lines, wide letters and tabs stay within one row of the terminal."""
    stream = io.StringIO()
    live = Live(stream, Style(live=True, width=width), clock)
    name = "RUN apt-get update \\\n    && apt-get install 日本語 🚀 " + "x" * 300
    live.show(_step(StepState.STARTED, name))
    clock.now += 1
    live.show(OutputEvent(lane=Lane.IMAGE, step=name, text="🚀" * 200))
    for line in Terminal(stream.getvalue()).shown:
        assert columns(line) < width
    live.show(_step(StepState.FAILED, name))
    live.close()
    (left,) = Terminal(stream.getvalue()).shown
    assert columns(left) < width
    assert left.endswith("FAILED")


def test_a_plain_line_for_each_finished_step(clock: Clock) -> None:
    """One line each, once, of about 100 columns however long the RUN is; no escape code at all."""
    stream = io.StringIO()
    plain = Lines(stream, Style(), clock)
    long = "RUN set -eux; \\\n\t    " + "do something && " * 40
    for event in (
        _step(StepState.STARTED, long),
        _said("noise", long),
        _step(StepState.DONE, long),
        _step(StepState.CACHED, long),
        _step(StepState.CACHED, "COPY . ."),
        _step(StepState.FAILED, "RUN false"),
    ):
        plain.show(event)
    plain.close()
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["image"] * 3
    assert "RUN set -eux; \\ do something" in lines[0]
    assert columns(lines[0]) <= 100
    assert "cached" in lines[1]
    assert lines[2].endswith("FAILED")
    assert "\x1b" not in stream.getvalue()


def test_own_steps_are_no_steps_of_the_user(clock: Clock) -> None:
    """They are told where they take long or fail, and nowhere else."""
    stream = io.StringIO()
    plain = Lines(stream, Style(), clock)
    short = StepEvent(lane=Lane.IMAGE, step="a", name="crates", state=StepState.DONE, seconds=0.2, own=True)
    plain.show(short)
    plain.show(_step(StepState.DONE, "image exported", own=True))
    plain.close()
    assert [line.split()[-2:] for line in stream.getvalue().splitlines()] == [["image", "exported"]]


def test_silence_in_a_log_is_broken_once_a_minute(clock: Clock) -> None:
    """A CI server ends a job that prints nothing; the line says what takes the time."""
    stream = io.StringIO()
    plain = Lines(stream, Style(), clock)
    plain.show(_step(StepState.STARTED))
    plain.show(_said("Compiling zstd-sys"))
    clock.now += 59
    plain._passed()
    assert stream.getvalue() == ""
    clock.now += 2
    plain._passed()
    plain._passed()
    plain.close()
    (line,) = stream.getvalue().splitlines()
    assert "still at work: RUN cargo build · Compiling zstd-sys" in line
    assert "1 min 01 s" in line


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_narrow_encoding_is_no_error(clock: Clock, encoding: str) -> None:
    """What the locale cannot show is replaced."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    plain = Lines(stream, Style(encoding=encoding), clock)
    plain.show(NoteEvent(lane=Lane.SOURCE, text="🚀 → ok"))
    plain.close()
    assert raw.getvalue().decode(encoding).strip().endswith("? -> ok")


def test_a_reader_that_went_away_does_not_end_the_run(clock: Clock) -> None:
    """`invoke build 2>&1 | head`: the build goes on, unseen."""

    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    for display in (Lines(Gone(), Style(), clock), Live(Gone(), Style(live=True), clock)):
        display.show(NoteEvent(lane=Lane.SOURCE, text="note"))
        display.show(NoteEvent(lane=Lane.SOURCE, text="note"))
        display.close()


def test_the_display_fits_the_stream() -> None:
    """Live on a terminal, lines elsewhere, nothing where nothing is wanted."""
    for quiet, live, kind in ((True, True, Silent), (False, True, Live), (False, False, Lines)):
        display = progress_for(io.StringIO(), Style(live=live), quiet=quiet)
        assert isinstance(display, kind)
        display.close()
