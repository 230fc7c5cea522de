"""The crates that Cargo.lock names: fetched once on the host, and handed to the image build without a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.archive import load_files
from orchestrator.engine.process import run
from orchestrator.errors import LocalBuildFailedError, NoSpaceError
from orchestrator.location import Location
from orchestrator.toolchains.cargo.config import config_files, named_config, table
from orchestrator.toolchains.cargo.failure import disk_full, last_words, lock_outdated
from orchestrator.toolchains.cargo.lock import outdated, packages_digest, read_lock
from orchestrator.toolchains.cargo.unpacked import MTIME, unpacked
from orchestrator.toolchains.cargo.user_config import user_access, user_config

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.process import Stream
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.lock import LockedPackage
    from orchestrator.toolchains.cargo.project import CargoProject
    from orchestrator.workspace import Workspace

_REPOSITORY = "twinbuild.local/crates"
MARKER = ".twinbuild"
"""Tells the shim that all crates are mounted (toolchains/cargo/shim/on)."""

_PASSED_ON = re.compile(
    r"(?i)(https?|no|all)_proxy|CARGO_(HTTP|NET|REGISTR)\w*|SSL_CERT_(FILE|DIR)|PATH|HOME|SSH_AUTH_SOCK|GIT_\w+"
)
"""Variables of the caller that say how registries are reached; no others get into the fetch, and none of these gets
into a build."""

_OWN_FILES = ("config.json",)
"""Files of a registry's index that belong to no package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crates:
    """The packages of a lock file that are no part of the project.

    Attributes:
        key: digest (hex) over them.
        packages: all of them, sorted.
    """

    key: str
    packages: tuple[LockedPackage, ...]

    @property
    def registry(self) -> bool:
        """Return whether any comes from a registry."""
        return any(package.from_registry for package in self.packages)

    @property
    def git(self) -> bool:
        """Return whether any comes from a git repository."""
        return not all(package.from_registry for package in self.packages)


@dataclass(frozen=True, slots=True, kw_only=True)
class CratesImage:
    """The image with a lock file's crates. `git`: it has a folder `git` with those from git repositories."""

    reference: str
    git: bool


def fetch_crates(
    tree: Path,
    project: CargoProject,
    toolchain: CargoToolchain,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    on_line: Callable[[Stream, str], None],
    cancel: threading.Event | None = None,
) -> Crates:
    """Bring every crate of the lock file into the tool's own cargo home; nothing to do while they are there.

    Sources are replaced as the project's own `.cargo/config.toml` says, never as the user's does: the image build
    sees only the former, and both builds must find the same crates under the same names.

    Raises:
        LocalBuildFailedError: there is no Cargo.lock, it is damaged or out of date, or cargo could not fetch.
        NoSpaceError: the disk is full.
    """
    packages = read_lock(tree, project)
    crates = Crates(key=packages_digest(packages), packages=packages)
    known = workspace.recall("crates", crates.key)
    if packages and (known is None or not _all_there(known, workspace.cargo_home)):
        _fetch(
            tree.absolute(),
            project,
            toolchain,
            workspace=workspace,
            environment=environment,
            on_line=on_line,
            cancel=cancel,
        )
        held = (*_archives(workspace.cargo_home, packages), *_checked_out(workspace.cargo_home, packages))
        workspace.remember("crates", crates.key, sorted(held))
    return crates


def crates_image(engine: Engine, crates: Crates, *, workspace: Workspace) -> CratesImage | None:
    """Return an image with a registry's cache, index and sources, and git repositories; None where there are no crates.

    It is mounted over `$CARGO_HOME/registry`, and its folder `git` over `$CARGO_HOME/git`, in RUN steps. It holds what
    the lock file names and nothing else, and its tag says so; thus it changes only with the crates, and so do the cache
    keys of the steps that see it. (The index of a registry grows with time. It is read once for a set of crates, and no
    layer of the image ever holds it.)
    """
    if not crates.packages:
        return None
    git = next(_databases(workspace.cargo_home, crates.packages), None) is not None
    made = CratesImage(reference=f"{_REPOSITORY}:unpacked-{crates.key[:16]}{'-git' if git else ''}", git=git)
    if engine.image(made.reference) is not None:
        return made
    files = tuple(crates_files(crates, workspace.cargo_home))
    if not files:
        return None
    sources = _sources(crates, workspace.cargo_home)
    load_files(engine, made.reference, chain(files, sources), scratch=workspace.scratch, mtime=MTIME)
    return made


def crates_files(crates: Crates, cargo_home: Path) -> Iterator[tuple[str, bytes | Path, int]]:
    """Yield (path below `registry`, content, mode) for what the image build needs, in a fixed order.

    What lies below `git/` belongs into `$CARGO_HOME/git`. Nothing is yielded where the project brings its crates itself
    (vendored sources).
    """
    registry = cargo_home / "registry"
    archives = sorted(_archives(cargo_home, crates.packages))
    indexes = sorted({Path("index", Path(archive).parent.name) for archive in archives})
    names = {package.name.lower() for package in crates.packages if package.from_registry}
    databases = sorted(_databases(cargo_home, crates.packages))
    if archives or databases:
        yield MARKER, b"", 0o644
    for folder in (*databases, *sorted(_checkouts(cargo_home, crates.packages))):
        yield from _whole(cargo_home, folder)
    for archive in archives:
        yield archive, registry / archive, 0o644
    for index in indexes:
        # An index that is a git repository (cargo before 1.70, some private ones) has its files elsewhere; it is whole.
        whole = (registry / index / ".git").exists()
        for path in sorted(path for path in (registry / index).rglob("*") if path.is_file()):
            if whole or path.name in names or path.name in _OWN_FILES:
                yield str(path.relative_to(registry)), path, 0o644


def _sources(crates: Crates, cargo_home: Path) -> Iterator[tuple[str, bytes, int]]:
    """Yield what cargo would unpack in each step: (path below `registry`, content, mode)."""
    named = {package.archive: package for package in crates.packages if package.from_registry}
    for archive in sorted(_archives(cargo_home, crates.packages)):
        path = Path(archive)
        for name, content, mode in unpacked(cargo_home / "registry" / path, named[path.name]):
            yield f"src/{path.parent.name}/{name}", content, mode


def _archives(cargo_home: Path, packages: tuple[LockedPackage, ...]) -> Iterator[str]:
    """Yield the paths, below `registry`, of the packages' archives that are there."""
    wanted = {package.archive for package in packages if package.from_registry}
    for path in (cargo_home / "registry" / "cache").glob("*/*.crate"):
        if path.name in wanted:
            yield f"cache/{path.parent.name}/{path.name}"


def _databases(cargo_home: Path, packages: tuple[LockedPackage, ...]) -> Iterator[str]:
    """Yield the folders, below cargo's home, of the git repositories that packages come from.

    Cargo names one `<last part of the URL>-<hash>`; another of the same name is taken along.
    """
    names = {repository for package in packages if (repository := _repository(package)) is not None}
    for path in (cargo_home / "git" / "db").glob("*"):
        if path.name.rpartition("-")[0] in names:
            yield f"git/db/{path.name}"


def _checkouts(cargo_home: Path, packages: tuple[LockedPackage, ...]) -> Iterator[str]:
    """Yield the folders of what is checked out of them: cargo does so once for a revision, submodules included."""
    revisions = [package.source.rpartition("#")[2] for package in packages if not package.from_registry]
    for database in _databases(cargo_home, packages):
        for path in (cargo_home / "git" / "checkouts" / Path(database).name).glob("*"):
            if any(revision.startswith(path.name) for revision in revisions):
                yield str(path.relative_to(cargo_home))


def _checked_out(cargo_home: Path, packages: tuple[LockedPackage, ...]) -> Iterator[str]:
    """Yield what cargo writes into a checkout when it is whole, as seen from `registry`."""
    yield from (f"../{folder}/.cargo-ok" for folder in _checkouts(cargo_home, packages))


def _repository(package: LockedPackage) -> str | None:
    if package.from_registry:
        return None
    url = package.source.partition("#")[0].partition("?")[0].rstrip("/")
    return url.rpartition("/")[2].removesuffix(".git")


def _whole(cargo_home: Path, folder: str) -> Iterator[tuple[str, bytes | Path, int]]:
    """Yield a folder with all that is in it, empty folders too: git takes none without `refs` for a repository."""
    yield folder, cargo_home / folder, 0o755
    for path in sorted((cargo_home / folder).rglob("*")):
        runs = path.is_dir() or bool(path.lstat().st_mode & 0o100)
        yield str(path.relative_to(cargo_home)), path, 0o755 if runs else 0o644


def _all_there(known: object, cargo_home: Path) -> bool:
    return isinstance(known, list) and all((cargo_home / "registry" / str(path)).is_file() for path in known)


def _fetch(
    tree: Path,
    project: CargoProject,
    toolchain: CargoToolchain,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    on_line: Callable[[Stream, str], None],
    cancel: threading.Event | None,
) -> None:
    passed = {name: value for name, value in environment.items() if _PASSED_ON.fullmatch(name)}
    manifest = tree / project.root / "Cargo.toml"
    done = run(
        [
            str(toolchain.cargo),
            "fetch",
            "--locked",
            f"--manifest-path={manifest}",
            *named_config(config_files(tree / project.folder, tree)),
        ],
        # Not in the project: configuration of folders above it is not the project's (see config.py).
        cwd=Path("/"),
        environment={**user_access(environment), **passed, "CARGO_HOME": str(workspace.cargo_home.absolute())},
        on_line=on_line,
        cancel=cancel,
    )
    if done.exit_code:
        said = done.stderr.decode(errors="replace").replace(f"{tree}/", "")
        raise _not_fetched(said, project, environment, workspace)


def _not_fetched(
    said: str, project: CargoProject, environment: Mapping[str, str], workspace: Workspace
) -> LocalBuildFailedError | NoSpaceError:
    if disk_full(said):
        return NoSpaceError(f"no space left while fetching crates into {workspace.cargo_home}", detail=last_words(said))
    if lock_outdated(said):
        return outdated(project, said)
    repair = (
        "mend what cargo says; proxies and certificates are taken from HTTPS_PROXY, SSL_CERT_FILE and CARGO_HTTP_*, "
        "tokens of registries from cargo's credentials.toml (`cargo login`) and CARGO_REGISTRIES_*_TOKEN"
    )
    if table(user_config(environment), "source"):
        repair += (
            ". Your own cargo configuration replaces sources: only what the project's .cargo/config.toml says of them "
            "counts, since the image build sees no other"
        )
    return LocalBuildFailedError(
        "cargo could not fetch the crates that Cargo.lock names",
        location=Location(file=project.lock),
        repair=repair,
        detail=last_words(said),
    )
