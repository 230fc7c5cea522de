"""Runs of one user know of each other, whatever project they are of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator import neighbours
from orchestrator.neighbours import beside_others


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"twinbuild-{os.getuid()}.lock"


def test_the_only_one_is_told_so_and_only_where_it_asks() -> None:
    with beside_others(alone=True) as only_one:
        assert only_one
    with beside_others() as only_one:
        assert not only_one


def test_runs_go_on_beside_each_other_and_none_is_alone_then() -> None:
    with beside_others(), beside_others(), beside_others(alone=True) as only_one:
        assert not only_one
    with beside_others(alone=True) as only_one:
        assert only_one


def test_one_that_is_alone_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(neighbours, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("time.sleep", waited.append)
    with beside_others(alone=True):
        with beside_others():
            pass
        with beside_others(alone=True) as only_one:
            assert not only_one
    assert waited


def test_nobodys_link_is_followed(place: Path) -> None:
    """Anybody may write into that folder."""
    mine = place.parent / "mine"
    place.symlink_to(mine)
    with beside_others(), beside_others(alone=True) as only_one:
        assert only_one
    assert not mine.exists()
