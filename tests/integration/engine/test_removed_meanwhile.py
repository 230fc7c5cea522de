"""An image that somebody else removes at this moment is one that is not there, and no fault of the engine."""

from __future__ import annotations

import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.archive import load_files
from orchestrator.engine.docker import Engine
from orchestrator.engine.hold import Hold
from orchestrator.engine.sweep import run_labels

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

TIMES = 40
"""The moment is short: of 25 times it was met about every second time, on 20.10."""

ROUNDS = 12
"""Met in the first rounds already, without the second look."""


def test_two_remove_an_image_and_one_looks_it_up(engine: Engine, tmp_path: Path) -> None:
    """Two jobs of one commit tidy up at once: one of them has removed it, and nobody is told of a broken engine."""
    start = Barrier(3)
    with ThreadPoolExecutor(3) as pool, Engine.connect(os.environ) as second, Engine.connect(os.environ) as third:

        def remove(by: Engine, image: str) -> bool:
            start.wait()
            return by.remove_image(image)

        def look(image: str) -> None:
            start.wait()
            while second.image(image) is not None:
                pass

        for _ in range(TIMES):
            nonce = secrets.token_bytes(1 << 16)
            tag = load_files(engine, f"twinbuild-test:{nonce[:4].hex()}", [("file", nonce, 0o644)], scratch=tmp_path)
            image = engine.image(tag)
            assert image is not None
            removals = [pool.submit(remove, by, image.id) for by in (engine, third)]
            looking = pool.submit(look, image.id)
            removed = [removal.result() for removal in removals]
            looking.result()
            assert True in removed


def test_one_keeps_an_image_while_another_removes_it(engine: Engine, tmp_path: Path) -> None:
    """What is said to be kept is there: the engine takes its time to count a container as a user of its image."""
    start = Barrier(2)
    lasts = 0.1
    with ThreadPoolExecutor(1) as pool, Engine.connect(os.environ) as other:

        def remove(image: str, after: float) -> bool:
            start.wait()
            time.sleep(after)
            return other.remove_image(image)

        for number in range(ROUNDS):
            nonce = secrets.token_bytes(1 << 16)
            tag = load_files(engine, f"twinbuild-test:{nonce[:4].hex()}", [("file", nonce, 0o644)], scratch=tmp_path)
            image = engine.image(tag)
            assert image is not None
            removal = pool.submit(remove, image.id, lasts * number / ROUNDS)
            with Hold(engine, run_labels(tmp_path, "test")) as hold:
                start.wait()
                began = time.monotonic()
                is_kept = hold.keep(image.id)
                lasts = max(lasts, time.monotonic() - began)
                removed = removal.result()
                assert is_kept == (engine.image(image.id) is not None), f"removed: {removed}"
                assert not (is_kept and removed)
            engine.remove_image(tag)


def test_an_image_that_is_kept_stays_until_it_is_let_go(engine: Engine, tmp_path: Path) -> None:
    """Whoever else made the same one and tidies up; one that is gone already cannot be kept, and that is said."""
    nonce = secrets.token_bytes(64)
    tag = load_files(engine, f"twinbuild-test:{nonce[:4].hex()}", [("file", nonce, 0o644)], scratch=tmp_path)
    image = engine.image(tag)
    assert image is not None
    # No other test has this run, which may go on beside it.
    run = f"test-{nonce[:4].hex()}"
    with Hold(engine, run_labels(tmp_path, run)) as hold:
        assert hold.keep(image.id)
        assert hold.keep(image.id)
        engine.remove_image(tag)
        assert not engine.remove_image(image.id)
        assert engine.image(image.id) is not None
    assert engine.remove_image(image.id) or engine.image(image.id) is None
    with Hold(engine, {}) as hold:
        assert not hold.keep(image.id)
    labelled = {"label": f"io.twinbuild.run={run}"}
    assert not engine.api.containers(all=True, filters=labelled)


def test_a_tag_that_is_given_again_counts_from_then(engine: Engine, tmp_path: Path) -> None:
    """As for an offer that a run uses: when that was last is what says whether anybody still does."""
    nonce = secrets.token_bytes(64)
    tag = load_files(engine, f"twinbuild-test:{nonce[:4].hex()}", [("file", nonce, 0o644)], scratch=tmp_path)
    first = engine.image(tag)
    assert first is not None
    engine.tag(first.id, tag)
    again = engine.image(tag)
    engine.remove_image(tag)
    assert again is not None
    assert first.tagged is not None
    assert again.tagged is not None
    assert first.tagged <= again.tagged <= time.time() + 1
    assert time.time() - first.tagged < 600
