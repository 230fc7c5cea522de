"""The same sources, built twice at the same moment on one engine: neither takes the other's images away."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import HELLO, SPEC, Project, Run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

TIMES = 3
"""What must not meet takes a hundredth of a second, so it is given several chances."""


def test_two_jobs_of_one_commit(bases: Any, engine: Any, tmp_path: Path) -> None:
    """As on a machine that runs several jobs: checkouts, workspaces and tags of their own, and all else alike."""
    assert bases
    pair = [
        Project(
            folder=tmp_path / f"{name}/project",
            workspace=tmp_path / f"{name}/workspace",
            tag=f"twinbuild-test-{secrets.token_hex(4)}:dev",
        )
        for name in ("one", "other")
    ]
    try:
        for number in range(TIMES):
            for project in pair:
                changed = HELLO["src/main.rs"].replace("{\n", f'{{\n    println!("run {number}");\n', 1)
                project.write({**HELLO, "src/main.rs": changed, "buildspec.yaml": SPEC.format(tag=project.tag)})
            with ThreadPoolExecutor(2) as pool:
                runs: list[Run] = list(pool.map(Project.build, pair))
            assert [run.exit_code for run in runs] == [0, 0], [run.cause for run in runs]
            assert runs[0].record["image"]["candidate_id"] == runs[1].record["image"]["candidate_id"]
    finally:
        for project in pair:
            project.remove_images(engine)
