"""What RUN steps have of the network: nothing where the spec says so, and the host's certificates without a trace."""

from __future__ import annotations

import hashlib
import secrets
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


@pytest.mark.alone  # ports of other builds' steps that fit as well leave nothing told
def test_steps_without_cargo_are_named_by_what_passed_the_bridge(hello: Project) -> None:
    """Two at the same moment as well; those that keep to themselves, and the ones out of the cache, are not named."""
    dockerfile = (hello.folder / "Dockerfile").read_text()
    (base,) = {line.split()[1] for line in dockerfile.splitlines() if line.startswith("FROM") and "slim" in line}
    # A text that no build had before: steps out of the cache reach for nothing.
    # Where the way out says at once that there is none, the step would be over before its port is looked at again.
    reaches = f"timeout 2 bash -c 'exec 3<>/dev/tcp/198.51.100.1/80' || echo {secrets.token_hex(8)}; sleep 1"
    beside = f"FROM {base} AS beside\nRUN {reaches}; sleep 1; touch /beside\nRUN sleep 1; ip addr || true\n"
    shipped = f"RUN {reaches}\nCOPY --from=beside /beside /\nRUN getent hosts localhost; sleep 1\nENTRYPOINT"
    hello.write({"Dockerfile": beside + dockerfile.replace("ENTRYPOINT", shipped)})
    lines = {line: number for number, line in enumerate((hello.folder / "Dockerfile").read_text().splitlines(), 1)}
    run = hello.build()
    assert run.exit_code == 0, run.record["failure"] or run.record["verdict"]
    reached = run.record["reached"]
    assert [step["location"]["line"] for step in reached] == [2, lines[f"RUN {reaches}"]]
    for step in reached:
        # Two or three attempts of 74 bytes, and the question for the way out.
        assert (step["connections"], step["datagrams"]) == (0, 0)
        assert 74 <= step["sent"] <= 1000, step
    assert f"Dockerfile:2 reached for the network: {reached[0]['sent']} B sent" in hello.invoke("show").stdout
    again = hello.build()
    assert (again.exit_code, again.record["reached"]) == (0, [])


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
