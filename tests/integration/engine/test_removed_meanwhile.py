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
