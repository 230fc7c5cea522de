"""`invoke lint --fix --write` makes a Dockerfile right without this tool: built raw before and after, and run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import Project
from tests.integration.corpus.raw import OLD, raw_build, run_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine
    from tests.integration.corpus.raw import Ran

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

PROJECTS = Path(__file__).parent / "projects"


def built_and_run(engine: Engine, bases: Mapping[str, str], folder: Path) -> Ran:
    """Build a folder's Dockerfile with nothing of this tool in it, all sources older than any artifact; run it."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    pins = {}
    for reference, image_id in bases.items():
        image = engine.image(image_id)
        assert image is not None
        pins[reference] = image.tags[0]
    made = raw_build(engine, files, pins=pins, scratch=folder.parent, mtime=OLD)
    try:
        return run_image(engine, made)
    finally:
        engine.remove_image(made)


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("workspace", "library: , member: , script: stub\n"),
        ("exec-form", ""),
    ],
)
def test_fixed_file_ships_the_program(
    engine: Engine, bases: Mapping[str, str], tmp_path: Path, name: str, before: str
) -> None:
    """The untouched Dockerfile ships a stub, whole or in part, and exits 0; the fixed one ships what was written."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECTS / name, folder)
    expected = (PROJECTS / f"{name}.expected").read_text(encoding="utf-8")
    raw = built_and_run(engine, bases, folder)
    assert (raw.prints, raw.exit_code) == (before, 0)

    project = Project(folder=folder, workspace=tmp_path / "workspace", tag="unused")
    assert project.invoke("lint", "Dockerfile").exit_code == 1
    fixed = project.invoke("lint", "--fix", "--write", "Dockerfile")
    assert fixed.exit_code == 0, fixed.stdout
    assert "+++ Dockerfile" in fixed.stdout

    mended = built_and_run(engine, bases, folder)
    assert (mended.prints, mended.exit_code) == (expected, 0)
