"""Runs of one user know of each other, whatever project they are of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator import neighbours
from orchestrator.neighbours import beside_others, in_turn


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


def test_turns_do_not_overlap_among_threads() -> None:
    inside, most = [], []

    def take(number: int) -> None:
        with in_turn():
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(12)))
    assert most == [1] * 12


def test_a_turn_ends_with_its_process(tmp_path: Path) -> None:
    """However that ends."""
    code = "import sys, time\nfrom orchestrator.neighbours import in_turn\nwith in_turn():\n    print(1, flush=True)\n"
    code += "    time.sleep(600)\n"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        with ThreadPoolExecutor(1) as pool:

            def take() -> None:
                with in_turn():
                    pass

            waiting = pool.submit(take)
            time.sleep(0.1)
            assert not waiting.done()
            other.kill()
            waiting.result(timeout=5)


def test_a_turn_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_TURN_SECONDS", 0.1)
    with in_turn(), in_turn():
        pass


def test_a_turn_without_a_file_is_taken_at_once(place: Path) -> None:
    """Nobody's link is followed here either, and nothing fails for it."""
    mine = place.parent / "mine"
    place.with_suffix(".turn").symlink_to(mine)
    with in_turn(), in_turn():
        pass
    assert not mine.exists()
