"""Base images that bring more than files: a folder to begin in, as rust-musl-builder does, and ONBUILD triggers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from orchestrator.bases.image import PINNED
from tests.integration.conftest import HELLO, RUST
from tests.integration.corpus.raw import OLD, raw_build, run_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

SPEC = """\
version: 1
project: hello
toolchain: {{kind: cargo}}
image: {{tag: "{tag}", binary: /home/rust/src/target/release/hello}}
smoke: {{kind: job}}
"""


@pytest.fixture
def made_base(engine: Engine, bases: Mapping[str, str], project: Project) -> Iterator[Callable[[str], str]]:
    """Return what makes a base of the Rust base by more instructions, under a tag that is removed afterwards."""
    rust = engine.image(bases[RUST])
    assert rust is not None
    tag, pins = f"twinbuild-test-{secrets.token_hex(4)}:base", {RUST: rust.tags[0]}
    pinned = ""

    def make(instructions: str) -> str:
        nonlocal pinned
        text = f"FROM {RUST}\n{instructions}\n".encode()
        made = raw_build(engine, {"Dockerfile": text}, pins=pins, scratch=project.folder.parent, mtime=OLD)
        engine.tag(made, tag)
        pinned = f"{PINNED}:{made.removeprefix('sha256:')[:16]}"
        return tag

    yield make
    for name in (project.tag, tag, pinned):
        engine.remove_image(name)


def test_sources_lie_where_the_base_begins(engine: Engine, made_base: Callable[[str], str], project: Project) -> None:
    """The Dockerfile names no folder; the host builds where the image does, so what the program says of it is equal."""
    base = made_base("WORKDIR /home/rust/src")
    main = 'fn main() {\n    println!("built in {}", env!("CARGO_MANIFEST_DIR"));\n}\n'
    dockerfile = f'FROM {base}\nCOPY . .\nRUN cargo build --release --locked\nCMD ["target/release/hello"]\n'
    spec = SPEC.format(tag=project.tag)
    project.write({**HELLO, "src/main.rs": main, "Dockerfile": dockerfile, "buildspec.yaml": spec})
    run = project.build()
    assert run.exit_code == 0, run.record["checks"]
    assert run_image(engine, project.tag).prints == "built in /home/rust/src\n"


def test_triggers_of_a_base_are_not_witnessed_and_that_is_said(
    made_base: Callable[[str], str], project: Project
) -> None:
    """They are no steps of the Dockerfile: the placeholder that they leave is not known, and never passed."""
    base = made_base(
        "WORKDIR /home/rust/src\nONBUILD COPY Cargo.toml Cargo.lock ./\nONBUILD RUN mkdir src && "
        "echo 'fn main() {}' > src/main.rs && cargo build --release --locked\nONBUILD COPY src src\n"
        "ONBUILD RUN cargo build --release --locked"
    )
    dockerfile = f'FROM {base}\nCMD ["target/release/hello"]\n'
    project.write({**HELLO, "Dockerfile": dockerfile, "buildspec.yaml": SPEC.format(tag=project.tag)})
    run = project.build()
    found = run.check("stub-free")
    assert (run.exit_code, found["status"], found["cause"]) == (1, "unknown", "unwitnessed")
    assert "ONBUILD" in found["message"]
    assert found["location"]["line"] == 1
