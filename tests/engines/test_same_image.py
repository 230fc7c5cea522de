"""The same sources give the same program and the same image ID on every engine."""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.bases.prepare import prepare_bases
from orchestrator.build.normalise import normalise
from orchestrator.build.normalised import Normalisation, Normalised
from orchestrator.engine.docker import Engine
from orchestrator.workspace import Workspace
from tests.engines.release import RELEASES, Release
from tests.engines.running import running
from tests.integration.conftest import HELLO, RECIPES, SLIM, SPEC, Project
from tests.integration.plain_build import plain_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Run

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

ODD = Path(__file__).parent / "odd/Dockerfile"
EPOCH = 1_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What an engine made.

    Attributes:
        odd: the ID of the normalised image of `odd/Dockerfile`.
        contents: what it holds: the configuration, and the entries of each layer of its own.
        hello: an `invoke build` of the smallest project.
    """

    odd: str
    contents: tuple[object, ...]
    hello: Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the one project that all engines build."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def here(engine: Engine, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return what this machine's own engine made."""
    return _made(engine, os.environ.get("DOCKER_HOST", ""), folder, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module", params=list(RELEASES))
def there(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Return what another engine made."""
    release: Release = RELEASES[request.param]
    with running(release, os.environ) as host, Engine.connect({"DOCKER_HOST": host}) as engine:
        yield _made(engine, host, folder, tmp_path_factory.mktemp("there"))


def test_the_same_files_have_the_same_image_id(here: Made, there: Made) -> None:
    """Whatever the engine's storage driver and frontend make of them."""
    assert there.contents == here.contents
    assert there.odd == here.odd


def test_a_project_has_the_same_program_and_image_id(here: Made, there: Made) -> None:
    """By the real command, from the bases to the gate."""
    ours, theirs = here.hello.record, there.hello.record
    assert (here.hello.exit_code, there.hello.exit_code) == (0, 0), theirs["checks"]
    assert {program["sha256"] for program in (*ours["programs"], *theirs["programs"])} == {
        ours["programs"][0]["sha256"]
    }
    assert theirs["image"]["candidate_id"] == ours["image"]["candidate_id"]


def _made(engine: Engine, host: str, folder: Path, scratch: Path) -> Made:
    odd = _odd(engine, scratch)
    contents = _contents(engine, odd.name)
    engine.remove_image(odd.name)
    return Made(odd=odd.image_id, contents=contents, hello=_hello(engine, host, folder, scratch))


def _odd(engine: Engine, scratch: Path) -> Normalised:
    made = prepare_bases(
        engine, [SLIM], RECIPES, toolchain=None, scratch=scratch, environment=os.environ, emit=lambda _event: None
    )
    base = engine.image(made[SLIM].pinned)
    assert base is not None
    text = ODD.read_text().replace(SLIM, made[SLIM].pinned).encode()
    with tarfile.open(scratch / "context.tar", "w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    raw = plain_build(engine, scratch / "context.tar", no_cache=True)
    how = Normalisation(epoch=EPOCH, base_layers=base.layers, restored={})
    normalised = normalise(engine, raw, how, workspace=Workspace.open(scratch / "odd"))
    engine.remove_image(raw)
    return normalised


def _contents(engine: Engine, image: str) -> tuple[object, ...]:
    saved = io.BytesIO(b"".join(engine.save(image)))
    with tarfile.open(fileobj=saved) as archive:
        manifest = json.loads(_read(archive, "manifest.json"))[0]
        layers = []
        for name in manifest["Layers"][1:]:
            with tarfile.open(fileobj=io.BytesIO(_read(archive, name))) as layer:
                layers.append([(each.name, each.type, each.mode, each.mtime, each.size) for each in layer])
        return json.loads(_read(archive, manifest["Config"])), *layers


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    content = archive.extractfile(name)
    assert content is not None
    return content.read()


def _hello(engine: Engine, host: str, folder: Path, scratch: Path) -> Run:
    project = Project(folder=folder, workspace=scratch / "workspace", tag="twinbuild-test-engines:dev")
    project.write({**HELLO, "buildspec.yaml": SPEC.format(tag=project.tag)})
    run = project.build(**({"DOCKER_HOST": host} if host else {}))
    known = Workspace.open(project.workspace).recall("images", "last")
    for name in (project.tag, *(known if isinstance(known, list) else ())):
        engine.remove_image(str(name))
    return run
