"""goss's matchers, as its documentation describes them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.smoke.peers.file import go_regex
from orchestrator.smoke.peers.matching import Lines, checked, mismatch

TEXT = Lines("foo one\nbar two\n!bang\n")


@pytest.mark.parametrize(
    ("found", "expected", "holds"),
    [
        ("foo", "foo", True),
        ("foo", "fo", False),
        (55, "55", True),
        ("42", 42.0, True),
        ("42", {"gt": 41, "lt": 43}, True),
        ("x", {"gt": 0}, False),
        (True, True, True),
        (1, True, False),
        (["group1", "group2", "group3"], ["group1", "group2"], True),
        (["group1", "group2"], ["group1", "group2", "group2"], False),
        (["ab", "a"], ["a", {"have-prefix": "a"}], True),
        (["foo", "bar", "moo"], {"consist-of": ["foo", {"have-prefix": "m"}, "bar"]}, True),
        (["foo", "bar"], {"consist-of": ["foo"]}, False),
        (["foo", "bar"], {"equal": ["bar", "foo"]}, False),
        (["foo", "bar"], {"contain-element": {"have-suffix": "r"}}, True),
        ("foo\nbar", {"contain-elements": ["bar"]}, True),
        ({"foo": "bar"}, {"and": [{"have-key": "foo"}, {"not": {"have-key": "bar"}}, {"have-len": 1}]}, True),
        ("2.4", {"or": ["2.3", {"match-regexp": r"^2\.\d$"}]}, True),
        (TEXT, ["foo", "!baz", r"/^bar \w+$/", "!/^two/", r"\!bang"], True),
        (TEXT, ["foo", "!bar"], False),
        (TEXT, ["/^one/"], False),
        (TEXT, {"contain-element": {"match-regexp": "^bar"}}, True),
        (Lines(""), [], True),
        (Lines("x\n"), "x", True),
        (Lines("x\n"), "", False),
    ],
)
def test_a_value_is_as_expected_or_not(found: Any, expected: Any, *, holds: bool) -> None:
    """And what does not hold says what was found."""
    assert checked(expected) == expected
    assert (mismatch(found, expected) is None) is holds


def test_what_differs_is_told() -> None:
    """The value, and what it was to be; for patterns, the one that does not hold."""
    assert mismatch(3, {"lt": 2}) == 'it is 3, expected {"lt": 2}'
    assert mismatch(Lines("a\nb"), ["a", "c"]) == "\"c\" does not hold of 'a\\nb'"


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("a$", "a\n", False),
        ("(?m)a$", "a\nb", True),
        (r"a\$", "a$\n", True),
        ("[$]", "$", True),
        (r"a\z", "a", True),
        (r"\d", "٣", False),
        ("a.b", "a\nb", False),
    ],
)
def test_expressions_mean_what_they_mean_in_go(pattern: str, text: str, *, holds: bool) -> None:
    """The end of a text is its very end, and digits are those of ASCII."""
    assert (go_regex(pattern).search(text) is not None) is holds
