"""The place of the local build: the very paths that the image's builder stage uses.

A program holds paths: in debug information, panic messages, `env!("CARGO_MANIFEST_DIR")`, what build scripts write.
With equal paths on both sides it needs no flag to be bit-identical. So the local build runs in a mount namespace
(bubblewrap) in which workspace, cargo home and toolchain lie where the image has them. Where no namespace is to be
had, the compilers are told to rewrite the paths, which reaches most of them (docs/adr/0003-same-paths.md).

What else a build script may ask for is made the same as in a RUN step where that costs nothing: an empty home and /tmp,
the host name, user 0, the processes of the build alone. The rest of this machine can be read and not written.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run
from orchestrator.engine.root_view import root_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SANDBOX_HOST = "buildkitsandbox"
"""The host name that BuildKit gives every RUN step."""

HIDDEN = ("/home", "/root", "/tmp", "/var/tmp")  # noqa: S108 - names of the namespace, not files to write
"""Folders that the build sees empty, as a fresh container has them."""

_OWN = ("/dev", "/proc", *HIDDEN)
_ISOLATIONS = (
    # Everything that is started is gone when the build ends, whatever it did to get away.
    ("--unshare-pid", "--unshare-uts", "--unshare-ipc", "--proc", "/proc", "--dev", "/dev"),
    # A container without the right to mount a /proc still has the right to bind the one it has.
    ("--unshare-uts", "--ro-bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev"),
)


class PlaceKind(StrEnum):
    """How the local build gets the image's paths."""

    NAMESPACE = "namespace"
    REMAP = "remap"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A folder of this machine and the absolute path at which the build has it."""

    source: Path
    target: str
    writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the local build runs.

    Attributes:
        reason: one clause that says why it is this kind.
        binds: what lies where. In a remapped place these are the paths that the program is told of.
        prefix: the command that the build's own is appended to; empty in a remapped place.
    """

    kind: PlaceKind
    reason: str
    binds: tuple[Bind, ...]
    prefix: tuple[str, ...] = ()

    def inside(self, path: Path) -> str:
        """Return where the build sees a path of this machine."""
        if self.kind is PlaceKind.REMAP:
            return str(path)
        for bind in sorted(self.binds, key=lambda bind: len(bind.source.parts), reverse=True):
            if path.is_relative_to(bind.source):
                return str(Path(bind.target) / path.relative_to(bind.source))
        return str(path)

    def outside(self, name: str) -> Path:
        """Return the path on this machine of what the build sees under a name."""
        path = Path(name)
        if self.kind is not PlaceKind.REMAP:
            for bind in sorted(self.binds, key=lambda bind: len(bind.target), reverse=True):
                if path.is_relative_to(bind.target):
                    return bind.source / path.relative_to(bind.target)
        return path

    def command(self, argv: Sequence[str], *, directory: str) -> list[str]:
        """Return the command that runs `argv` at this place, in a directory as the build names it."""
        return [*self.prefix, "--chdir", directory, "--", *argv] if self.prefix else list(argv)


def choose_place(
    binds: Sequence[Bind], *, environment: Mapping[str, str], host: str = SANDBOX_HOST, user: int = 0
) -> Place:
    """Return a namespace with these binds where one can be had, else the remapped place.

    Args:
        binds: absolute; one may lie inside another's target, whose folder then gets an empty one as mount point.
        environment: the caller's variables (PATH).
        host: the host name that the build sees.
        user: the number of the user that the build sees itself run as; 0 where another one is not to be had.
    """
    ordered = tuple(sorted(binds, key=lambda bind: len(Path(bind.target).parts)))
    bwrap = shutil.which("bwrap", path=environment.get("PATH"))
    if bwrap is None:
        return Place(kind=PlaceKind.REMAP, reason="bubblewrap is not installed", binds=ordered)
    if any(Path(bind.target) == Path("/") for bind in ordered):
        return Place(kind=PlaceKind.REMAP, reason="the image builds in its root folder", binds=ordered)
    why = ""
    for owner in _users(user):
        for isolation in _ISOLATIONS:
            apart = (*isolation, "--hostname", host)
            prefix = (bwrap, "--die-with-parent", *owner, *_root(ordered), *apart, *_mounts(ordered))
            tried = run([*prefix, "--", "true"], environment={"PATH": environment.get("PATH", "")})
            if tried.exit_code == 0:
                reason = "mount namespace by bubblewrap"
                return Place(kind=PlaceKind.NAMESPACE, reason=reason, binds=ordered, prefix=prefix)
            said = tried.stderr.decode(errors="replace").strip().splitlines()
            why = why or (said[-1] if said else f"bubblewrap ended with exit code {tried.exit_code}")
    return Place(kind=PlaceKind.REMAP, reason=f"no mount namespace can be had: {why}", binds=ordered)


def may_have_namespaces(environment: Mapping[str, str]) -> bool:
    """Return whether there is the program that makes them; whether it may, only `choose_place` finds out."""
    return shutil.which("bwrap", path=environment.get("PATH")) is not None


def _users(wanted: int) -> tuple[tuple[str, ...], ...]:
    if wanted:
        return (("--unshare-user", "--uid", str(wanted), "--gid", str(wanted)), *_users(0))
    mapped = ("--unshare-user", "--uid", "0", "--gid", "0")
    # Root may lack the right to mount (a plain container) and still have the one to a user namespace.
    return ((), mapped) if os.getuid() == 0 else (mapped,)


def _root(binds: Sequence[Bind]) -> Iterator[str]:
    """Yield what makes the root folder: this machine's, with empty folders where a fresh container has these."""
    for folder in HIDDEN:
        yield from ("--dir", folder)
    yield from root_view([*(bind.target for bind in binds), *_OWN])


def _mounts(binds: Sequence[Bind]) -> Iterator[str]:
    for bind in binds:
        yield from ("--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target)
