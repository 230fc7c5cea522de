"""Which paths a COPY surely has in the image."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from orchestrator.build.lower import Lower
from orchestrator.build.plain_copy import named_files
from orchestrator.dockerfile.parse import parse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lower(tmp_path: Path) -> Lower:
    """Return layers with a folder /srv."""
    with tarfile.open(tmp_path / "layer.tar", "w") as tar:
        folder = tarfile.TarInfo("srv")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    made = Lower()
    made.add(tmp_path / "layer.tar")
    return made


def named(line: str, lower: Lower) -> frozenset[str] | None:
    stage = parse(f"FROM scratch AS b\nFROM scratch\n{line}\n", file="Dockerfile", arguments={}).stages[1]
    return named_files(stage.instructions[0], lower)


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("COPY --from=b /out/app /app", {"/app"}),
        ("COPY --from=b --chown=7:8 /out/app /srv", {"/srv/app"}),
        ("COPY app /srv/bin/", {"app"}),
        ("COPY app /", {"app"}),
        ("COPY --chmod=755 a/one b/two bin/", {"one", "two"}),
        ('COPY ["a one", "/b"]', {"/b"}),
        ("WORKDIR /data", set()),
    ],
)
def test_files_that_are_named_one_by_one(line: str, paths: set[str], lower: Lower) -> None:
    """By path where it is told, by name where a folder is."""
    assert named(line, lower) == paths


@pytest.mark.parametrize(
    "line",
    [
        "COPY . /app",
        "COPY src/ /app",
        "COPY .. /app",
        "COPY *.so /lib/",
        "COPY $WHAT /app",
        "COPY app bin",
        "COPY --link app /app",
        "COPY --parents a/b /app/",
        "ADD app.tar /app",
        "ADD app /app",
        "RUN true",
        "COPY <<EOF /app\nx\nEOF",
    ],
)
def test_anything_else_does_not_tell(line: str, lower: Lower) -> None:
    """Folders, patterns, variables, a place that depends on WORKDIR, flags that mean more."""
    assert named(line, lower) is None
