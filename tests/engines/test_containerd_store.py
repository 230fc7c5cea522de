"""An engine with containerd's image store: said in so many words, before anything is built."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.engines.release import RELEASES
from tests.engines.running import running
from tests.integration.conftest import HELLO, SPEC, Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


def test_it_is_refused_with_the_setting_that_helps(tmp_path: Path) -> None:
    """Where image IDs name manifests, nothing of what is promised about them would hold."""
    project = Project(folder=tmp_path / "project", workspace=tmp_path / "workspace", tag="twinbuild-test:dev")
    project.write({**HELLO, "buildspec.yaml": SPEC.format(tag=project.tag)})
    with running(RELEASES["28.5-containerd"], os.environ) as host:
        run = project.build(DOCKER_HOST=host)
    assert run.cause == "engine-unsupported"
    assert "containerd's image store" in run.record["failure"]["message"]
    assert "containerd-snapshotter" in run.record["failure"]["repair"]
