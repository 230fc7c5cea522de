"""What cargo says of the project: its workspace, members and programs."""

from __future__ import annotations

import difflib
import hashlib
import json
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine.process import run
from orchestrator.errors import SpecInvalidError
from orchestrator.location import Location
from orchestrator.toolchains.cargo.config import config_files, named_config, read_config
from orchestrator.toolchains.cargo.outside import folders_outside
from orchestrator.toolchains.cargo.rust_version import require_rust
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.source.snapshot import SourceFile
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.settings import CargoSettings
    from orchestrator.workspace import Workspace

_REGISTRY = (
    "name its index in the project's .cargo/config.toml (`[registries.NAME]`): the image build sees no other one"
)
_FOLDERS = {"dev": "debug", "test": "debug", "bench": "release"}
"""Profiles whose folder in the target directory is not called like them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A package of the workspace.

    Attributes:
        folder: relative to the source tree.
        binaries: names of its programs.
        roots: (kind, path relative to the source tree) of its crates' first files; kinds are cargo's (`lib`, `bin`).
        rust_version: the oldest rustc that it is said to compile with; None where it says nothing.
    """

    name: str
    version: str
    folder: str
    binaries: tuple[str, ...]
    roots: tuple[tuple[str, str], ...] = ()
    rust_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoProject:
    """The project as cargo sees it. All folders are relative to the source tree, `.` for the tree itself.

    Attributes:
        root: the workspace's folder, which holds Cargo.lock.
        folder: the folder of the manifest that the spec names: the root, or a member's.
        outside: folders of path dependencies that lie beside the workspace.
        package, binary: what is shipped.
        profile_folder: the profile's folder in the target directory.
    """

    root: str
    folder: str
    members: tuple[Member, ...]
    outside: tuple[str, ...]
    package: str
    binary: str
    profile_folder: str

    @property
    def lock(self) -> str:
        """Return the path of Cargo.lock, relative to the source tree."""
        return posixpath.normpath(posixpath.join(self.root, "Cargo.lock"))


def read_project(
    tree: Path,
    settings: CargoSettings,
    toolchain: CargoToolchain,
    *,
    files: Sequence[SourceFile],
    workspace: Workspace,
) -> CargoProject:
    """Return the project that the spec names.

    Args:
        tree: the laid-out snapshot.
        settings: the spec's slice.
        toolchain: whose cargo is asked.
        files: the snapshot's files. Cargo is asked again only when a manifest changes, or a file appears or goes.
        workspace: remembers cargo's answer.

    Raises:
        SpecInvalidError: no such manifest, package or program, or cargo does not understand the manifest.
        LocalBuildFailedError: a `.cargo/config.toml` cannot be read.
        ToolchainMismatchError: the package asks for a newer rustc.
    """
    tree = tree.absolute()
    if not (tree / settings.manifest).is_file():
        raise SpecInvalidError(
            f"`toolchain.manifest` names {settings.manifest}, which is no file of the source",
            repair="correct `toolchain.manifest`; a file that git ignores is no part of the source",
        )
    key = memo_key({"files": _shape(files), "manifest": settings.manifest, "rustc": toolchain.verbose, "version": 4})
    said = workspace.recall("project", key)
    if not isinstance(said, dict):
        said = _ask(tree, settings, toolchain)
        workspace.remember("project", key, said)
    members = tuple(
        Member(
            name=name,
            version=version,
            folder=folder,
            binaries=tuple(binaries),
            roots=tuple((kind, path) for kind, path in roots),
            rust_version=rust_version,
        )
        for name, version, folder, binaries, roots, rust_version in said["members"]
    )
    project = _chosen(said, members, settings)
    shipped = next(member for member in members if member.name == project.package)
    require_rust(
        shipped.name,
        shipped.rust_version,
        toolchain,
        tree=tree,
        manifests=[posixpath.normpath(f"{folder}/Cargo.toml") for folder in (shipped.folder, project.root)],
    )
    return project


def _shape(files: Sequence[SourceFile]) -> str:
    """Return a digest over what `cargo metadata` reads.

    That is manifests and configuration, and which files there are, since targets are found.
    """
    total = hashlib.sha256()
    for file in files:
        content = file.sha256 if file.path.endswith((".toml", ".cargo/config")) else ""
        total.update(f"{content} {file.path}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


def _ask(tree: Path, settings: CargoSettings, toolchain: CargoToolchain) -> dict[str, Any]:
    manifest = tree / settings.manifest
    # Cargo would not say where in which file.
    own = config_files(manifest.parent, tree)
    read_config(own, top=tree)
    done = run(
        [
            str(toolchain.cargo),
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version=1",
            f"--manifest-path={manifest}",
            # A registry that a manifest names is told of there.
            *named_config(own),
        ],
        # Not in the project: configuration of folders above it is not the project's (see config.py).
        cwd=Path("/"),
        environment={"PATH": str(toolchain.sysroot / "bin"), "CARGO_HOME": "/nonexistent"},
    )
    if done.exit_code:
        said = done.stderr.decode(errors="replace").replace(f"{tree}/", "").strip()
        raise SpecInvalidError(
            "cargo does not understand the manifest",
            location=Location(file=settings.manifest),
            repair=_REGISTRY if "index was not found in any configuration" in said else "mend what cargo says",
            detail=tuple(said.splitlines()),
        )
    said = json.loads(done.stdout)
    root = posixpath.relpath(said["workspace_root"], tree)
    members = [_member(package, tree) for package in said["packages"]]
    outside = folders_outside(tree, root, [member[2] for member in members])
    return {"root": root, "members": members, "outside": outside}


def _member(
    package: Mapping[str, Any], tree: Path
) -> tuple[str, str, str, list[str], list[tuple[str, str]], str | None]:
    return (
        package["name"],
        package["version"],
        posixpath.relpath(posixpath.dirname(package["manifest_path"]), tree),
        [target["name"] for target in package["targets"] if "bin" in target["kind"]],
        [
            (kind, posixpath.relpath(target["src_path"], tree))
            for target in package["targets"]
            for kind in target["kind"]
        ],
        package["rust_version"],
    )


def _chosen(said: Mapping[str, Any], members: tuple[Member, ...], settings: CargoSettings) -> CargoProject:
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
        raise _no_program(member, settings)
    return CargoProject(
        root=said["root"],
        folder=here,
        members=members,
        outside=tuple(said["outside"]),
        package=wanted,
        binary=binary,
        profile_folder=_FOLDERS.get(settings.profile, settings.profile),
    )


def _no_program(member: Member, settings: CargoSettings) -> SpecInvalidError:
    """Return what to say of a package without the wanted program."""
    manifest = posixpath.normpath(posixpath.join(member.folder, "Cargo.toml"))
    if not member.binaries:
        return SpecInvalidError(
            f"the package `{member.name}` has no program: no src/main.rs, src/bin/ or [[bin]] of it is in the source",
            location=Location(file=manifest),
            repair="name another in `toolchain.package`; a file that git ignores is no part of the source",
        )
    if settings.binary is None:
        return SpecInvalidError(
            f"the package `{member.name}` has {len(member.binaries)} programs and none is named",
            location=Location(file=manifest),
            repair=f"name one in `toolchain.binary`: {', '.join(member.binaries)}",
        )
    return _unknown("binary", settings.binary, member.binaries)


def _unknown(key: str, found: str, known: Sequence[str]) -> SpecInvalidError:
    close = difflib.get_close_matches(found, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return SpecInvalidError(
        f"`toolchain.{key}` is {found!r}, which cargo does not know{hint}",
        repair=f"one of: {', '.join(known)}",
    )
