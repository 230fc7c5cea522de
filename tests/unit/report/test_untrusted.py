"""Nothing that a program printed reaches a terminal or a page as anything but text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.record import RunRecord
from orchestrator.report.untrusted import one_line, visible, visible_record


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 🚀 ümläut", "plain 🚀 ümläut"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0\x1b\\after", "after"),
        ("\x1b(0line\x1b(B", "line"),
        ("\x9b2Jgone", "gone"),
        ("a\tb", "a   b"),
        ("two\nlines", "two\nlines"),
        ("windows\r\nlines", "windows\nlines"),
        ("bell\x07", r"bell\x07"),
        ("hidden\rshown", r"hidden shown"),
        ("\u202ereversed", r"\u202ereversed"),
        ("\ud800", r"\ud800"),
        ("\ufffe", r"\ufffe"),
    ],
)
def test_visible(text: str, expected: str) -> None:
    """Codes go, other control characters are written out, line ends stay."""
    assert visible(text) == expected


@given(st.text())
def test_what_is_visible_can_be_printed_and_encoded(text: str) -> None:
    """Whatever it was: no control character but the line end, and no half of a pair."""
    shown = visible(text)
    shown.encode("utf-8")
    assert all(letter.isprintable() or letter in "\n\u200d" for letter in shown)


def test_one_line_is_what_a_terminal_is_left_with() -> None:
    """A progress bar draws over itself; its last state counts."""
    assert one_line("10 %\r50 %\r 100 %  done\r") == "100 % done"
    assert one_line("RUN a \\\n    && b\tc") == "RUN a \\ && b c"
    assert one_line("") == ""


def test_a_whole_record_is_made_harmless(hostile: RunRecord) -> None:
    """No text of a record is forgotten, however deep it lies."""
    assert "\x1b" in repr(hostile) or "\\x1b" in repr(hostile)
    told = repr(visible_record(hostile)).replace("\\\\", "")
    assert "\\x1b" not in told
    assert "\\x00" not in told
