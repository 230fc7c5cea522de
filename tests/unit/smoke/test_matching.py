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


@pytest.mark.parametrize(
    ("version", "constraint", "holds"),
    [
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "=1.2.3", True),
        ("1.2.3+build.5", "==1.2.3", True),
        ("1.2.3", "!1.2.3", False),
        ("1.9.9", ">1.0.0 <2.0.0 || >3.0.0 !4.2.1", True),
        ("3.1.1", ">1.0.0 <2.0.0 || >3.0.0 !4.2.1", True),
        ("4.2.1", ">1.0.0 <2.0.0 || >3.0.0 !4.2.1", False),
        ("2.1.1", ">1.0.0 <2.0.0 || >3.0.0 !4.2.1", False),
        ("1.10.0", ">= 1.9.0", True),
        ("1.0.0-rc.2", "<1.0.0", True),
        ("1.0.0-rc.10", ">1.0.0-rc.9", True),
        ("1.0.0-alpha.beta", ">1.0.0-alpha.1", True),
        ("1.0.0-alpha.1", ">1.0.0-alpha", True),
        ("1.2.9", "1.2.x", True),
        ("1.3.0", "1.2.x", False),
        ("1.9.0", "1.x", True),
        ("2.0.0", "1.x.x", False),
        ("1.2.9", ">1.2.x", False),
        ("1.3.0", ">1.2.x", True),
        ("1.2.9", "<=1.2.x", True),
        ("1.3.0", "<=1.2.x", False),
        ("1.2.0", ">=1.2.x", True),
        ("1.2.0", "<1.2.x", False),
    ],
)
def test_a_version_lies_in_a_range_or_not(version: str, constraint: str, *, holds: bool) -> None:
    """The examples of the library that goss uses, and the order of early versions."""
    expected = checked({"semver-constraint": constraint})
    assert (mismatch(Lines(f"{version}\n"), expected) is None) is holds
    assert (mismatch([version, version], expected) is None) is holds


@pytest.mark.parametrize("expected", [{"semver-constraint": ">1.0.0"}, {"not": {"semver-constraint": ">1.0.0"}}])
@pytest.mark.parametrize("found", ["1.2", "latest", "", ["1.2.3", "none"]])
def test_what_is_no_version_lies_neither_in_a_range_nor_outside(found: Any, expected: Any) -> None:
    """As in goss, where it is an error: `not` does not turn it into an answer."""
    assert "expected a version of three parts" in str(mismatch(found, checked(expected)))


@pytest.mark.parametrize(
    ("path", "expected", "holds"),
    [
        ("status", "ok", True),
        ("status", {"have-prefix": "x"}, False),
        ("checks.#", 2, True),
        ("checks.1.name", "db", True),
        ("checks.0.open", False, True),
        ("checks.0.open", "false", False),
        ("checks", {"contain-element": {"have-key": "open"}}, True),
        ("version", {"semver-constraint": "1.x"}, True),
    ],
)
def test_a_value_in_json_is_as_expected_or_not(path: str, expected: Any, *, holds: bool) -> None:
    """Kinds are kept: a truth value is no text."""
    text = '{"status": "ok", "version": "1.4.0", "checks": [{"name": "ram", "open": false}, {"name": "db"}]}'
    assert (mismatch(Lines(text), checked({"gjson": {path: expected}})) is None) is holds


def test_json_that_is_none_or_lacks_a_value_is_told() -> None:
    """And neither holds, nor does its opposite."""
    assert "it is no JSON" in str(mismatch(Lines("<html>"), {"not": {"gjson": {"a": 1}}}))
    assert "it has nothing at `a.b`" in str(mismatch(Lines('{"a": 1}'), {"not": {"gjson": {"a.b": 1}}}))


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
