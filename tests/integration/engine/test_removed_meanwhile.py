"""An image that somebody else removes at this moment is one that is not there, and no fault of the engine."""

from __future__ import annotations

import os
import secrets
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


def test_an_image_that_is_kept_stays_until_it_is_let_go(engine: Engine, tmp_path: Path) -> None:
    """Whoever else made the same one and tidies up; one that is gone already cannot be kept, and that is said."""
    nonce = secrets.token_bytes(64)
    tag = load_files(engine, f"twinbuild-test:{nonce[:4].hex()}", [("file", nonce, 0o644)], scratch=tmp_path)
    image = engine.image(tag)
    assert image is not None
    with Hold(engine, run_labels(tmp_path, "test")) as hold:
        assert hold.keep(image.id)
        assert hold.keep(image.id)
        engine.remove_image(tag)
        assert not engine.remove_image(image.id)
        assert engine.image(image.id) is not None
    assert engine.remove_image(image.id) or engine.image(image.id) is None
    with Hold(engine, {}) as hold:
        assert not hold.keep(image.id)
    labelled = {"label": "io.twinbuild.run=test"}
    assert not engine.api.containers(all=True, filters=labelled)
