"""What a user meets when something is wrong: one clear message, its place, the repair, and its own exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that is wrong.

    Attributes:
        edits: (file, text, what stands there instead); an empty text replaces the whole file, None removes it.
        where: the place that must be named; `file:line`.
        words: what message, repair or detail must say.
    """

    name: str
    edits: tuple[tuple[str, str, str | None], ...]
    exit_code: int
    cause: str
    where: str | None = None
    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


CASES = (
    Case(
        name="compile-error",
        edits=(("src/main.rs", "println!", "printline!"),),
        exit_code=10,
        cause="local-build-failed",
        where="src/main.rs:2:5",
        words=("cannot find macro `printline`",),
    ),
    Case(
        name="build-script-asks-git",
        edits=(
            (
                "build.rs",
                "",
                (
                    "use std::process::Command;\n"
                    'fn main() { assert!(Command::new("git").arg("rev-parse").status().unwrap().success()); }\n'
                ),
            ),
        ),
        exit_code=10,
        cause="local-build-failed",
        words=("the build script of hello failed, and it looks for git", "inputs: {GIT_HASH: ${source.commit}}"),
    ),
    Case(
        name="dockerfile-missing",
        edits=(("Dockerfile", "", None),),
        exit_code=11,
        cause="dockerfile-invalid",
        where="Dockerfile",
        words=("image.dockerfile",),
    ),
    Case(
        name="dockerfile-syntax",
        edits=(("Dockerfile", "WORKDIR /app", "WORKDIRR /app"),),
        exit_code=11,
        cause="dockerfile-invalid",
        where="Dockerfile:2",
        words=("WORKDIR",),
    ),
    Case(
        name="dockerfile-empty",
        edits=(("Dockerfile", "", "# nothing\n"),),
        exit_code=11,
        cause="dockerfile-invalid",
        where="Dockerfile",
    ),
    Case(
        name="unknown-stage",
        edits=(("buildspec.yaml", "binary:", "target: buildr, binary:"),),
        exit_code=11,
        cause="dockerfile-invalid",
        words=("did you mean builder",),
    ),
    Case(
        name="copy-of-a-missing-file",
        edits=(("Dockerfile", "COPY src src", "COPY source src"),),
        exit_code=12,
        cause="image-build-failed",
        where="Dockerfile:5",
        words=("source", "no such file"),
    ),
    Case(
        name="failing-step",
        edits=(("Dockerfile", "RUN touch", "RUN echo on the way && false && touch"),),
        exit_code=12,
        cause="image-build-failed",
        where="Dockerfile:6",
        words=("exit code 1", "on the way"),
    ),
    Case(
        name="base-unknown",
        edits=(("Dockerfile", "FROM debian:bookworm-slim", "FROM no-such-base:1"),),
        exit_code=9,
        cause="base-unavailable",
        words=("no-such-base:1", "bases"),
    ),
    Case(
        name="wrong-toolchain-in-the-base",
        edits=(("Dockerfile", "rust:1.95-", "rust:1.80-"), ("buildspec.yaml", "rust:1.95-", "rust:1.80-")),
        exit_code=7,
        cause="toolchain-mismatch",
        words=("1.80", "rustup toolchain install 1.80"),
    ),
    Case(
        name="newer-rustc-asked-for",
        edits=(("Cargo.toml", 'edition = "2021"\n', 'edition = "2021"\nrust-version = "1.999"\n'),),
        exit_code=7,
        cause="toolchain-mismatch",
        where="Cargo.toml:5",
        words=("asks for rustc 1.999", "rustup toolchain install 1.999"),
    ),
    Case(
        name="package-unknown",
        edits=(("buildspec.yaml", "{kind: cargo}", "{kind: cargo, binary: helo}"),),
        exit_code=2,
        cause="spec-invalid",
        words=("did you mean hello",),
    ),
    Case(
        name="no-lock-file",
        edits=(("Cargo.lock", "", None),),
        exit_code=10,
        cause="local-build-failed",
        words=("cargo generate-lockfile",),
    ),
    Case(
        name="no-engine",
        edits=(),
        exit_code=4,
        cause="engine-unreachable",
        words=("DOCKER_HOST",),
        environment={"DOCKER_HOST": "unix:///nowhere/docker.sock"},
    ),
    Case(
        name="no-cargo",
        edits=(),
        exit_code=6,
        cause="tool-missing",
        words=("cargo", "rustup"),
        environment={"PATH": "/usr/bin:/bin"},
    ),
    Case(
        name="binary-path-wrong-in-the-image",
        edits=(("buildspec.yaml", "/usr/local/bin/hello", "/usr/local/bin/helo"),),
        exit_code=1,
        cause="binary-missing",
        words=("/usr/local/bin/helo", "did you mean /usr/local/bin/hello?", "image.binary: /usr/local/bin/hello"),
    ),
    Case(
        name="entrypoint-not-executable",
        edits=(
            ("Dockerfile", "ENTRYPOINT [", 'COPY start.sh /start.sh\nENTRYPOINT ["/start.sh", '),
            ("start.sh", "", '#!/bin/sh\nexec "$@"\n'),
        ),
        exit_code=1,
        cause="entrypoint-not-executable",
        words=("/start.sh", "chmod"),
    ),
)


def edit(project: Any, case: Case) -> None:
    for name, found, instead in case.edits:
        place = project.folder / name
        if instead is None:
            place.unlink()
        else:
            text = place.read_text(encoding="utf-8") if found else ""
            assert found in text
            place.write_text(text.replace(found, instead) if found else instead, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_mistake_has_its_message_and_its_code(hello: Any, engine: Any, case: Case) -> None:
    """The message says what is wrong, where, and what to do; nothing is tagged, and the record holds the same."""
    edit(hello, case)
    run = hello.build(**case.environment)
    answer = run.record["failure"] or run.record["verdict"]
    assert (run.exit_code, answer["cause"]) == (case.exit_code, case.cause), answer
    where = answer["location"] or {}
    found = ":".join(str(where[key]) for key in ("file", "line", "column") if where.get(key) is not None)
    if case.where is not None:
        assert found.startswith(case.where), answer
    told = "\n".join([answer["message"], answer["repair"] or "", *answer.get("detail", ())])
    for word in case.words:
        assert word in told, told
    assert answer["repair"], answer
    assert engine.image(hello.tag) is None


def test_a_full_disk_is_named(hello: Any, tmp_path: Path) -> None:
    """The workspace's disk is full: which one, what helps, and the next run with room works."""
    place = tmp_path / "small-disk"
    place.mkdir()
    command = " ".join(
        [
            f"mount -t tmpfs -o size=2m tmpfs {place} &&",
            f"TWINBUILD_WORKSPACE={place}/workspace exec",
            *hello.command("build", "--spec", "buildspec.yaml"),
        ]
    )
    root = [] if os.getuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", "--mount", *root, "sh", "-c", command],
        cwd=hello.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 13, said
    assert "no-space" in said
    assert "invoke clean" in said
    assert "Traceback" not in said


def test_no_git_is_needed_without_a_work_tree(hello: Any) -> None:
    """A folder that is under no version control builds on a machine that has no git."""
    programs = hello.folder.parent / "programs"
    programs.mkdir()
    for name in ("cargo", "rustc", "cc", "ld", "as", "bwrap"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(Path(found).resolve() if name in {"cc", "ld", "as"} else found)
    run = hello.build(PATH=str(programs))
    assert run.exit_code == 0, run.record


def test_a_record_that_cannot_be_copied_leaves_the_verdict(hello: Any, engine: Any) -> None:
    """The disk behind `--record` is full: the tag has moved, so the run ends with 0, and says what is missing."""
    run = hello.build("--record", "/dev/full")
    assert (run.exit_code, run.record["image"]["promoted"]) == (0, True), run.stderr
    assert "cannot write /dev/full: No space left on device; the run is kept: `invoke show" in run.stderr
    assert engine.image(hello.tag) is not None


def test_what_a_failure_cuts_off_has_not_failed(hello: Any) -> None:
    """The host's compiler fails while a step of the image goes on, and the other way round."""
    program = hello.folder / "src/main.rs"
    sound, dockerfile = program.read_text(encoding="utf-8"), (hello.folder / "Dockerfile").read_text(encoding="utf-8")
    asleep = "fn main() {{ std::thread::sleep(std::time::Duration::from_secs({})); }}\n"
    hello.write(
        {
            "src/main.rs": "fn main() { nonsense }\n",
            # By its end the image is at the step that sleeps.
            "build.rs": asleep.format(8),
            "Dockerfile": dockerfile.replace("COPY src", "RUN sleep 77\nCOPY src"),
        }
    )
    run = hello.build()
    states = {(step["lane"], step["state"]) for step in run.record["steps"]}
    assert run.cause == "local-build-failed"
    assert {("local", "failed"), ("image", "cut-off")} <= states
    assert ("image", "failed") not in states
    assert "1 cut off" in hello.invoke("show").stdout

    hello.write(
        {
            "src/main.rs": sound,
            "build.rs": asleep.format(77),
            "Dockerfile": dockerfile.replace("COPY src", "RUN sleep 3; exit 7\nCOPY src"),
        }
    )
    run = hello.build()
    states = {(step["lane"], step["state"]) for step in run.record["steps"]}
    assert run.cause == "image-build-failed"
    assert {("image", "failed"), ("local", "cut-off")} <= states
    assert ("local", "failed") not in states
