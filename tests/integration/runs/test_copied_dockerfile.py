"""A Dockerfile that is copied into its own image: what the tool has sent in its place is not what ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.files import image_files
from tests.integration.conftest import HELLO

if TYPE_CHECKING:
    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["plain line ends", "those of Windows"])
def test_it_ships_as_it_was_written(engine: Engine, hello: Project, end: str) -> None:
    """Byte for byte, as a plain build would have it."""
    dockerfile = HELLO["Dockerfile"].replace("ENTRYPOINT", "COPY Dockerfile /\nENTRYPOINT").replace("\n", end).encode()
    hello.write({"Dockerfile": dockerfile})
    run = hello.build()
    assert run.exit_code == 0, run.record["checks"]
    with image_files(engine, hello.tag, labels={}) as files:
        assert files.read("/Dockerfile", 1 << 20) == dockerfile
