"""Namespaces for the host's program (bubblewrap): this machine read-only, private writable folders, loopback alone.

So it finds its port free, writes where the image's program may write, and leaves nothing behind.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.engine.root_view import root_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
    sandbox = [bwrap, "--die-with-parent", "--unshare-net", "--unshare-ipc", *root_view([*_OWN, *places])]
    sandbox += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--ro-bind", str(program), inside]
    for path, place in places.items():
        sandbox += ["--bind", str(place), path]
    sandbox += ["--chdir", "/", "--"]
    tried = run([*sandbox, "/bin/true"], environment={"PATH": environment.get("PATH", "")})
    return None if tried.exit_code else [*sandbox, inside]
