"""The place of the local build: the very paths that the image's builder stage uses.

A program holds paths: in debug information, panic messages, `env!("CARGO_MANIFEST_DIR")`, what build scripts write.
With equal paths on both sides it needs no flag to be bit-identical. So the local build runs in a mount namespace
(bubblewrap) in which workspace, cargo home and toolchain lie where the image has them. Where no namespace is to be
had, the compiler is told to rewrite the paths, which reaches most of them (docs/adr/0003-same-paths.md).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SANDBOX_HOST = "buildkitsandbox"
"""The host name that BuildKit gives every RUN step, so that a build script that asks gets the same answer."""


class PlaceKind(StrEnum):
    """How the local build gets the image's paths."""

    NAMESPACE = "namespace"
    REMAP = "remap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A folder of this machine and where the build sees it."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the local build runs. `reason` says why it is this kind."""

    kind: PlaceKind
    reason: str
    binds: tuple[Bind, ...]

    def inside(self, path: Path) -> str:
        """Return where the build sees a path of this machine."""
        if self.kind is PlaceKind.REMAP:
            return str(path)
        for bind in sorted(self.binds, key=lambda bind: len(bind.source.parts), reverse=True):
            if path.is_relative_to(bind.source):
                below = path.relative_to(bind.source)
                return os.path.normpath(os.path.join(bind.target, below))  # noqa: PTH118 - a path of the namespace
        return str(path)

    def command(self, argv: Sequence[str], *, directory: str) -> list[str]:
        """Return the command that runs `argv` at this place."""
        if self.kind is PlaceKind.REMAP:
            return list(argv)
        return [*_namespace(self.binds), "--chdir", directory, "--", *argv]


def choose_place(binds: Sequence[Bind], *, environment: Mapping[str, str]) -> Place:
    """Return a namespace with these binds where one can be had, else the remap place.

    Args:
        binds: what lies where; a later one may lie inside an earlier one.
        environment: the caller's variables (PATH).
    """
    bwrap = shutil.which("bwrap", path=environment.get("PATH"))
    if bwrap is None:
        return Place(kind=PlaceKind.REMAP, reason="bubblewrap is not installed", binds=tuple(binds))
    place = Place(kind=PlaceKind.NAMESPACE, reason="mount namespace by bubblewrap", binds=tuple(binds))
    tried = run(place.command(["/bin/true"], directory="/"), environment={"PATH": environment.get("PATH", "")})
    if tried.exit_code:
        said = tried.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"exit code {tried.exit_code}"
        return Place(kind=PlaceKind.REMAP, reason=f"no mount namespace: {why}", binds=tuple(binds))
    return place


def _namespace(binds: Sequence[Bind]) -> Iterator[str]:
    """Yield bubblewrap's command line: this machine's file system, with the binds laid over it.

    A folder that this machine lacks cannot be made on it; its nearest ancestor becomes an empty file system into which
    the ancestor's entries are bound again. The root is such an ancestor from the start.
    """
    yield from ("bwrap", "--die-with-parent", "--unshare-uts", "--hostname", SANDBOX_HOST)
    if os.getuid() != 0:
        yield from ("--unshare-user", "--uid", "0", "--gid", "0")
    yield from _entries(Path("/"))
    rebuilt: set[Path] = set()
    for bind in binds:
        ancestor = _nearest(Path(bind.target))
        covered = any(Path(bind.target).is_relative_to(other.target) for other in binds if other is not bind)
        if ancestor not in {Path("/"), Path(bind.target), *rebuilt} and not covered:
            rebuilt.add(ancestor)
            yield from ("--tmpfs", str(ancestor))
            yield from _entries(ancestor)
    for bind in binds:
        yield from ("--bind", str(bind.source), bind.target)


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _entries(folder: Path) -> Iterator[str]:
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink():
            yield from ("--symlink", str(entry.readlink()), str(entry))
        else:
            yield from ("--dev-bind", str(entry), str(entry))
