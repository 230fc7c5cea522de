"""Namespaces for the host's program (bubblewrap): this machine read-only, private writable folders, loopback alone.

So it finds its port free, writes where the image's program may write, and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.engine.root_view import root_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_PROGRAMS = "/run/twinbuild"
_OWN = ("/dev", "/proc", "/run")
"""Where the sandbox has something of its own instead of this machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A way to run a program. `depth`: how many generations below the started process the program is."""

    command: tuple[str, ...]
    depth: int


class NoSandboxError(Exception):
    """There is no sandbox on this machine, and the program was to run in one or not at all."""


def writable_places(writable: Sequence[str], folder: Path) -> dict[str, Path]:
    """Make a private folder for each folder that the plan lets the program write to, and return them by its path."""
    places = {}
    for number, path in enumerate(sorted(writable)):
        places[path] = folder / str(number)
        places[path].mkdir()
    return places


def sandbox_command(
    program: Path,
    places: Mapping[str, Path],
    environment: Mapping[str, str],
    *,
    given: Mapping[str, Path],
    first: Sequence[str] = (),
    capabilities: Sequence[str] = (),
    directory: str = "/",
) -> Sandbox | None:
    """Return what runs a program in namespaces, or None where none are to be had.

    As in the image's container, root has no capabilities there but those that the plan grants: with all of them it
    could mount this machine's folders once more, and write to them. It may open ports below 1024, as Docker has it.

    Args:
        program: the program on this machine.
        places: private folders by the path at which the program sees them; the paths need not exist on this machine.
        environment: PATH, to find bubblewrap.
        given: what lies at which path, read-only; what is there on this machine already is left as it is seen.
        first: the words of a command inside that starts the program.
        capabilities: those that it needs, without their prefix (`CHOWN`).
        directory: where it is started; made, and empty but for what is given, where this machine has none.
    """
    bwrap = shutil.which("bwrap", path=environment.get("PATH"))
    if bwrap is None:
        return None
    inside = f"{_PROGRAMS}/{program.name}"
    absent = [directory] if any(_below(directory, own) for own in _OWN) else _new([directory])
    view = root_view([*_OWN, *places, *_new(given), *absent])
    sandbox = [bwrap, "--die-with-parent", "--unshare-net", "--unshare-ipc", *view]
    sandbox += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--ro-bind", str(program), inside]
    for path in absent:
        sandbox += ["--dir", path]
    for path, place in places.items():
        sandbox += ["--bind", str(place), path]
    for path, there in given.items():
        if str(there) != path or any(_below(path, own) for own in (*_OWN, *places)):
            sandbox += ["--ro-bind", str(there), path]
    usable = directory in {*absent, *places} or os.access(directory, os.X_OK)
    sandbox += ["--chdir", directory if usable else "/", *_rights(capabilities)]
    # Processes of its own end with it, also one that went into a session of its own. Inside of a container there may be
    # no way to mount their /proc; it does without then.
    for own, depth in ((("--unshare-pid",), 2), ((), 1)):
        command = [*sandbox, *own, "--"]
        if run([*command, "/bin/true"], environment={"PATH": environment.get("PATH", "")}).exit_code == 0:
            return Sandbox(command=(*command, *first, inside), depth=depth)
    return None


def has_sandbox(environment: Mapping[str, str]) -> bool:
    """Return whether namespaces are to be had at all; `environment`: PATH, to find bubblewrap."""
    bwrap = shutil.which("bwrap", path=environment.get("PATH"))
    if bwrap is None:
        return False
    command = [bwrap, "--unshare-net", "--unshare-ipc", *root_view(_OWN), *_rights(()), "/bin/true"]
    return run(command, environment={"PATH": environment.get("PATH", "")}).exit_code == 0


def _rights(capabilities: Iterable[str]) -> list[str]:
    """Return the options for what root may; another user has nothing to give."""
    if os.geteuid() != 0:
        return []
    return ["--cap-drop", "ALL", *(word for name in _always(capabilities) for word in ("--cap-add", f"CAP_{name}"))]


def _always(capabilities: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(("NET_BIND_SERVICE", *capabilities))


def _new(paths: Iterable[str]) -> list[str]:
    """Return the paths at which this machine has nothing: bubblewrap makes no mount point in a folder that is bound."""
    return [path for path in paths if not os.path.lexists(path)]


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
