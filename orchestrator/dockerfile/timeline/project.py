"""What lies beside a Dockerfile: the build context, its ignore rules, and the crates in it, read without cargo."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.manifests import SKIPPED, Package, read_packages, read_text, relative
from orchestrator.source.dockerignore import IgnoreRules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_FILES = 20_000


@dataclass(frozen=True)
class BuildContext:
    """The folder that is sent to the engine.

    Args:
        folder: absolute.
        ignore_file: the ignore file in force, None where there is none.
        label: the folder as people know it, for the names of its files.
        manifest: the workspace's manifest, relative to the folder; None: the first one that is found.
        named: folders of further crates, which need not belong to that workspace.
    """

    folder: Path
    ignore_file: Path | None
    label: str = "."
    manifest: str | None = None
    named: tuple[str, ...] = ()

    def shown(self, path: str) -> str:
        """Return a file's path for people."""
        return posixpath.normpath(posixpath.join(self.label, path))

    @cached_property
    def ignore(self) -> IgnoreRules:
        """Return what is left out."""
        text = read_text(self.ignore_file) if self.ignore_file else None
        return IgnoreRules(text or "")

    def sent(self, path: str) -> bool:
        """Return whether a path is there and is sent."""
        return (self.folder / path).exists() and not self.ignore.ignores(path)

    def exists(self, path: str) -> bool:
        """Return whether a path is there, sent or not."""
        return (self.folder / path).exists()

    def is_folder(self, path: str) -> bool:
        """Return whether a path is a folder."""
        return (self.folder / path).is_dir()

    def read(self, path: str) -> str | None:
        """Return a file's text; None where it is not there, no text, or too large to be a script."""
        place = self.folder / path
        return read_text(place) if place.is_file() else None

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """Return the local crates."""
        return read_packages(self.folder, self.manifest, self.named)

    def package_of(self, path: str) -> Package | None:
        """Return the crate that a file belongs to: the one with the deepest folder above it."""
        above = [each for each in self.packages if each.folder == "." or path.startswith(each.folder + "/")]
        return max(above, key=lambda each: 0 if each.folder == "." else len(each.folder), default=None)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Return the Rust sources and manifests of the local crates, relative to the context."""
        found: dict[str, None] = {}
        for package in self.packages:
            root = self.folder / package.folder
            for place in (root / "Cargo.toml", root / "build.rs"):
                if place.is_file():
                    found[relative(place, self.folder)] = None
            for place in _walk(root / "src"):
                if place.suffix == ".rs":
                    found[relative(place, self.folder)] = None
        return tuple(found)

    @cached_property
    def has_cargo_config(self) -> bool:
        """Return whether a cargo configuration could change folders and targets."""
        places = {".", *(package.folder for package in self.packages)}
        return any(
            (self.folder / place / ".cargo" / name).is_file() for place in places for name in ("config.toml", "config")
        )


def _walk(root: Path) -> Iterator[Path]:
    waiting, count = [root], 0
    while waiting and count < _MOST_FILES:
        try:
            children = sorted(waiting.pop().iterdir())
        except OSError:
            continue
        for child in children:
            count += 1
            if child.is_dir() and not child.is_symlink():
                if child.name not in SKIPPED:
                    waiting.append(child)
            elif child.is_file():
                yield child
