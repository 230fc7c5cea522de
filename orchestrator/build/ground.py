"""What the local build stands on: which folders lie where, and which variables it sees."""

from __future__ import annotations

import posixpath
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.heeded import heed_files
from orchestrator.build.place import HIDDEN, SANDBOX_HOST, Bind, Place, PlaceKind, choose_place
from orchestrator.build.worktree import refresh
from orchestrator.toolchains.cargo.config import config_files, named_config, read_config, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.source.snapshot import SourceFile
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.project import CargoProject
    from orchestrator.toolchains.cargo.settings import CargoSettings
    from orchestrator.workspace import Workspace

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OURS = ("PATH", "HOME", "CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_TERM_COLOR")
_WRAPPERS = ("RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER")
"""A program of the image's (sccache), which is to give what rustc gives; the host keeps its target directory."""

_HOME = "/root"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePaths:
    """Where the builder stage has what the build needs; all absolute.

    Attributes:
        workspace: the folder of the manifest that the spec names.
        sysroot: the toolchain; None where it is not known, which leaves it where this machine has it.
        target: the target directory; None for where cargo puts it by the build's variables and configuration.
    """

    workspace: str
    cargo_home: str
    sysroot: str | None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlan:
    """What is built on the host, and where it must seem to lie.

    Attributes:
        tree: the laid-out snapshot.
        files: the snapshot's files.
        paths: where the image's builder stage has workspace, cargo home and toolchain.
        variables: what RUN steps of the builder stage see; the build gets these and nothing of the caller's.
        selection: how the image's cargo call selects packages; None where that is not known.
        host: the host name that the build sees where it has a namespace.
        user: the number of the user that it sees itself run as there; RUN steps are root's unless USER says otherwise.
    """

    tree: Path
    files: Sequence[SourceFile]
    project: CargoProject
    settings: CargoSettings
    toolchain: CargoToolchain
    paths: ImagePaths
    variables: Mapping[str, str]
    selection: tuple[str, ...] | None = None
    host: str = SANDBOX_HOST
    user: int = 0

    @property
    def root(self) -> str:
        """Return where the image has the cargo workspace's root."""
        up = posixpath.relpath(self.project.root, self.project.folder)
        return posixpath.normpath(posixpath.join(self.paths.workspace, up))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A place with all that a call of cargo there needs.

    Attributes:
        worktree: the copy of the sources that is built.
        target: the target directory.
        config: the project's own configuration.
        cargo: cargo's path, as the build sees it.
        directory: where cargo runs, as the build sees it.
        options: what cargo must be told because of where it runs.
        variables: everything in the build's environment.
    """

    place: Place
    worktree: Path
    target: Path
    config: Mapping[str, object]
    cargo: str
    directory: str
    options: tuple[str, ...]
    variables: Mapping[str, str]


def prepare_ground(plan: LocalPlan, *, workspace: Workspace, environment: Mapping[str, str]) -> Ground:
    """Bring the sources up to date and find a place for the build.

    Args:
        plan: what is to be built.
        workspace: holds the copy of the sources, the target directory and the crates.
        environment: the caller's variables, of which PATH is used to find bubblewrap.

    Raises:
        LocalBuildFailedError: the project's `.cargo/config.toml` cannot be read.
        NoSpaceError: the disk is full.
    """
    worktree, target = workspace.worktree.absolute(), workspace.target.absolute()
    cargo_home = workspace.cargo_home.absolute()
    sources = tuple(sources_of(plan, worktree))
    needed = [bind.source for bind in sources]
    wanted = (file for file in plan.files if any((worktree / file.path).is_relative_to(folder) for folder in needed))
    refresh(wanted, plan.tree, worktree, before=lambda paths: heed_files(target, paths, _packages(plan)))
    for folder in (target, cargo_home):
        folder.mkdir(parents=True, exist_ok=True)
    files = config_files(worktree / plan.project.folder, needed[0])
    inner = _target(plan, files, sources[0])
    binds = (
        *sources,
        Bind(source=target, target=inner),
        Bind(source=cargo_home, target=plan.paths.cargo_home),
        *_toolchain(plan),
    )
    place = choose_place(binds, environment=environment, host=plan.host, user=plan.user)
    remapped = place.kind is PlaceKind.REMAP
    manifest = worktree / plan.project.folder / "Cargo.toml"
    return Ground(
        place=place,
        worktree=worktree,
        target=target,
        config=read_config(files, top=worktree),
        cargo=place.inside(plan.toolchain.cargo),
        # Without a namespace the folders above are the user's: see toolchains/cargo/config.py.
        directory="/" if remapped else plan.paths.workspace,
        options=(f"--manifest-path={manifest}", *named_config(files)) if remapped else (),
        variables=_variables(plan, place, target=target, cargo_home=cargo_home, home=workspace.root / "home"),
    )


def _packages(plan: LocalPlan) -> Iterator[str]:
    """Yield the names of the packages that are compiled from the source tree."""
    yield from (member.name for member in plan.project.members)
    for folder in plan.project.outside:
        # What cargo could not read it refuses, with better words.
        with suppress(OSError, ValueError, LookupError, TypeError):
            yield str(tomllib.loads((plan.tree / folder / "Cargo.toml").read_text(encoding="utf-8"))["package"]["name"])


def sources_of(plan: LocalPlan, worktree: Path) -> Iterator[Bind]:
    """Yield which folders of the sources lie where; the first holds the cargo workspace."""
    root = plan.project.root
    before = plan.root.removesuffix(f"/{root}")
    if root == "." or (before and before != plan.root):
        # The image has the workspace where it stands in the project: so it has the rest of the project around it.
        yield Bind(source=worktree, target=plan.root if root == "." else before)
        return
    yield Bind(source=worktree / root, target=plan.root)
    for folder in plan.project.outside:
        place = posixpath.normpath(posixpath.join(plan.root, posixpath.relpath(folder, root)))
        yield Bind(source=worktree / folder, target=place)


def _target(plan: LocalPlan, files: Sequence[Path], source: Bind) -> str:
    """Return where cargo puts the target directory, in the order of its own rules."""
    variables = plan.variables
    named = plan.paths.target or variables.get("CARGO_TARGET_DIR") or variables.get("CARGO_BUILD_TARGET_DIR")
    if named:
        return posixpath.normpath(posixpath.join(plan.paths.workspace, named))
    for file in reversed(files):
        found = table(read_config([file], top=source.source), "build").get("target-dir")
        if isinstance(found, str):
            # Relative to the folder that holds `.cargo`.
            base = Path(source.target) / file.parent.parent.relative_to(source.source)
            return posixpath.normpath(posixpath.join(str(base), found))
    return posixpath.join(plan.root, "target")


def _toolchain(plan: LocalPlan) -> Iterator[Bind]:
    sysroot = plan.toolchain.sysroot
    if plan.paths.sysroot is not None:
        yield Bind(source=sysroot, target=plan.paths.sysroot, writable=False)
    elif any(sysroot.is_relative_to(folder) for folder in HIDDEN):
        yield Bind(source=sysroot, target=str(sysroot), writable=False)


def _variables(plan: LocalPlan, place: Place, *, target: Path, cargo_home: Path, home: Path) -> dict[str, str]:
    """Return the build's variables: those of the image's RUN steps, with what has to be this machine's."""
    declared = {
        name: value
        for name, value in plan.variables.items()
        if name not in {*_OURS, *_WRAPPERS} and not name.startswith("RUSTUP_")
    }
    if place.kind is PlaceKind.REMAP:
        home.mkdir(exist_ok=True)
        declared["CARGO_TARGET_DIR"] = str(target)
    elif plan.paths.target is not None:
        declared["CARGO_TARGET_DIR"] = plan.paths.target
    programs = place.inside(plan.toolchain.sysroot / "bin")
    return {
        **declared,
        "PATH": f"{programs}:{plan.variables.get('PATH', _SYSTEM_PATH)}",
        "HOME": str(home.absolute()) if place.kind is PlaceKind.REMAP else _HOME,
        "CARGO_HOME": place.inside(cargo_home),
        "CARGO_NET_OFFLINE": "true",
        "CARGO_TERM_COLOR": "never",
    }
