"""`local: {where: container}`: the second opinion, from scratch and without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_MAIN = """\
fn main() {
    println!("hello from the real program");
    println!("{} {}", env!("CARGO_MANIFEST_DIR"), env!("MADE_ON"));
}
"""
_BUILD = """\
use std::net::TcpStream;
fn main() {
    let net = std::fs::read_dir("/sys/class/net").map(|all| all.count()).unwrap_or(0);
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    println!("cargo:rustc-env=MADE_ON={}", name.trim());
    if std::env::var("CARGO_TARGET_DIR").is_err() && net <= 1 && TcpStream::connect("10.0.0.1:80").is_err() {
        println!("cargo:warning=no network here");
    }
}
"""


def test_a_clean_container_is_the_local_side(hello: Project) -> None:
    """Same paths, so the same bytes; the record says which way was taken; what fails is told in its place."""
    spec = (hello.folder / "buildspec.yaml").read_text()
    hello.write({"buildspec.yaml": f"{spec}local: {{where: container}}\n", "src/main.rs": _MAIN, "build.rs": _BUILD})
    dockerfile = (hello.folder / "Dockerfile").read_text()
    hello.write({"Dockerfile": dockerfile.replace("COPY src src", "COPY build.rs ./\nCOPY src src")})
    made = hello.build()
    assert made.exit_code == 0, made.stderr
    record = made.record
    assert record["place"].startswith("container (clean container of rust:1.95-bookworm, ")
    assert record["local"]["compiled"] == ["hello 0.1.0"]
    programs = {program["side"]: program for program in record["programs"]}
    assert programs["local"]["origin"] == "container:/app/target/release/hello"
    assert programs["local"]["sha256"] == programs["image"]["sha256"]
    log = (hello.workspace / "runs/latest/logs/local.log").read_text()
    assert "no network here" in log
    assert not list(hello.workspace.glob("target/release/hello")), "nothing was built on the host"

    again = hello.build()
    assert again.exit_code == 0, again.stderr
    local = [step for step in again.record["steps"] if step["lane"] == "local"]
    assert [step["state"] for step in local] == ["cached"]

    hello.write({"src/main.rs": 'fn main() {\n    let wrong: u8 = "text";\n}\n'})
    broken = hello.build()
    assert broken.exit_code in {10, 12}
    assert broken.record["failure"]["location"] is not None
