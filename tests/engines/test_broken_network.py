"""An engine that has lost its bridge is to blame itself, not the step that it could not begin."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.engines.release import RELEASES
from tests.engines.running import network_of, running
from tests.integration.conftest import HELLO, SPEC, Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


@pytest.mark.parametrize("name", ["20.10", "26.1", "28.5"])
def test_a_lost_bridge_is_the_engines_fault(name: str, tmp_path: Path) -> None:
    """As this machine's own engine lost its `docker0` once; here the engine has a network to itself."""
    project = Project(folder=tmp_path / "project", workspace=tmp_path / "workspace", tag="twinbuild-test-engines:dev")
    anew = HELLO["Dockerfile"].replace("RUN mkdir src", f"RUN : {tmp_path} && mkdir src")
    project.write({**HELLO, "Dockerfile": anew, "buildspec.yaml": SPEC.format(tag=project.tag)})
    own = Path("/sys/class/net/docker0").exists()
    with running(RELEASES[name], os.environ) as host:
        subprocess.run([*network_of(host), "ip", "link", "delete", "docker0"], check=True)
        run = project.build(DOCKER_HOST=host)
    assert Path("/sys/class/net/docker0").exists() == own
    assert (run.exit_code, run.cause) == (4, "engine-unreachable")
    failure = run.record["failure"]
    assert "the Docker engine's own network is broken" in failure["message"]
    assert "failed to create endpoint" in failure["message"]
    assert "restart the engine" in failure["repair"]
