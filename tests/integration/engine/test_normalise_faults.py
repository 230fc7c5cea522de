"""What goes wrong while an image is normalised: a full disk, and an engine without the layers below."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.build.normalise import normalise
from orchestrator.build.normalised import Normalisation
from orchestrator.engine.derive import image_with
from orchestrator.engine.faults import fault
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.engine.docker import Engine

pytestmark = [pytest.mark.engine, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[3]
_NORMALISE = """\
import os, sys
from pathlib import Path
from orchestrator.build.normalised import Normalisation
from orchestrator.build.normalise import normalise
from orchestrator.engine.docker import Engine
from orchestrator.errors import NoVerdictError
from orchestrator.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]) / "workspace")
try:
    with Engine.connect(os.environ) as engine:
        normalise(engine, sys.argv[2], Normalisation(epoch=1, base_layers=(), restored={}), workspace=workspace)
except NoVerdictError as error:
    print(error.cause, error.message, error.repair, list(workspace.scratch.iterdir()))
"""


class _Forgetful:
    """An engine that has lost the layers below; fails as the real one does (measured on 20.10)."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.refused = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def load(self, blocks: Iterable[bytes]) -> str:
        content = b"".join(blocks)
        if b"parent-00/layer.tar" in content:
            self.refused += 1
            raise fault("loading an image", "open /var/lib/docker/tmp/x/parent-00/layer.tar: no such file or directory")
        return self._engine.load(iter([content]))


@pytest.fixture
def image(engine: Engine, slim_base: str, tmp_path: Path) -> Iterator[str]:
    """Return an image with one layer above the base."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    with image_with(engine, slim_base, "/usr/local/bin/program", program, labels={}) as made:
        yield made


def test_an_engine_that_lost_a_parent_layer_gets_all_of_them(
    engine: Engine, slim_base: str, image: str, tmp_path: Path
) -> None:
    """The image is the very same one, and what happened is said."""
    base = engine.image(slim_base)
    assert base is not None
    how = Normalisation(epoch=1_600_000_000, base_layers=base.layers, restored={})
    usual = normalise(engine, image, how, workspace=Workspace.open(tmp_path / "1"))
    forgetful: Any = _Forgetful(engine)
    said: list[str] = []
    try:
        made = normalise(forgetful, image, how, workspace=Workspace.open(tmp_path / "2"), say=said.append)
        assert made.image_id == usual.image_id
        # Containerd's image store gets all of them in any case.
        assert forgetful.refused == (0 if engine.names_manifests else 1)
        assert engine.names_manifests or "all are sent" in said[0]
    finally:
        engine.remove_image(usual.name)


def test_a_disk_that_fills_up_is_named(slim_base: str, tmp_path: Path) -> None:
    """The layers do not fit: the message says where, and nothing is left of them."""
    command = (
        f"mount -t tmpfs -o size=20m tmpfs {tmp_path} && exec {sys.executable} -c '{_NORMALISE}' {tmp_path} {slim_base}"
    )
    root = [] if os.getuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", "--mount", *root, "sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("no-space no space left while writing below"), done.stdout + done.stderr
    assert "invoke clean" in done.stdout
    assert done.stdout.strip().endswith("[]")
