"""What RUN steps have of the network: nothing where the spec says so, and the host's certificates without a trace."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.files import image_files
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_SEES = (
    """RUN sha256sum "$SSL_CERT_FILE" | cut -c1-64 >/opt/seen && [ "$CARGO_HTTP_CAINFO" = "$SSL_CERT_FILE" ] """
    """&& apt-config dump | grep -q 'CAInfo "/dev/.twinbuild-certificates/ca.crt"'\n"""
)


def test_a_step_that_reaches_out_is_named_and_goes_on(hello: Project) -> None:
    """By what it had sent when its last cargo ended; the other steps, which need no network, tell nothing."""
    dockerfile = (hello.folder / "Dockerfile").read_text()
    last = "RUN touch src/main.rs"
    reaches = "RUN for to in 1 2; do timeout 1 bash -c 'exec 3<>/dev/tcp/198.51.100.1/80' || touch src/main.rs; done"
    assert dockerfile.count(last) == 1
    hello.write({"Dockerfile": dockerfile.replace(last, reaches)})
    run = hello.build()
    assert run.exit_code == 0, run.record["failure"] or run.record["verdict"]
    (reached,) = run.record["reached"]
    assert (reached["connections"], reached["location"]["line"]) == (
        2,
        dockerfile[: dockerfile.index(last)].count("\n") + 1,
    )
    assert "reached for the network: 2 connections" in hello.invoke("show").stdout


def test_certificates_are_lent_and_a_step_that_reaches_out_is_named(
    hello: Project, engine: Engine, tmp_path: Path
) -> None:
    """TLS finds the bundle in a step, the image has nothing of it, and without a network the step's line is told."""
    bundle = tmp_path / "company.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nno real one\n-----END CERTIFICATE-----\n")
    spec = (hello.folder / "buildspec.yaml").read_text()
    dockerfile = (hello.folder / "Dockerfile").read_text()
    hello.write(
        {
            "buildspec.yaml": f"{spec}network: {{certificates: host, steps: none}}\n",
            "Dockerfile": dockerfile.replace("ENTRYPOINT", f"{_SEES}ENTRYPOINT"),
        }
    )
    made = hello.build(SSL_CERT_FILE=str(bundle))
    assert made.exit_code == 0, made.record["failure"] or made.record["verdict"]
    with image_files(engine, hello.tag, labels={}) as files:
        assert (files.read("/opt/seen") or b"").decode().strip() == hashlib.sha256(bundle.read_bytes()).hexdigest()
        assert not [name for name in files.names("/dev") if "twinbuild" in name]
        assert files.stat("/etc/ssl/certs/company.pem") is None

    reaches = "RUN bash -c 'exec 3<>/dev/tcp/198.51.100.1/80'\n"
    hello.write({"Dockerfile": dockerfile.replace("ENTRYPOINT", f"{reaches}ENTRYPOINT")})
    refused = hello.build(SSL_CERT_FILE=str(bundle))
    assert (refused.exit_code, refused.cause) == (12, "image-build-failed")
    failure = refused.record["failure"]
    assert "reaches for the network, and `network: {steps: none}` gives it none" in failure["message"]
    assert failure["location"]["line"] == 10

    missing = hello.build(SSL_CERT_FILE=str(tmp_path / "nowhere.pem"))
    assert (missing.exit_code, missing.cause) == (6, "tool-missing")
    own = Workspace.open(hello.workspace).recall("images", "own")
    (lent,) = [tag for tag in (own if isinstance(own, list) else []) if "certificates" in tag]
    assert engine.remove_image(lent)
