"""Connecting: what answers, what does not, and what is too old. The servers are the tests' own."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine.docker import Engine
from orchestrator.engine.faults import fault
from orchestrator.errors import EngineUnreachableError, EngineUnsupportedError, NoSpaceError

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"}

pytestmark = pytest.mark.engine  # They connect, if only to servers of their own.


@pytest.fixture
def answering() -> Iterator[Callable[[object], str]]:
    """Return a function that starts a server with one answer and returns its address."""
    servers = []

    def start(answer: object) -> str:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"tcp://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_engine_tells_its_version(answering: Callable[[object], str]) -> None:
    """The oldest that is supported is all right."""
    with Engine.connect({"DOCKER_HOST": answering(VERSION)}) as engine:
        assert (engine.version.version, engine.version.architecture) == ("20.10.24", "amd64")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"Version": "19.03.15", "ApiVersion": "1.40"},
            "the Docker engine is 19.03.15; this tool needs 20.10 or newer",
        ),
        ({"Version": "4.3.1"}, "the Docker engine is 4.3.1; this tool needs 20.10"),
        ({"Os": "windows"}, "runs windows containers; this tool needs Linux containers"),
    ],
)
def test_an_unsuitable_engine_is_refused(
    answering: Callable[[object], str], changed: dict[str, str], said: str
) -> None:
    """What was found and what is needed."""
    with pytest.raises(EngineUnsupportedError, match=said) as caught:
        Engine.connect({"DOCKER_HOST": answering(VERSION | changed)})
    assert caught.value.repair


@pytest.mark.parametrize("answer", [b"<html>", {"ApiVersion": "1.41"}, []])
def test_what_is_no_engine_is_told(answering: Callable[[object], str], answer: object) -> None:
    """A web server on that port, or a proxy that answers for it."""
    with pytest.raises(EngineUnreachableError, match="engine"):
        Engine.connect({"DOCKER_HOST": answering(answer)})


# docker-py leaves the socket that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "host",
    ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1", "nonsense://x", "ssh://nobody@127.0.0.1:1", "tcp://"],
)
def test_a_silent_address_is_named(host: str) -> None:
    """With what to do about it."""
    with pytest.raises(EngineUnreachableError, match="no Docker engine answers at") as caught:
        Engine.connect({"DOCKER_HOST": host})
    assert host in caught.value.message
    assert "DOCKER_HOST" in str(caught.value.repair)
    assert caught.value.detail[0]
    del caught
    gc.collect()


def test_missing_certificates_are_told(tmp_path: Path) -> None:
    """DOCKER_TLS_VERIFY without the files."""
    with pytest.raises(EngineUnreachableError):
        Engine.connect(
            {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
        )


@pytest.mark.parametrize(
    "said",
    [
        "failed to copy files: copy file range failed: no space left on device",
        "write /var/lib/docker/tmp/x: No space left on device",
    ],
)
def test_a_full_disk_of_the_engine_has_its_own_error(said: str) -> None:
    """Whatever the engine was doing when it said so."""
    error = fault("loading an image", said)
    assert isinstance(error, NoSpaceError)
    assert error.message == "the Docker engine ran out of disk space while loading an image"
    assert error.detail == (said,)
    assert isinstance(fault("loading an image", "other"), EngineUnreachableError)
