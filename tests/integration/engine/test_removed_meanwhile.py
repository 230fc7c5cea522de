"""An image that somebody else removes at this moment is one that is not there, and no fault of the engine."""

from __future__ import annotations

import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.archive import load_files
from orchestrator.engine.docker import Engine
from orchestrator.engine.hold import Hold
from orchestrator.engine.sweep import run_labels

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

pytestmark = pytest.mark.engine

TIMES = 40
"""The moment is short: of 25 times it was met about every second time, on 20.10."""

ROUNDS = 12
"""Met in the first rounds already, without turns and the second look."""

LARGE, QUEUES = 3, 6
"""Images whose removal takes long, and how often they are queued: met in the first round on 20.10, without turns."""


def test_two_remove_an_image_and_one_looks_it_up(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two jobs of one commit tidy up at once: one of them has removed it, and nobody is told of a broken engine."""
    # As of two users, or of two machines that share an engine: these know of no turns.
    monkeypatch.setattr("orchestrator.engine.docker.in_turn", nullcontext)
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
            image = made_image(engine, tmp_path)
            removals = [pool.submit(remove, by, image) for by in (engine, third)]
            looking = pool.submit(look, image)
            removed = [removal.result() for removal in removals]
            looking.result()
            assert True in removed


def test_one_keeps_an_image_while_another_removes_it(engine: Engine, tmp_path: Path) -> None:
    """What is said to be kept is there: the engine takes its time to count a container as a user of its image."""
    lasts = 0.1
    with ThreadPoolExecutor(1) as pool, Engine.connect(os.environ) as other:
        for number in range(ROUNDS):
            image = made_image(engine, tmp_path)
            start = Barrier(2)
            removal = pool.submit(remove_after, lasts * number / ROUNDS, other, image, start)
            lasts = max(lasts, keeps_what_it_says(engine, image, start, removal, tmp_path))


def test_one_keeps_an_image_that_waits_to_be_removed(engine: Engine, tmp_path: Path) -> None:
    """A removal that has begun waits behind others, and what it is about to take is still looked up until then."""
    with ExitStack() as connections, ThreadPoolExecutor(LARGE + 1) as pool:
        others = [connections.enter_context(Engine.connect(os.environ)) for _ in range(LARGE + 1)]
        for number in range(QUEUES):
            start = Barrier(LARGE + 2)
            large = [made_image(engine, tmp_path, files=1500) for _ in range(LARGE)]
            image = made_image(engine, tmp_path)
            before = [
                pool.submit(remove_after, 0.02 * place, others[place], one, start) for place, one in enumerate(large)
            ]
            removal = pool.submit(remove_after, 0.02 * (number // 2), others[LARGE], image, start)
            keeps_what_it_says(engine, image, start, removal, tmp_path)
            for each in before:
                each.result()


def made_image(engine: Engine, scratch: Path, *, files: int = 1) -> str:
    """Return a new image of one layer with so many files."""
    nonce = secrets.token_bytes(64)
    contents = [(f"file{number}", nonce, 0o644) for number in range(files)]
    image = engine.image(load_files(engine, f"twinbuild-test:{nonce[:4].hex()}", contents, scratch=scratch))
    assert image is not None
    return image.id


def remove_after(seconds: float, by: Engine, image: str, start: Barrier) -> bool:
    """Remove an image some time after the start."""
    start.wait()
    time.sleep(seconds)
    return by.remove_image(image)


def keeps_what_it_says(engine: Engine, image: str, start: Barrier, removal: Future[bool], folder: Path) -> float:
    """Keep an image that is being removed, and return how many seconds that took."""
    with Hold(engine, run_labels(folder, "test")) as hold:
        start.wait()
        began = time.monotonic()
        is_kept = hold.keep(image)
        lasts = time.monotonic() - began
        removed = removal.result()
        assert is_kept == (engine.image(image) is not None), f"removed: {removed}"
        assert not (is_kept and removed)
    engine.remove_image(image)
    return lasts


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
