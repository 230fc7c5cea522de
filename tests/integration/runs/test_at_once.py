"""The same sources, built twice at the same moment on one engine: neither takes the other's images away."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.hold import Hold
from orchestrator.flow import verify as flow
from orchestrator.spec.load import load_spec
from orchestrator.workspace import Workspace
from tests.integration.conftest import HELLO, SPEC, Project, Run

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from orchestrator.engine.docker import Engine

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
            project.remove(engine)


@pytest.mark.parametrize("times", [1, 9])
def test_an_image_that_another_run_removes(
    hello: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Between its build and the moment from which it is kept: it is built again, out of the cache, but not for ever."""
    removed: list[str] = []

    class LateHold(Hold):
        """The other run ends just before."""

        def keep(self, image: str, *, tags: Collection[str] = ()) -> bool:
            if len(removed) < times and engine.remove_image(image):
                removed.append(image)
            return super().keep(image, tags=tags)

    monkeypatch.setattr(flow, "Hold", LateHold)
    with ExitStack() as late:
        record = flow.verify(
            load_spec(hello.folder / "buildspec.yaml"),
            workspace=Workspace.open(hello.workspace),
            environment=os.environ,
            show=lambda _event: None,
            late=late,
        )
    assert removed
    if times == 1:
        assert record.image is not None
        assert record.image.promoted, record.verdict
    else:
        assert record.failure is not None
        assert (record.failure.cause, len(removed)) == ("engine-unreachable", 3)
        assert "docker image prune" in record.failure.repair
