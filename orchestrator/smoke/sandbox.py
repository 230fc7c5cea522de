"""Namespaces for the host's program (bubblewrap): this machine read-only, private writable folders, loopback alone.

So it finds its port free, writes where the image's program may write, and leaves nothing behind.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PROGRAMS = "/run/twinbuild"
_OWN = ("/dev", "/proc", "/run")
"""Where the sandbox has something of its own instead of this machine's."""


def writable_places(writable: Sequence[str], folder: Path) -> dict[str, Path]:
    """Make a private folder for each folder that the plan lets the program write to, and return them by its path."""
    places = {}
    for number, path in enumerate(sorted(writable)):
        places[path] = folder / str(number)
        places[path].mkdir()
    return places


def sandbox_command(program: Path, places: Mapping[str, Path], environment: Mapping[str, str]) -> list[str] | None:
    """Return the command line that runs a program in namespaces, or None where none are to be had.

    Args:
        program: the program on this machine.
        places: private folders by the path at which the program sees them; the paths need not exist on this machine.
        environment: PATH, to find bubblewrap.
    """
    bwrap = shutil.which("bwrap", path=environment.get("PATH"))
    if bwrap is None:
        return None
    inside = f"{_PROGRAMS}/{program.name}"
    sandbox = [bwrap, "--die-with-parent", "--unshare-net", "--unshare-ipc", *_root(places)]
    sandbox += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--ro-bind", str(program), inside]
    for path, place in places.items():
        sandbox += ["--bind", str(place), path]
    sandbox += ["--chdir", "/", "--"]
    tried = run([*sandbox, "/bin/true"], environment={"PATH": environment.get("PATH", "")})
    return None if tried.exit_code else [*sandbox, inside]


def _root(places: Mapping[str, Path]) -> list[str]:
    """Return the arguments that give this machine's files read-only, with room for the folders that it lacks.

    Nothing can be made in what is bound read-only. So the nearest folder that exists becomes an empty one with this
    machine's entries bound into it, and bubblewrap makes what is missing between them.
    """
    opened = sorted({_existing(path) for path in places if not _exists(path)} - {""})
    words = list(_entries("/")) if "/" in opened else ["--ro-bind", "/", "/"]
    for folder in opened:
        if folder != "/":
            words += ["--tmpfs", folder, *_entries(folder)]
    return words


def _exists(path: str) -> bool:
    return Path(path).is_dir() or any(path == own or path.startswith(f"{own}/") for own in _OWN)


def _existing(path: str) -> str:
    parent = posixpath.dirname(path)
    return parent if Path(parent).is_dir() else _existing(parent)


def _entries(folder: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.path in _OWN:
            continue
        if entry.is_symlink():
            yield from ("--symlink", str(Path(entry.path).readlink()), entry.path)
        else:
            # Whatever goes away meanwhile is no reason to fail.
            yield from ("--ro-bind-try", entry.path, entry.path)
