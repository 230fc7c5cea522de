"""Which files are no part of the project: the spec's `exclude`, and .gitignore files where there is no git."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from orchestrator.errors import SourceUnreadableError

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
    """Yield the paths below a folder that no .gitignore in it leaves out, as git would in a fresh repository.

    Raises:
        SourceUnreadableError: a folder or a .gitignore cannot be read.
    """
    waiting: list[tuple[str, tuple[tuple[str, GitIgnoreSpec], ...]]] = [("", ())]
    while waiting:
        folder, outer = waiting.pop()
        try:
            specs = (*outer, *_own_rules(root, folder))
            with os.scandir(root / folder) as entries:
                found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            raise SourceUnreadableError(
                f"{folder or root} cannot be read: {error.strerror}", repair="make it readable, or move it elsewhere"
            ) from error
        for entry in found:
            path = posixpath.join(folder, entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in ALWAYS_OUT or _ignored(path, specs, is_folder=is_folder):
                continue
            if is_folder:
                waiting.append((path, specs))
            else:
                yield path


def _own_rules(root: Path, folder: str) -> Iterator[tuple[str, GitIgnoreSpec]]:
    ignore = root / folder / ".gitignore"
    # Git does not follow a link here (gitignore(5), NOTES).
    if not ignore.is_symlink() and ignore.is_file():
        lines = ignore.read_bytes().decode(errors="surrogateescape").removeprefix("\ufeff").split("\n")
        yield (
            folder,
            GitIgnoreSpec.from_lines(line for line in (each.removesuffix("\r") for each in lines) if _fits(line)),
        )


def _fits(line: str) -> bool:
    """Return whether a line of .gitignore is a pattern; git lets others stand without a word."""
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


def _ignored(path: str, specs: tuple[tuple[str, GitIgnoreSpec], ...], *, is_folder: bool) -> bool:
    """Return whether the nearest .gitignore that has a word on a path leaves it out."""
    for folder, spec in reversed(specs):
        below = posixpath.relpath(path, folder) if folder else path
        said = spec.check_file(below + "/" if is_folder else below).include
        if said is not None:
            return said
    return False
