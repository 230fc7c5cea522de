"""The bug that this tool is made for, on the sample backend: an image that ends at once, with code 0 and no output.

Three suspects were questioned in that investigation: a cached stub, a program that was never really built, and a wrong
file that was copied. Each is planted here, and each must be named, with its Dockerfile line and the repair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Sample = Callable[..., Any]

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

TOUCH = "find . -path ./target -prune -o -name '*.rs' -exec touch {} + \\\n    && "
BUILD = "COPY backend/ ./\n\n# Declared here"
PROGRAM = "    /build/target/release/backend \\\n    /build/target/release/backend-admin \\\n    /usr/local/bin/\n"


def line_of(project: Any, text: str) -> int:
    dockerfile = (project.folder / "infrastructure/docker/Dockerfile.backend").read_text(encoding="utf-8")
    return dockerfile[: dockerfile.index(text)].count("\n") + 1


def ships_a_stub(run: Any) -> None:
    """Assert the symptom: a fraction of the size, exit code 0, no output, `main` never reached."""
    local, _, image = run.record["programs"]
    assert image["size"] * 3 < local["size"]
    assert run.check("smoke")["cause"] == "silent-exit"
    assert "local prints 10 lines, the image 0" in run.check("behaviour")["message"]
    assert run.check("parity")["status"] == "failed"
    assert not run.record["image"]["promoted"]


def test_a_cached_stub_is_named(sample: Sample, engine: Any) -> None:
    """Suspect 1: nothing is touched, so cargo calls the placeholders' artifacts fresh."""
    project = sample((TOUCH, ""), guard="off")
    run = project.build()
    assert (run.exit_code, run.cause) == (1, "cached-stub")
    ships_a_stub(run)
    verdict = run.record["verdict"]
    assert "suspect: cached stub" in verdict["message"]
    assert verdict["location"]["line"] == line_of(project, "RUN cargo build --release --locked")
    assert "touch" in verdict["repair"]
    assert engine.image(project.tag) is None


def test_the_guard_heals_a_cached_stub(sample: Sample) -> None:
    """The same Dockerfile, with the guard on: the sources' content decides, and the program is the host's."""
    project = sample((TOUCH, ""))
    run = project.build()
    assert run.exit_code == 0, run.record["verdict"]
    local, builder, image = run.record["programs"]
    assert local["sha256"] == builder["sha256"] == image["sha256"]


def test_a_program_that_was_never_built_is_named(sample: Sample) -> None:
    """Suspect 2: the build step compiles the library and links nothing."""
    project = sample((TOUCH + "cargo build --release", TOUCH + "cargo build --release --lib"), guard="off")
    run = project.build()
    assert (run.exit_code, run.cause) == (1, "never-compiled")
    ships_a_stub(run)
    verdict = run.record["verdict"]
    assert "suspect: not really built" in verdict["message"]
    assert verdict["location"]["line"] == line_of(project, "RUN find .")
    assert "cargo build" in verdict["repair"]


def test_a_wrong_file_is_named(sample: Sample) -> None:
    """Suspect 3: the copy takes the neighbour of the right file."""
    wrong = "    /build/target/release/backend-admin \\\n    /usr/local/bin/backend\n"
    project = sample(
        (PROGRAM, wrong),
        ('CMD ["/usr/local/bin/backend-admin", "health"]', 'CMD ["/usr/local/bin/backend", "health"]'),
        guard="off",
    )
    run = project.build()
    assert (run.exit_code, run.cause) == (1, "wrong-file-copied")
    verdict = run.record["verdict"]
    assert "suspect: wrong file copied" in verdict["message"]
    assert "backend-admin" in verdict["message"] + str(run.check("stub-free")["evidence"])
    assert verdict["location"]["line"] == line_of(project, "COPY --from=builder")
    assert run.record["image"]["previous_id"] is None
