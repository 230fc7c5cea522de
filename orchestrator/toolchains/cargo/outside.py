"""Path dependencies: folders of the project that a workspace needs although they lie beside it."""

from __future__ import annotations

import posixpath
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_HOLDERS = ("dependencies", "dev-dependencies", "build-dependencies", "patch", "replace")


def folders_outside(tree: Path, root: str, members: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of path dependencies outside a workspace, those that only they need included.

    Args:
        tree: the source tree.
        root: the workspace's folder, relative to the tree.
        members: folders of its packages, relative to the tree.
    """
    waiting, seen, outside = [root, *members], set(), set()
    while waiting:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        for path in _paths(_manifest(tree / folder / "Cargo.toml")):
            found = posixpath.normpath(posixpath.join(folder, path))
            # What leads out of the tree is not in the image either: cargo will say so.
            if not found.startswith(("..", "/")):
                waiting.append(found)
                if root != "." and not (found == root or found.startswith(f"{root}/")):
                    outside.add(found)
    return tuple(sorted(outside))


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Cargo has words of its own for a manifest that is missing or damaged.
        return {}


def _paths(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the `path` of every dependency, however deep the table that lists it (`target.….dependencies`)."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _dependencies(value) if key in _HOLDERS else _paths(value)


def _dependencies(table: Mapping[str, Any]) -> Iterator[str]:
    for value in table.values():
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str):
                yield path
            else:
                # `patch` has a level more: the registry that is patched.
                yield from _dependencies(value)
