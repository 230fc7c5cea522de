"""Steps for the tests of the shim, one for each kind of shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.witness.step import Step, made_step


@pytest.fixture(params=["sh", "bash", "busybox"])
def any_step(request: pytest.FixtureRequest, tmp_path: Path) -> Step:
    """Return a step for each kind of shell and tools."""
    if request.param == "busybox" and not Path("/bin/busybox").exists():
        if request.config.getoption("--require-engine"):
            pytest.fail("busybox is not installed")
        pytest.skip("busybox is not installed")
    return made_step(tmp_path, request.param)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """Return a step with the system's shell."""
    return made_step(tmp_path, "sh")
