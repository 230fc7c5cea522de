"""`invoke clean` removes what the tool made, and nothing else."""

from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cargo, pytest.mark.alone]


def test_clean_leaves_the_users_images_and_files(hello: Any, engine: Any, tmp_path: Path) -> None:
    """The workspace and the tool's own tags go; the passed image, the bases and the project's files stay.

    What another project's run may be using goes with the next one.
    """
    assert hello.build().exit_code == 0
    passed = engine.image(hello.tag).id
    files = {path: path.read_bytes() for path in hello.folder.rglob("*") if path.is_file()}
    own = tmp_path / "tmp"
    own.mkdir()
    with (own / f"twinbuild-{os.getuid()}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        beside = hello.invoke("clean", "--spec", "buildspec.yaml", TMPDIR=str(own))
    assert beside.exit_code == 0, beside.stderr
    (tools,) = re.findall(
        r"^kept image (twinbuild\.local/tools:\w+): a run of another project", beside.stdout, re.MULTILINE
    )
    assert engine.image(tools) is not None
    assert not list((hello.workspace / "runs").iterdir())
    run = hello.invoke("clean", "--spec", "buildspec.yaml", TMPDIR=str(own))
    assert run.exit_code == 0, run.stderr
    assert f"removed image {tools}" in run.stdout
    assert engine.image(tools) is None
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
