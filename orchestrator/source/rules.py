"""Which files are no part of the project: the spec's `exclude`, and .gitignore files where there is no git."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ALWAYS_OUT = frozenset({".git", ".twinbuild"})
"""Names that are never source: git's own folder and this tool's."""


class Exclusion:
    """The spec's `exclude` patterns, in .gitignore syntax."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._spec = GitIgnoreSpec.from_lines(patterns) if patterns else None

    def covers(self, path: str) -> bool:
        """Return whether a path is left out."""
        return self._spec is not None and self._spec.match_file(path)


def walk_without_git(root: Path) -> Iterator[str]:
    """Yield the paths below a folder that no .gitignore in it leaves out, as git would in a fresh repository."""
    yield from _walk(root, "", ())


def _walk(root: Path, folder: str, outer: tuple[tuple[str, GitIgnoreSpec], ...]) -> Iterator[str]:
    specs = outer
    ignore = root / folder / ".gitignore"
    if ignore.is_file():
        lines = ignore.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        specs = (*outer, (folder, GitIgnoreSpec.from_lines(lines)))
    with os.scandir(root / folder) as entries:
        for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name)):
            path = posixpath.join(folder, entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in ALWAYS_OUT or _ignored(path, specs, is_folder=is_folder):
                continue
            if is_folder:
                yield from _walk(root, path, specs)
            else:
                yield path


def _ignored(path: str, specs: tuple[tuple[str, GitIgnoreSpec], ...], *, is_folder: bool) -> bool:
    """Return whether the nearest .gitignore that has a word on a path leaves it out."""
    for folder, spec in reversed(specs):
        below = posixpath.relpath(path, folder) if folder else path
        said = spec.check_file(below + "/" if is_folder else below).include
        if said is not None:
            return said
    return False
