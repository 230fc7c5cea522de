"""The crates that Cargo.lock names: fetched once on the host, and handed to the image build without a network."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.engine.archive import load_files
from orchestrator.engine.process import run
from orchestrator.errors import LocalBuildFailedError, SourceUnreadableError
from orchestrator.location import Location

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.process import Stream
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.project import CargoProject
    from orchestrator.workspace import Workspace

_REPOSITORY = "twinbuild.local/crates"
MARKER = ".twinbuild"
"""Tells the shim that the crates are mounted (toolchains/cargo/shim/on)."""

_PASSED_ON = re.compile(
    r"(?i)(https?|no|all)_proxy|CARGO_(HTTP|NET|REGISTR)\w*|SSL_CERT_(FILE|DIR)|PATH|RUSTUP_HOME|HOME|SSH_AUTH_SOCK"
)
"""Variables of the caller that say how registries are reached; no others get into the fetch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crates:
    """The crates of a lock file. `registry`: whether there are any. `key`: digest of the lock file (hex)."""

    key: str
    registry: bool


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
    """Bring every crate of the lock file into the tool's own cargo home; nothing to do while the lock is the same.

    Raises:
        SourceUnreadableError: there is no Cargo.lock, or it is damaged.
        LocalBuildFailedError: cargo could not fetch; its words are in `detail`.
    """
    lock = tree / project.lock
    where = Location(file=project.lock)
    try:
        content = lock.read_bytes()
        packages = tomllib.loads(content.decode()).get("package", [])
    except FileNotFoundError:
        raise SourceUnreadableError(
            "the project has no Cargo.lock, so nothing fixes what is built",
            location=where,
            repair=f"cargo generate-lockfile --manifest-path {project.root}/Cargo.toml, and commit it",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceUnreadableError(
            f"Cargo.lock cannot be read: {error}", location=where, repair="restore it from version control"
        ) from error
    key = hashlib.sha256(content).hexdigest()
    crates = Crates(key=key, registry=any("registry+" in package.get("source", "") for package in packages))
    if any("source" in package for package in packages) and workspace.recall("crates", key) is None:
        _fetch(tree, project, toolchain, workspace=workspace, environment=environment, on_line=on_line, cancel=cancel)
        workspace.remember("crates", key, True)  # noqa: FBT003 - a stamp
    return crates


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
    done = run(
        [str(toolchain.cargo), "fetch", "--locked", f"--manifest-path={tree / project.root / 'Cargo.toml'}"],
        cwd=tree / project.root,
        environment={**passed, "CARGO_HOME": str(workspace.cargo_home)},
        on_line=on_line,
        cancel=cancel,
    )
    if done.exit_code:
        raise LocalBuildFailedError(
            "cargo could not fetch the crates that Cargo.lock names",
            location=Location(file=project.lock),
            repair="mend what cargo says; if the lock file is out of date, run `cargo update --workspace`",
            detail=tuple(done.stderr.decode(errors="replace").strip().splitlines()[-20:]),
        )


def crates_image(engine: Engine, crates: Crates, *, workspace: Workspace) -> str | None:
    """Return the tag of an image with the registry's cache and index, or None where no crate is from a registry.

    It is mounted over `$CARGO_HOME/registry` in RUN steps. Its tag names the lock file, so it changes only with that,
    and so do the cache keys of the steps that see it.
    """
    if not crates.registry:
        return None
    reference = f"{_REPOSITORY}:{crates.key[:16]}"
    if engine.image(reference) is not None:
        return reference
    registry = workspace.cargo_home / "registry"
    found = sorted(path for folder in ("cache", "index") for path in (registry / folder).rglob("*") if path.is_file())
    files: list[tuple[str, bytes | Path, int]] = [(MARKER, b"", 0o644)]
    files += [(str(path.relative_to(registry)), path, 0o644) for path in found]
    return load_files(engine, reference, files, scratch=workspace.root)
