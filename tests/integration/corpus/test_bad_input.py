"""Projects and Dockerfiles that cannot be built: a located message that says what to do, and nothing is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import SLIM

if TYPE_CHECKING:
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

DOCKERFILES = {
    "empty": (b"", "no instructions", "Dockerfile"),
    "binary": (b"\x7fELF\0\0\0\0", "no text", "Dockerfile:1"),
    "too-large": (b"#\n" * (25 << 20), "52,428,800 bytes", "Dockerfile"),
    "unknown-instruction": (f"FROM {SLIM}\nRUM true\n".encode(), "did you mean RUN?", "Dockerfile:2"),
    "windows-line-ends": (f"FROM {SLIM}\r\nRUM true\r\n".encode(), "did you mean RUN?", "Dockerfile:2"),
    "cycle": (
        f"FROM {SLIM} AS a\nCOPY --from=b /x /x\nFROM {SLIM} AS b\nCOPY --from=a /x /x\n".encode(),
        "line 3, which comes later",
        "Dockerfile:2",
    ),
}


@pytest.mark.parametrize(("content", "said", "where"), DOCKERFILES.values(), ids=DOCKERFILES)
def test_a_bad_dockerfile_is_told_with_its_place(hello: Project, content: bytes, said: str, where: str) -> None:
    """The run ends with the Dockerfile's own exit code, and names file, line and repair."""
    hello.write({"Dockerfile": content})
    run = hello.build()
    assert (run.exit_code, run.cause) == (11, "dockerfile-invalid"), run.stderr
    failure = run.record["failure"]
    assert said in failure["message"]
    assert failure["repair"]
    line = failure["location"]["line"]
    assert where == failure["location"]["file"] + (f":{line}" if line else "")


def test_an_unknown_stage_is_told_with_the_known_ones(hello: Project) -> None:
    spec = (hello.folder / "buildspec.yaml").read_text(encoding="utf-8")
    hello.write({"buildspec.yaml": spec.replace("image: {", "image: {target: bilder, ")})
    run = hello.build()
    assert run.exit_code == 11
    assert "did you mean builder?" in run.record["failure"]["message"]


def test_a_project_without_a_lock_file_is_told_how_to_make_one(hello: Project) -> None:
    (hello.folder / "Cargo.lock").unlink()
    run = hello.build()
    assert run.exit_code not in {0, 1}
    failure = run.record["failure"]
    said = f"{failure['message']} {failure['repair']}"
    assert "Cargo.lock" in said
    assert "cargo generate-lockfile" in said


def test_a_broken_manifest_is_told_in_cargos_words(hello: Project) -> None:
    hello.write({"Cargo.toml": '[package]\nname = "hello\n'})
    run = hello.build()
    assert (run.exit_code, run.record["failure"]["location"]["file"]) == (2, "Cargo.toml")
    assert "Cargo.toml:2" in "\n".join(run.record["failure"]["detail"])


def test_a_program_that_no_package_has_is_told_with_the_known_ones(hello: Project) -> None:
    spec = (hello.folder / "buildspec.yaml").read_text(encoding="utf-8")
    hello.write({"buildspec.yaml": spec.replace("{kind: cargo}", "{kind: cargo, binary: helo}")})
    run = hello.build()
    assert run.exit_code == 2
    assert "did you mean hello?" in run.record["failure"]["message"]


def test_two_packages_of_one_name_are_told(hello: Project) -> None:
    member = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n'
    hello.write(
        {
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\n',
            **{f"{folder}/Cargo.toml": member for folder in "ab"},
            **{f"{folder}/src/main.rs": "fn main() {}\n" for folder in "ab"},
        }
    )
    run = hello.build()
    assert run.exit_code not in {0, 1}
    assert "hello" in "\n".join((run.record["failure"]["message"], *run.record["failure"]["detail"]))
    assert run.record["failure"]["repair"]


def test_a_package_without_a_program_is_told(hello: Project) -> None:
    (hello.folder / "src/main.rs").rename(hello.folder / "src/lib.rs")
    run = hello.build()
    failure = run.record["failure"]
    assert (run.exit_code, failure["location"]["file"]) == (2, "Cargo.toml")
    assert "the package `hello` has no program" in failure["message"]


def test_several_programs_of_which_none_is_named_are_told(hello: Project) -> None:
    (hello.folder / "src/main.rs").unlink()
    hello.write({f"src/bin/{name}.rs": "fn main() {}\n" for name in "ab"})
    run = hello.build()
    assert run.exit_code == 2
    assert run.record["failure"]["repair"] == "name one in `toolchain.binary`: a, b"


def test_a_lock_file_of_a_newer_cargo_is_not_taken_for_an_old_one(hello: Project) -> None:
    hello.write({"Cargo.lock": "version = 99\n"})
    run = hello.build()
    failure = run.record["failure"]
    assert (run.exit_code, failure["location"]["file"]) == (10, "Cargo.lock")
    assert "cargo cannot read Cargo.lock" in failure["message"]


def test_a_lock_file_that_lacks_a_dependency_is_told_with_the_command_that_mends_it(hello: Project) -> None:
    hello.write({"Cargo.toml": (hello.folder / "Cargo.toml").read_text() + '[dependencies]\nserde = "1"\n'})
    run = hello.build()
    failure = run.record["failure"]
    assert "Cargo.lock does not fit the manifests" in failure["message"]
    assert "cargo update --workspace" in failure["repair"]
