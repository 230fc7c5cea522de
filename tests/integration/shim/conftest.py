"""Benches: a folder, a workspace and the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.workspace import Workspace
from tests.integration.shim.stages import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine


def made_bench(engine: Engine, bases: Mapping[str, str], folder: Path) -> Bench:
    (folder / "project").mkdir()
    pins = {}
    for reference, image_id in bases.items():
        image = engine.image(image_id)
        assert image is not None
        pins[reference] = image.tags[0]
    return Bench(engine=engine, folder=folder / "project", workspace=Workspace.open(folder / "workspace"), pins=pins)


@pytest.fixture
def bench(engine: Engine, bases: Mapping[str, str], tmp_path: Path) -> Iterator[Bench]:
    made = made_bench(engine, bases, tmp_path)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def module_bench(engine: Engine, bases: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = made_bench(engine, bases, tmp_path_factory.mktemp("bench"))
    yield made
    made.clean()
