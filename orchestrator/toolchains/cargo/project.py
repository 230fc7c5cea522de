"""What cargo says of the project: its workspace, members and programs."""

from __future__ import annotations

import difflib
import json
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.engine.process import run
from orchestrator.errors import SpecInvalidError
from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.settings import CargoSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A package of the workspace. `folder`: relative to the source tree. `binaries`: names of its programs."""

    name: str
    version: str
    folder: str
    binaries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoProject:
    """The project as cargo sees it.

    Attributes:
        root: the workspace's folder, relative to the source tree; `.` for the tree itself.
        package, binary: what is shipped.
    """

    root: str
    members: tuple[Member, ...]
    package: str
    binary: str

    @property
    def lock(self) -> str:
        """Return the path of Cargo.lock, relative to the source tree."""
        return posixpath.normpath(posixpath.join(self.root, "Cargo.lock"))


def read_project(
    tree: Path, settings: CargoSettings, toolchain: CargoToolchain, *, environment: Mapping[str, str]
) -> CargoProject:
    """Ask cargo for the project that the spec names.

    Raises:
        SpecInvalidError: no such manifest, package or program, or cargo does not understand the manifest.
    """
    manifest = tree / settings.manifest
    if not manifest.is_file():
        raise SpecInvalidError(
            f"`toolchain.manifest` names {settings.manifest}, which is no file of the source",
            repair="correct `toolchain.manifest`; a file that git ignores is no part of the source",
        )
    done = run(
        [str(toolchain.cargo), "metadata", "--no-deps", "--format-version=1", f"--manifest-path={manifest}"],
        environment=environment,
    )
    if done.exit_code:
        raise SpecInvalidError(
            "cargo does not understand the manifest",
            location=Location(file=settings.manifest),
            repair="mend what cargo says",
            detail=tuple(done.stderr.decode(errors="replace").strip().splitlines()),
        )
    said = json.loads(done.stdout)
    members = tuple(_member(package, tree) for package in said["packages"])
    return _chosen(said, members, settings, tree)


def _member(package: Mapping[str, Any], tree: Path) -> Member:
    return Member(
        name=package["name"],
        version=package["version"],
        folder=posixpath.relpath(posixpath.dirname(package["manifest_path"]), tree),
        binaries=tuple(target["name"] for target in package["targets"] if "bin" in target["kind"]),
    )


def _chosen(said: Mapping[str, Any], members: tuple[Member, ...], settings: CargoSettings, tree: Path) -> CargoProject:
    here = posixpath.normpath(posixpath.dirname(settings.manifest) or ".")
    wanted = settings.package or next((member.name for member in members if member.folder == here), None)
    if wanted is None:
        raise SpecInvalidError(
            f"{settings.manifest} is a workspace of {len(members)} packages and none is named",
            repair=f"name one in `toolchain.package`: {', '.join(member.name for member in members)}",
        )
    member = next((member for member in members if member.name == wanted), None)
    if member is None:
        raise _unknown("package", wanted, [member.name for member in members])
    binary = settings.binary or (member.binaries[0] if len(member.binaries) == 1 else wanted)
    if binary not in member.binaries:
        raise _unknown("binary", binary, member.binaries)
    return CargoProject(
        root=posixpath.relpath(said["workspace_root"], tree), members=members, package=wanted, binary=binary
    )


def _unknown(key: str, found: str, known: Sequence[str]) -> SpecInvalidError:
    close = difflib.get_close_matches(found, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return SpecInvalidError(
        f"`toolchain.{key}` is {found!r}, which cargo does not know{hint}",
        repair=f"one of: {', '.join(known) or 'none (the package has no program)'}",
    )
