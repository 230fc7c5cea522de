"""Which folder is a Dockerfile's build context, where nobody says it: judged by what COPY wants from it."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.project import BuildContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.dockerfile.model import Dockerfile

_HIGHEST = 3


def context_beside(path: Path, dockerfile: Dockerfile) -> BuildContext | None:
    """Return the build context of a Dockerfile that lies in it or in a folder of it.

    It is the nearest folder upwards, not above the repository's root, that has a crate and every path that COPY names
    literally. None where no folder fits: better nothing known than something wrong.
    """
    wanted = list(_wanted(dockerfile))
    for folder in _upwards(path):
        has_crate = (folder / "Cargo.toml").is_file() or any(
            "Cargo.toml" in name and (folder / name).is_file() for name in wanted
        )
        if wanted and all((folder / name).exists() for name in wanted) and (has_crate or _crate_below(folder, wanted)):
            named = tuple(dict.fromkeys(_crates_named(folder, wanted)))
            return context_at(folder, path, named=named)
    return None


def context_at(
    folder: Path, dockerfile: Path, *, manifest: str | None = None, named: tuple[str, ...] = ()
) -> BuildContext:
    """Return a folder as build context. The Dockerfile's own ignore file goes before the context's, as in Docker.

    Args:
        folder: absolute.
        dockerfile: where it lies.
        manifest: the workspace's manifest, relative to the folder, where it is known.
        named: folders of crates that need not belong to that workspace.
    """
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    ignore = next((each for each in (own, folder / ".dockerignore") if each.is_file()), None)
    try:
        label = folder.relative_to(Path.cwd()).as_posix()
    except ValueError:
        label = folder.as_posix()
    return BuildContext(folder, ignore, label, manifest, named)


def _upwards(path: Path) -> Iterator[Path]:
    folder = path.resolve().parent
    for _ in range(_HIGHEST + 1):
        yield folder
        if (folder / ".git").exists() or folder.parent == folder:
            return
        folder = folder.parent


def _wanted(dockerfile: Dockerfile) -> Iterator[str]:
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.keyword in {"COPY", "ADD"} and instruction.flag("from") is None and not instruction.heredocs:
                for word in instruction.values[:-1]:
                    if not re.search(r"[*?\[$:\0]", word):
                        yield word.strip("/") or "."


def _crates_named(folder: Path, wanted: list[str]) -> Iterator[str]:
    """Yield the folders whose manifest COPY names: a repository may hold crates beside its workspace."""
    for name in wanted:
        place, _, last = name.rpartition("/")
        if last == "Cargo.toml" and (folder / name).is_file():
            yield posixpath.normpath(place or ".")


def _crate_below(folder: Path, wanted: list[str]) -> bool:
    return any((folder / name / "Cargo.toml").is_file() for name in wanted)
