"""What the host has compiled of the dependencies is not compiled again in the image."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_MANIFEST = """\
[package]
name = "hello"
version = "0.1.0"
edition = "2021"

[dependencies]
itoa = "1"
lz4-sys = "1"
paste = "1"
"""
_MAIN = """\
paste::paste! {
    fn [<which _ program>]() -> &'static str {
        "the real program"
    }
}

fn main() {
    println!("hello from {}", which_program());
    let version = unsafe { lz4_sys::LZ4_versionNumber() };
    println!("{}", itoa::Buffer::new().format(version));
}
"""
_DOCKERFILE = """\
FROM rust:1.95-bookworm AS builder
WORKDIR /app
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release --locked
COPY src src
RUN cargo build --release --locked
FROM debian:bookworm-slim
COPY --from=builder /app/target/release/hello /usr/local/bin/hello
CMD ["hello"]
"""
_CRATES = ("itoa", "lz4-sys", "paste")


def prepare(project: Project) -> str:
    """Write the project, and return its manifest, which no other test has: offers are found by it."""
    manifest = f"{_MANIFEST}# {project.tag}\n"
    project.write({"Cargo.toml": manifest, "src/main.rs": _MAIN, "Dockerfile": _DOCKERFILE})
    subprocess.run(["cargo", "generate-lockfile"], cwd=project.folder, check=True, env=os.environ, capture_output=True)
    return manifest


def compiled_in_image(project: Project) -> list[str]:
    """Return which of the dependencies the last build's image compiled."""
    log = (project.workspace / "runs/latest/logs/image.log").read_text()
    return [crate for crate in _CRATES if f"Compiling {crate} v" in log]


def test_dependencies_compile_once(hello: Project) -> None:
    """Handed over at the first build, after which the layer stays; `--independent` takes none."""
    prepare(hello)
    first = hello.build()
    assert first.exit_code == 0, first.stderr
    assert compiled_in_image(hello) == []
    calls = first.record["calls"]
    assert [call["handed"] for call in calls] == ["plain native", ""], "the second call finds the first one's folder"
    programs = {program["sha256"] for program in first.record["programs"]}
    assert len(programs) == 1

    hello.write({"src/main.rs": _MAIN.replace("the real program", "the real program, changed")})
    changed = hello.build()
    assert changed.exit_code == 1, "another greeting than the spec expects"
    assert changed.check("stub-free")["status"] == "passed"
    states = {
        step["location"]["line"]: step["state"]
        for step in changed.record["steps"]
        if step["lane"] == "image" and step["location"]
    }
    assert (states[4], states[6]) == ("cached", "done")

    hello.write({"src/main.rs": _MAIN})
    alone = hello.build("--independent")
    assert alone.exit_code == 0, alone.stderr
    assert compiled_in_image(hello) == list(_CRATES)
    assert {program["sha256"] for program in alone.record["programs"]} == programs, "the same, whoever compiled it"
    assert "twinbuild.local/dependencies:" in hello.invoke("clean", "--spec", "buildspec.yaml", "--store").stdout


def test_a_damaged_artifact_is_left_out(hello: Project) -> None:
    """One bit of an rlib fell on the host between two builds: cargo does not see it, the handover does."""
    manifest = prepare(hello)
    assert hello.build().exit_code == 0
    (rlib,) = hello.workspace.glob("target/release/deps/libitoa-*.rlib")
    content = bytearray(rlib.read_bytes())
    content[len(content) // 2] ^= 1
    stamps = rlib.stat()
    rlib.write_bytes(content)
    os.utime(rlib, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    # Another manifest asks for another offer, made of what lies there.
    hello.write({"Cargo.toml": f"{manifest}# another\n"})
    run = hello.build()
    assert run.exit_code == 0, run.record["failure"] or run.record["verdict"]
    # Taken out of the offer; or, should cargo see for itself that something is amiss, compiled anew on the host.
    anew = any(package.startswith("itoa ") for package in run.record["local"]["compiled"])
    assert anew or "itoa" in compiled_in_image(hello), run.record["local"]
    assert {"lz4-sys", "paste"}.isdisjoint(compiled_in_image(hello))
    # The host's own program was linked before the bit fell.
    assert run.exit_code == 0, run.stderr
    cleaned = hello.invoke("clean", "--spec", "buildspec.yaml", "--store")
    assert cleaned.stdout.count("twinbuild.local/dependencies:") == 2
    assert hello.workspace.exists()
