"""Anchors, aliases and merge keys, as YAML 1.1 means them (yaml.org/type/merge.html)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.spec.load import load_spec

Mistakes = Callable[[str | bytes], list[str]]
HEAD = 'version: 1\nproject: demo\ntoolchain: {kind: cargo}\nimage: {tag: "demo:dev", binary: /bin/demo}\n'


def inputs(folder: Path, text: str) -> dict[str, str]:
    (folder / "buildspec.yaml").write_text(HEAD + text)
    return load_spec(Path("buildspec.yaml")).spec.inputs


def test_an_alias_gives_the_anchored_value(folder: Path) -> None:
    """A value written once may stand at two places."""
    (folder / "buildspec.yaml").write_text(HEAD.replace("demo\ntool", "&name demo\ntool") + "inputs: {A: *name}\n")
    assert load_spec(Path("buildspec.yaml")).spec.inputs == {"A": "demo"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Own keys win, wherever the merge stands.
        ("inputs: {A: own, <<: {A: merged, B: b}}\n", {"A": "own", "B": "b"}),
        ("inputs: {<<: {A: merged, B: b}, A: own}\n", {"A": "own", "B": "b"}),
        # Of a list, the first that has a key decides.
        ("inputs: {<<: [{A: one}, {A: two, B: two}]}\n", {"A": "one", "B": "two"}),
        # A merged mapping may merge others; they come after its own keys.
        ("inputs: {<<: {A: near, <<: {A: far, B: far}}}\n", {"A": "near", "B": "far"}),
        ("inputs: {<<: [{A: a, <<: {B: b}}, {B: later}]}\n", {"A": "a", "B": "b"}),
        # One that merges itself, however often, has nothing to add.
        ("inputs: &self {A: a, <<: *self}\n", {"A": "a"}),
        ("inputs: &self {A: a, <<: [*self, *self, *self, *self]}\n", {"A": "a"}),
    ],
)
def test_merge_keys(folder: Path, text: str, expected: dict[str, str]) -> None:
    """Precedence is that of the specification."""
    assert inputs(folder, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs: {<<: 5}\n", "5:14: `<<` merges mappings; expected one, or a list of them (`<<: *anchor`)"),
        ("inputs: {<<: [{A: a}, x]}\n", "5:23: `<<` merges mappings; expected one, or a list of them"),
        ("inputs: {<<: {A: a, A: b}}\n", "5:21: the key `A` stands here a second time; first on line 5"),
        ("inputs:\n  <<: {A: a}\n  <<: {B: b}\n", "7:3: the key `<<` stands here a second time; first on line 6"),
    ],
)
def test_wrong_merges_are_no_silent_nothing(mistakes: Mistakes, text: str, expected: str) -> None:
    """What cannot be merged is told, not dropped."""
    (found,) = mistakes(HEAD + text)
    assert found.startswith(expected)


def test_a_mistake_in_a_merged_value_is_shown_where_it_is_written(mistakes: Mistakes) -> None:
    """The place is that of the anchor's text, which is what has to be corrected."""
    text = "inputs: &all {A: 5}\nsmoke:\n  environment: {<<: *all}\n"
    assert mistakes(HEAD + text) == [
        '5:18: `inputs.A` is the number 5; expected a text: write "5"',
        '5:18: `smoke.environment.A` is the number 5; expected a text: write "5"',
    ]


def test_a_value_inside_itself_is_refused(mistakes: Mistakes) -> None:
    """A cycle of aliases has no finite value."""
    assert "5:9: a value that contains itself; expected a finite one" in mistakes(f"{HEAD}inputs: &a {{X: *a}}\n")
