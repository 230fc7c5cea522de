"""Columns, not characters: what a terminal makes of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.width import columns, cut, pad, wrap

_SHOWN = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=80)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("plain", 5),
        ("🚀 up", 5),
        ("✅", 2),
        ("日本", 4),
        ("\uff46\uff55\uff4c\uff4c", 8),
        ("e\u0301", 1),
        ("\u200b", 0),
        ("한", 2),
        ("\u1112\u1161\u11ab", 2),
    ],
)
def test_columns(text: str, expected: int) -> None:
    """Emoji and East Asian letters take two, combining marks none."""
    assert columns(text) == expected


def test_a_cut_line_never_splits_a_wide_letter() -> None:
    """Half an emoji cannot be drawn, so the line is a column shorter."""
    assert cut("ab🚀cd", 4, "…") == "ab…"
    assert cut("ab🚀cd", 6, "…") == "ab🚀cd"
    assert cut("ab🚀cde", 6, "…") == "ab🚀c…"


@given(_SHOWN, st.integers(1, 40))
def test_cutting_keeps_to_the_room(text: str, room: int) -> None:
    """Whatever the letters are."""
    assert columns(cut(text, room, "…")) <= room


@given(_SHOWN, st.integers(2, 40))
def test_wrapping_keeps_every_letter_and_the_room(text: str, room: int) -> None:
    """No line is too wide, and nothing but blanks is lost."""
    lines = wrap(text, room)
    assert all(columns(line) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_path_stays_whole_where_it_is_to_be_copied() -> None:
    """It may stand out of its line; broken in two it would be of no use."""
    assert wrap("see infrastructure/docker/Dockerfile:27 there", 12, whole_words=True) == [
        "see",
        "infrastructure/docker/Dockerfile:27",
        "there",
    ]


def test_an_empty_text_is_one_empty_line() -> None:
    """Callers may count on a first line."""
    assert wrap("", 10) == [""]


def test_padding_counts_columns() -> None:
    """A table stays straight with an emoji in it."""
    assert pad("🚀", 4) == "🚀  "
