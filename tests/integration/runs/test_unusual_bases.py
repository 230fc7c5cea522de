"""Base images that bring more than files: a folder to begin in, as rust-musl-builder does, and ONBUILD triggers."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.bases.image import PINNED, BaseImage, Origin
from orchestrator.build.bare_base import BARE, bare_base
from orchestrator.engine.store import read_config
from orchestrator.workspace import Workspace
from tests.integration.conftest import HELLO, RUST
from tests.integration.corpus.raw import OLD, raw_build, run_image, shipped_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

BINARY = "/home/rust/src/target/release/hello"
SPEC = """\
version: 1
project: hello
toolchain: {{kind: cargo}}
image: {{tag: "{tag}", binary: /home/rust/src/target/release/hello}}
smoke: {{kind: job}}
"""


WITH_RUST = SPEC + (
    "bases:\n"
    "  rust:1.95-bookworm:\n"
    "    {{bootstrap: {{suite: bookworm, packages: [ca-certificates, gcc, libc6-dev], toolchain: host}}}}\n"
)


@pytest.fixture
def made_base(engine: Engine, bases: Mapping[str, str], project: Project) -> Iterator[Callable[[str], str]]:
    """Return what makes a base of the Rust base by more instructions, under a tag that is removed afterwards."""
    rust = engine.image(bases[RUST])
    assert rust is not None
    tag, pins = f"twinbuild-test-{secrets.token_hex(4)}:base", {RUST: rust.tags[0]}
    own: list[str] = []

    def make(instructions: str) -> str:
        text = f"FROM {RUST}\n{instructions}\n".encode()
        made = raw_build(engine, {"Dockerfile": text}, pins=pins, scratch=project.folder.parent, mtime=OLD)
        engine.tag(made, tag)
        key = made.removeprefix("sha256:")[:16]
        own[:] = [f"{PINNED}:{key}", f"{BARE}:{key}"]
        return tag

    yield make
    for name in (project.tag, tag, *own):
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


STUBBED = (
    "WORKDIR /home/rust/src\nONBUILD COPY Cargo.toml Cargo.lock ./\nONBUILD RUN mkdir src && "
    "echo 'fn main() {}' > src/main.rs && cargo build --release --locked\nONBUILD COPY src src\n"
    "ONBUILD RUN cargo build --release --locked"
)
"""A base whose triggers cache dependencies by a placeholder, and let cargo keep it."""


def test_a_stub_that_triggers_of_a_base_make_is_healed(
    engine: Engine, made_base: Callable[[str], str], project: Project
) -> None:
    """They are steps like any other; of the Dockerfile that COPY takes along nothing has changed."""
    base = made_base(STUBBED.replace("COPY src src", "COPY . ."))
    dockerfile = f'# The whole of it.\nFROM {base}\nCMD ["target/release/hello"]'
    files = {**HELLO, "Dockerfile": dockerfile, "buildspec.yaml": SPEC.format(tag=project.tag)}
    project.write(files)
    run = project.build()
    assert run.exit_code == 0, run.record["checks"]
    assert run_image(engine, project.tag).prints == "hello from the real program\n"
    calls = run.record["calls"]
    assert [(call["line"], call["trigger"].partition(" ")[0]) for call in calls] == [(2, "RUN"), (2, "RUN")]
    assert calls[-1]["trigger"] == "RUN cargo build --release --locked"
    found = shipped_sha256(engine, project.tag, "/home/rust/src/Dockerfile")
    assert found == hashlib.sha256(dockerfile.encode()).hexdigest()
    made = engine.image(project.tag)
    assert made is not None
    assert made.triggers == ()


def test_a_stub_that_triggers_of_a_base_make_is_refused_with_its_from(
    made_base: Callable[[str], str], project: Project
) -> None:
    base = made_base(STUBBED)
    spec = SPEC.format(tag=project.tag) + "stub: {guard: observe}\n"
    dockerfile = f'ARG BASE={base}\n\nFROM ${{BASE}}\nRUN : something else\nCMD ["target/release/hello"]\n'
    project.write({**HELLO, "Dockerfile": dockerfile, "buildspec.yaml": spec})
    run = project.build()
    found = run.check("stub-free")
    assert (run.exit_code, found["status"], found["cause"]) == (1, "failed", "cached-stub")
    assert found["location"] == {"file": "Dockerfile", "line": 3, "column": None}
    assert "at line 3 (ONBUILD `RUN cargo build --release --locked`) found it fresh" in found["message"]
    assert f"ONBUILD triggers of {base}" in found["repair"]
    quoted = next(each for each in run.record["excerpts"] if each["file"] == "Dockerfile")
    assert quoted["lines"] == dockerfile.splitlines()


def test_sound_triggers_of_a_base_make_the_program_of_a_plain_build(
    engine: Engine, made_base: Callable[[str], str], project: Project
) -> None:
    """Every kind of instruction among them, two stages on the base, and a third that only takes files out of it."""
    base = made_base(
        "WORKDIR /home\nONBUILD ARG PROFILE=release\nONBUILD ENV WHERE=/home/rust/src\nONBUILD WORKDIR ${WHERE}\n"
        'ONBUILD COPY ["Cargo.toml", "Cargo.lock", "./"]\nONBUILD COPY src src\n'
        "ONBUILD RUN cargo build --profile ${PROFILE} \\\n    --locked"
    )
    dockerfile = (
        f'FROM {base} AS first\nRUN test -x target/release/hello && echo "$PROFILE" > /kept\n'
        f"FROM {base}\nCOPY --from=first /kept /kept\nCOPY --from={base} /etc/debian_version /taken\n"
        'RUN rm -rf target/release/build\nCMD ["target/release/hello"]\n'
    )
    spec = SPEC.format(tag=project.tag)
    files = {**HELLO, "Dockerfile": dockerfile}
    raw = raw_build(
        engine, {name: text.encode() for name, text in files.items()}, pins={}, scratch=project.folder, mtime=OLD
    )
    try:
        plain = shipped_sha256(engine, raw, BINARY)
        (project.folder / "raw.tar").unlink()
        project.write({**files, "buildspec.yaml": spec})
        run = project.build()
        assert run.exit_code == 0, run.record["checks"]
        assert run.check("stub-free")["message"].startswith("written by `cargo build --profile release --locked` at li")
        assert shipped_sha256(engine, project.tag, BINARY) == plain
        before, after = engine.image(raw), engine.image(project.tag)
        assert before is not None
        assert after is not None
        assert after.environment == before.environment
        assert after.working_directory == before.working_directory
        assert len(after.layers) == len(before.layers)
    finally:
        engine.remove_image(raw)


def test_a_trigger_that_fails_is_told_with_its_from(made_base: Callable[[str], str], project: Project) -> None:
    base = made_base("WORKDIR /app\nONBUILD COPY . .\nONBUILD RUN echo no such luck && exit 7")
    dockerfile = f'FROM {RUST} AS other\nRUN true\n\nFROM {base}\nRUN false\nCMD ["target/release/hello"]\n'
    project.write({**HELLO, "Dockerfile": dockerfile, "buildspec.yaml": WITH_RUST.format(tag=project.tag)})
    failure = project.build().record["failure"]
    assert (failure["cause"], failure["location"]["line"]) == ("image-build-failed", 4)
    assert f"ONBUILD trigger `RUN echo no such luck && exit 7` of the base {base}" in failure["message"]
    assert failure["detail"][-1] == "no such luck"


def test_a_step_below_triggers_is_told_with_its_own_line(made_base: Callable[[str], str], project: Project) -> None:
    base = made_base("WORKDIR /app\nONBUILD COPY . .\nONBUILD RUN true")
    dockerfile = f'FROM {base}\nRUN true\nRUN exit 7\nCMD ["target/release/hello"]\n'
    project.write({**HELLO, "Dockerfile": dockerfile, "buildspec.yaml": SPEC.format(tag=project.tag)})
    run = project.build()
    failure = run.record["failure"]
    assert (failure["cause"], failure["location"]["line"]) == ("image-build-failed", 3)
    assert "ONBUILD" not in failure["message"]
    places = {step["name"].partition("] ")[2]: step["location"] for step in run.record["steps"] if step["location"]}
    assert places[f"COPY . . (ONBUILD of {base})"]["line"] == 1


def test_triggers_that_take_files_from_a_stage_are_not_witnessed_and_that_is_said(
    made_base: Callable[[str], str], project: Project
) -> None:
    """What engines make of those differs, so they are left to it: what they leave is not known, and never passed."""
    base = made_base(f"{STUBBED}\nONBUILD COPY --from=tools /etc/debian_version /taken")
    dockerfile = (
        f"FROM {RUST} AS tools\nRUN true\nFROM {base}\nCOPY --from=tools /etc/debian_version /also\n"
        'CMD ["target/release/hello"]\n'
    )
    project.write({**HELLO, "Dockerfile": dockerfile, "buildspec.yaml": WITH_RUST.format(tag=project.tag)})
    run = project.build()
    assert run.record["checks"], run.record["failure"]
    found = run.check("stub-free")
    assert (run.exit_code, found["status"], found["cause"]) == (1, "unknown", "unwitnessed")
    assert "ONBUILD" in found["message"]
    assert found["location"]["line"] == 3


def test_a_base_without_its_triggers_is_the_same_image_otherwise(
    engine: Engine, made_base: Callable[[str], str], project: Project
) -> None:
    base = engine.image(made_base("ENV A=b\nUSER 7\nONBUILD RUN true"))
    assert base is not None
    wanted = replace(base, id="", tags=(), triggers=())
    before = json.loads(read_config(engine, base.id))
    workspace = Workspace.open(project.workspace)
    image = BaseImage(reference="x", pinned="x", image_id=base.id, origin=Origin.ENGINE, environment={})
    tag = bare_base(engine, image, workspace=workspace, emit=lambda _event: None)
    made = engine.image(tag)
    assert made is not None
    assert replace(made, id="", tags=(), tagged=base.tagged) == wanted
    after = json.loads(read_config(engine, made.id))
    assert {key: before[key] for key in ("history", "rootfs")} == {key: after[key] for key in ("history", "rootfs")}
