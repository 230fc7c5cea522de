"""This machine's root folder as a sandbox sees it (bubblewrap): entry by entry, read-only, with room for other things.

A mount point cannot be made in a folder that is only bound. So each folder on the way to one is made anew, and its
entries are bound one by one. What container engines keep is left out in any case: they mount and unmount there all the
time, and a bind of a folder above would trip over a mount that is gone when its turn comes (measured: `bwrap: Can't
remount readonly on …/merged: Invalid argument`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENGINES = ("/run/containerd", "/run/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker")


def root_view(ours: Sequence[str]) -> Iterator[str]:
    """Yield the arguments for the root folder.

    Args:
        ours: absolute paths at which the sandbox has something of its own, or nothing; they need not exist here.
    """
    yield from _entries(Path("/"), [Path(name) for name in (*ours, *_ENGINES)])


def _entries(folder: Path, ours: Sequence[Path]) -> Iterator[str]:
    for entry in _listed(folder):
        if entry in ours:
            continue
        if entry.is_symlink():
            yield from ("--symlink", str(entry.readlink()), str(entry))
        elif any(place.is_relative_to(entry) for place in ours):
            yield from ("--dir", str(entry))
            yield from _entries(entry, ours)
        else:
            # Whatever goes away meanwhile is no reason to fail.
            yield from ("--ro-bind-try", str(entry), str(entry))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (PermissionError, FileNotFoundError):
        return []
