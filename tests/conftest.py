"""What all tests share: real engines and toolchains, and a guard that keeps the others away from them."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.docker import Engine
from orchestrator.errors import NoVerdictError

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-engine",
        action="store_true",
        help="fail, instead of skipping, where there is no Docker engine or no cargo (CI always passes this)",
    )
    parser.addoption(
        "--plain-claims",
        action="store_true",
        help="also build the untouched Dockerfile of each trapped case of the corpus, without this tool",
    )
    parser.addoption("--parity-matrix", metavar="FILE", help="write which cause was named for each built pair")


def pytest_configure() -> None:
    # As by Ctrl-C: what the tests have started is ended and removed by its fixtures.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Return the engine of this machine."""
    try:
        connected = Engine.connect(os.environ)
    except NoVerdictError as error:
        if request.config.getoption("--require-engine"):
            pytest.fail(f"{error.message}; {error.repair}")
        pytest.skip(error.message)
    with connected:
        yield connected


@pytest.fixture(autouse=True)
def _only_marked_tests_reach_for_the_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a unit test that turns to the engine, and skip (in CI: fail) one whose toolchain is missing."""
    if request.node.get_closest_marker("cargo") and shutil.which("cargo") is None:
        if request.config.getoption("--require-engine"):
            pytest.fail("cargo is not installed")
        pytest.skip("cargo is not installed")
    if request.node.get_closest_marker("engine") is None:

        def refuse(_environment: object) -> Engine:
            pytest.fail("this test connects to a Docker engine and is not marked with `engine`")

        monkeypatch.setattr(Engine, "connect", refuse)
