"""The sample backend in a folder of its own, with one thing in its Dockerfile changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = "infrastructure/docker/Dockerfile.backend"

Edit = tuple[str, str]
"""A text of the Dockerfile, and what stands there instead."""


@pytest.fixture
def sample(project: Any) -> Callable[..., Any]:
    """Return what puts the sample backend into the project, with edits of its Dockerfile and settings of its spec."""

    def made(*edits: Edit, guard: str = "enforce") -> Any:
        for name in ("backend", "infrastructure/docker"):
            (project.folder / name).mkdir(parents=True)
            shutil.copytree(
                ROOT / name, project.folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target")
            )
        shutil.copy(ROOT / ".dockerignore", project.folder)
        dockerfile = (ROOT / DOCKERFILE).read_text(encoding="utf-8")
        for found, instead in edits:
            assert dockerfile.count(found) == 1, f"the Dockerfile no longer says {found!r} once"
            dockerfile = dockerfile.replace(found, instead)
        spec = (ROOT / "buildspec.yaml").read_text(encoding="utf-8").replace("backend:dev", project.tag)
        project.write({DOCKERFILE: dockerfile, "buildspec.yaml": f"{spec}\nstub: {{guard: {guard}}}\n"})
        _lend_dependencies(project.workspace)
        return project

    return made


def _lend_dependencies(workspace: Path) -> None:
    """Copy what the repository's own workspace has compiled, so that only the backend itself is compiled again."""
    own = ROOT / ".twinbuild"
    for name in ("target", "cargo"):
        if (own / name).is_dir() and not (workspace / name).exists():
            shutil.copytree(own / name, workspace / name, symlinks=True)
