"""A program's output: bounded, searched to the last byte, and never mangled by where the writes fall."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.lines import Stream
from orchestrator.smoke.output import LineMatch, Output, Wanted

OUT, ERR = Stream.STDOUT, Stream.STDERR


def output(*, kept: int = 10_000, limit: int = 1 << 40, **wanted: Any) -> Output:
    wanted.setdefault("secrets", {})
    return Output(kept=kept, limit=limit, wanted=Wanted(**wanted), clock=time.monotonic)


def texts(made: Output) -> list[str]:
    return [line.text for line in made.finish()[0]]


def ready(text: str | None = None, *, regex: str | None = None, stream: Stream | None = None) -> LineMatch:
    return LineMatch(text=text, regex=re.compile(regex, re.MULTILINE) if regex else None, stream=stream)


def test_lines_are_whole_wherever_the_writes_are_cut() -> None:
    """A line that comes in pieces is one line; the two streams do not mix."""
    made = output(ready=ready("listening"))
    for stream, chunk in ((OUT, b"list"), (ERR, b"a war"), (OUT, b"ening\nhalf"), (ERR, b"ning\r\n")):
        made.feed(stream, chunk)
    assert made.found.is_set()
    assert texts(made) == ["listening", "a warning", "half"]
    assert made.count == 3


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_where_writes_fall_changes_nothing(content: bytes, cuts: list[int]) -> None:
    """Any bytes, cut anywhere, give the same lines as in one piece."""
    whole, pieces = output(), output()
    whole.feed(OUT, content)
    places = [0, *sorted(cut for cut in cuts if cut <= len(content)), len(content)]
    for start, end in pairwise(places):
        pieces.feed(OUT, content[start:end])
    # Carriage returns at the very end of a piece are the one thing that needs the next byte to be judged.
    assert [text.rstrip("\r") for text in texts(whole)] == [text.rstrip("\r") for text in texts(pieces)]
    assert whole.count == pieces.count


def test_colours_and_bytes_that_are_no_text_do_not_hide_a_line() -> None:
    """Terminal codes split words for a search; what is no UTF-8 becomes a replacement character."""
    made = output(ready=ready(regex="^ready$"))
    made.feed(OUT, b"\xff\xfe\n\x1b[1;32mrea\x1b[0mdy\x1b[K\r\n")
    assert made.found.is_set()
    assert texts(made) == ["\ufffd\ufffd", "ready"]


def test_a_regular_expression_is_for_one_line() -> None:
    """It does not match across lines, and its anchors are those of a line."""
    made = output(ready=ready(regex=r"up\s+down"))
    made.feed(OUT, b"up\ndown\n")
    assert not made.found.is_set()
    made.feed(OUT, b"up  down\n")
    assert made.found.is_set()


@pytest.mark.parametrize(("stream", "found"), [(None, True), (ERR, True), (OUT, False)])
def test_a_line_may_have_to_come_on_one_stream(*, stream: Stream | None, found: bool) -> None:
    """The same text on the other one does not count."""
    made = output(ready=ready("ready", stream=stream))
    made.feed(ERR, b"ready\n")
    assert made.found.is_set() is found


def test_of_a_flood_head_and_tail_are_kept_and_all_is_searched() -> None:
    """What falls out of the middle was still looked through, and its size is told."""
    made = output(kept=2000, ready=ready("ready"), forbidden=["panicked at"], expected=["one", "two"])
    made.feed(OUT, b"one\n")
    for number in range(5000):
        made.feed(OUT, b"line %d\n" % number + (b"two\nit panicked at x\nready\n" if number == 2500 else b""))
    lines, dropped = made.finish()
    assert made.found.is_set()
    assert made.matched == 2
    assert [(offence.what, offence.line) for offence in made.offences] == [("panicked at", "it panicked at x")]
    assert lines[0].text == "one"
    assert lines[-1].text == "line 4999"
    assert made.count == 5004
    kept = sum(len(line.text) for line in lines)
    assert kept <= 2000
    assert dropped + kept + made.count >= made.size


def test_a_line_without_end_is_cut_and_its_cuts_hide_nothing() -> None:
    """Memory stays bounded; a text that lies across a cut is found."""
    made = output(ready=ready("ready"))
    made.feed(OUT, b"x" * (64 * 1024 - 2) + b"ready" + b"x" * 300_000)
    assert made.found.is_set()
    assert max(len(text) for text in texts(made)) < 5000


def test_a_megabyte_in_one_piece_fills_head_and_tail() -> None:
    """The first lines stay the first, the last the last."""
    made = output(kept=1000)
    made.feed(OUT, b"".join(b"line %06d\n" % number for number in range(100_000)))
    lines = texts(made)
    assert (lines[0], lines[-1]) == ("line 000000", "line 099999")
    assert made.count == 100_000


def test_the_limit_is_told_and_reading_goes_on() -> None:
    """A stream that nobody reads would block the program, and then even its end."""
    made = output(limit=100)
    made.feed(OUT, b"x" * 100)
    assert not made.flooded.is_set()
    made.feed(OUT, b"y\n")
    assert made.flooded.is_set()


def test_secrets_are_masked_before_anything_is_kept() -> None:
    """The offence says which, never what."""
    made = output(secrets={"TOKEN": "hunter2000"})
    made.feed(ERR, b"connecting with hunter")
    made.feed(ERR, b"2000 as root\n")
    assert texts(made) == ["connecting with <TOKEN> as root"]
    assert made.offences[0].what == "the secret TOKEN"
    assert "hunter2000" not in repr(made.offences)


@pytest.mark.parametrize(
    ("printed", "matched"),
    [(b"a\nb\n", 2), (b"a\nx\n  b  \n", 2), (b"b\na\n", 1), (b"ab\n", 0), (b"a\n", 1)],
)
def test_expected_lines_come_in_their_order(printed: bytes, matched: int) -> None:
    """Others may stand between; a line is compared as a whole, without the blanks around it."""
    made = output(expected=["a", "b"])
    made.feed(OUT, printed)
    made.feed(ERR, b"a\nb\n")
    assert made.matched == matched
