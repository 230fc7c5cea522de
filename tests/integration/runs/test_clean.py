"""`invoke clean` removes what the tool made, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo, pytest.mark.alone]


def test_clean_leaves_the_users_images_and_files(hello: Any, engine: Any) -> None:
    """The workspace and the tool's own tags go; the passed image, the bases and the project's files stay."""
    assert hello.build().exit_code == 0
    passed = engine.image(hello.tag).id
    files = {path: path.read_bytes() for path in hello.folder.rglob("*") if path.is_file()}
    run = hello.invoke("clean", "--spec", "buildspec.yaml")
    assert run.exit_code == 0, run.stderr
    assert "twinbuild.local/tools" in run.stdout
    assert "twinbuild.local/base" not in run.stdout
    assert not hello.workspace.exists()
    assert engine.image(hello.tag).id == passed
    assert {path: path.read_bytes() for path in hello.folder.rglob("*") if path.is_file()} == files
    again = hello.invoke("clean", "--spec", "buildspec.yaml")
    assert (again.exit_code, again.stdout[:17]) == (0, "nothing to remove")


def test_cleaned_caches_give_the_same_program_and_image(hello: Any, engine: Any) -> None:
    """Nothing of an earlier build is needed to get the same bytes: program and image have the same digests."""
    first = hello.build()
    assert first.exit_code == 0, first.record
    hello.invoke("clean", "--spec", "buildspec.yaml")
    # Another build argument is another cache key for every step from here on: nothing is served from the cache.
    place = hello.folder / "Dockerfile"
    text = place.read_text(encoding="utf-8").replace("WORKDIR /app\n", f"ARG FRESH={hello.tag}\nWORKDIR /app\n", 1)
    place.write_text(text.replace("RUN mkdir", "RUN : $FRESH; mkdir"), encoding="utf-8")
    second = hello.build()
    assert second.exit_code == 0, second.record
    assert {program["sha256"] for program in first.record["programs"] + second.record["programs"]} == {
        first.record["programs"][0]["sha256"]
    }
    assert second.record["image"]["candidate_id"] == first.record["image"]["candidate_id"]
    assert engine.image(hello.tag).id == first.record["image"]["candidate_id"]
