"""What is proposed for bases that are not there: all at once, and as their names have them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from orchestrator.bases.proposal import unavailable

RUST = "packages: [ca-certificates, gcc, libc6-dev], toolchain: host}}"
HOST: Any = SimpleNamespace(version="1.95.0")


def test_all_bases_are_told_at_once_and_fit_their_names() -> None:
    """The suite of the tag, the toolchain where Rust is promised, and no Debian packages for what is no Debian."""
    error = unavailable(["rust:1.95-trixie", "debian:bullseye-slim", "alpine:3.20", "debian"], HOST)
    assert error.message.startswith("the Dockerfile builds on rust:1.95-trixie, debian:bullseye-slim, alpine:3.20, ")
    assert (error.repair or "").startswith("docker pull rust:1.95-trixie && docker pull debian:bullseye-slim && ")
    assert error.detail == (
        "bases:",
        f"  rust:1.95-trixie: {{bootstrap: {{suite: trixie, {RUST}",
        "  debian:bullseye-slim: {bootstrap: {suite: bullseye, packages: [ca-certificates]}}",
        "  alpine:3.20: {pull: {digest: sha256:…}}  # no Debian: it cannot be made from packages",
        "  debian: {bootstrap: {suite: bookworm, packages: [ca-certificates]}}",
    )


def test_another_rust_than_this_machines_is_said_with_it() -> None:
    """Else the next run would end with `toolchain-mismatch`."""
    detail = unavailable(["example.org/rust:1.60-buster"], HOST).detail
    assert detail[1:] == (
        "  # needs Rust 1.60 on this machine, which has 1.95.0, or another FROM",
        f"  example.org/rust:1.60-buster: {{bootstrap: {{suite: buster, {RUST}",
    )
    assert len(unavailable(["rust:1.95.0"], None).detail) == len(unavailable(["rust:1"], HOST).detail) == 2
