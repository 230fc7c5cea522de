"""Which spec is taken where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.spec.find import default_spec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (["here/buildspec.yaml"], "buildspec.yaml"),
        (["here/buildspec.yaml", "buildspec.yaml", ".git/"], "buildspec.yaml"),
        (["buildspec.yaml", ".git/"], "../buildspec.yaml"),
        (["buildspec.yaml", ".git"], "../buildspec.yaml"),
        (["buildspec.yaml"], "tool"),
        (["buildspec.yaml", "here/.git/"], "tool"),
        (["here/buildspec.yaml/"], "tool"),
        ([], "tool"),
    ],
    ids=["this folder", "the nearest", "above", "above, in a worktree", "nobody's", "another's", "a folder", "none"],
)
def test_where_it_is_looked_for(tmp_path: Path, made: list[str], found: str) -> None:
    """In this folder and above it in the same repository; nothing else is a project's."""
    current = tmp_path / "here"
    current.mkdir()
    for name in made:
        place = tmp_path / name
        place.mkdir(parents=True) if name.endswith("/") else place.touch()
    tool = tmp_path / "elsewhere/buildspec.yaml"
    expected = {"tool": tool, "../buildspec.yaml": tmp_path / "buildspec.yaml"}.get(found)
    answer = default_spec(current, tool)
    assert str(answer) == found if expected is None else answer == expected
