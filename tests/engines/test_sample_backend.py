"""The sample backend from several checkouts, on every engine: one program, and one image ID."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from orchestrator.engine.docker import Engine
from orchestrator.workspace import Workspace
from tests.engines.release import RELEASES
from tests.engines.running import running
from tests.integration.conftest import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.conftest import Run

pytestmark = [pytest.mark.engine, pytest.mark.cargo, pytest.mark.timeout(3600)]
_TAG = "twinbuild-test-engines-sample:dev"
_COMPILED = ("target", "cargo", "memo/handover")
"""What a workspace has of compiled dependencies: artifacts, crates, and the digests that make them be handed over."""

_IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2024-05-06T07:08:09Z",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_COMMITTER_DATE": "2024-05-06T07:08:09Z",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Place(NamedTuple):
    """Where a checkout lies, with which rights, and how it is built on which engine."""

    engine: str
    folder: str
    umask: str
    arguments: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of the sample backend and its packaging."""
    made = tmp_path_factory.mktemp("origin")
    for name in ("backend", "infrastructure/docker"):
        shutil.copytree(ROOT / name, made / name, symlinks=True, ignore=shutil.ignore_patterns("target"))
    shutil.copy(ROOT / ".dockerignore", made)
    spec = (ROOT / "buildspec.yaml").read_text(encoding="utf-8").replace("backend:dev", _TAG)
    (made / "buildspec.yaml").write_text(spec, encoding="utf-8")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "sample"]):
        subprocess.run(["git", *words], cwd=made, env={**os.environ, **_IDENTITY}, check=True)
    return made


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the workspace of the run on this machine's own engine."""
    made = tmp_path_factory.mktemp("workspace")
    _lend(ROOT / ".twinbuild", made)
    return made


@pytest.fixture(scope="module")
def here(engine: Engine, origin: Path, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the run on this machine's own engine, from the first checkout."""
    checkout = _checkout(origin, tmp_path_factory.mktemp("here") / "project", umask="022")
    return _built(engine, checkout, workspace, {})


@pytest.mark.parametrize(
    "place",
    [
        Place("20.10", "checkout", "022"),
        Place("26.1", "deep/er/still/backend", "077"),
        Place("28.5", "with space/ünï", "002", ("--independent",)),
        Place("28.5-containerd", "x", "027"),
    ],
    ids=lambda place: place.engine,
)
def test_one_program_and_one_image_id(place: Place, origin: Path, here: Run, workspace: Path, tmp_path: Path) -> None:
    """Each engine gets a checkout of its own, elsewhere and with other rights; the independent one compiles it all."""
    checkout = _checkout(origin, tmp_path / place.folder, umask=place.umask)
    release = RELEASES[place.engine]
    if not place.arguments:
        _lend(workspace, tmp_path / "workspace")
    with running(release, os.environ) as host, Engine.connect({"DOCKER_HOST": host}) as engine:
        there = _built(engine, checkout, tmp_path / "workspace", {"DOCKER_HOST": host}, *place.arguments)
    assert (here.exit_code, there.exit_code) == (0, 0), there.record["failure"] or there.record["checks"]
    ours, theirs = here.record, there.record
    programs = {program["sha256"] for program in (*ours["programs"], *theirs["programs"])}
    assert programs == {ours["programs"][0]["sha256"]}
    assert theirs["image"]["candidate_id"] == ours["image"]["candidate_id"]
    assert [base["image_id"] for base in theirs["bases"]] == [base["image_id"] for base in ours["bases"]]
    # What it is called differs exactly where containerd keeps the images.
    assert (theirs["image"]["engine_id"] != theirs["image"]["candidate_id"]) == bool(release.features)


def _lend(source: Path, workspace: Path) -> None:
    for name in _COMPILED:
        if (source / name).is_dir():
            shutil.copytree(source / name, workspace / name, symlinks=True)


def _checkout(origin: Path, place: Path, *, umask: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["sh", "-c", f'umask {umask}; exec git clone -q "$@"', "sh", str(origin), str(place)],
        env={**os.environ, **_IDENTITY},
        check=True,
    )
    return place


def _built(engine: Engine, checkout: Path, workspace: Path, changed: Mapping[str, str], *more: str) -> Run:
    project = Project(folder=checkout, workspace=workspace, tag=_TAG)
    run = project.invoke("build", "--spec", "buildspec.yaml", "--json", *more, timeout=1800, **changed)
    assert run.record, run.stderr
    known = Workspace.open(workspace).recall("images", "last")
    for image in (project.tag, *(known if isinstance(known, list) else ())):
        engine.remove_image(str(image))
    return run
