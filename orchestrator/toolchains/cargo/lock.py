"""Cargo.lock: which packages from elsewhere the project is built from."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import LocalBuildFailedError
from orchestrator.location import Location
from orchestrator.toolchains.cargo.failure import last_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.toolchains.cargo.project import CargoProject

_REGISTRY = ("registry+", "sparse+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """A package that is no part of the project. `checksum`: sha256 (hex) of its archive; None for git."""

    name: str
    version: str
    source: str
    checksum: str | None

    @property
    def from_registry(self) -> bool:
        """Return whether it comes from a registry, and not from a git repository."""
        return self.source.startswith(_REGISTRY)

    @property
    def archive(self) -> str:
        """Return the name of its file in the registry cache."""
        return f"{self.name}-{self.version}.crate"


def read_lock(tree: Path, project: CargoProject) -> tuple[LockedPackage, ...]:
    """Return the packages from elsewhere that Cargo.lock names, sorted.

    Raises:
        LocalBuildFailedError: there is no lock file, or it is damaged.
    """
    try:
        found = list(_packages(tomllib.loads((tree / project.lock).read_text(encoding="utf-8"))))
    except FileNotFoundError:
        manifest = _manifest(project)
        raise LocalBuildFailedError(
            f"the project has no {project.lock}, so nothing fixes which crates both builds use",
            location=Location(file=manifest),
            repair=f"cargo generate-lockfile --manifest-path {manifest}, and commit the file; "
            "one that git ignores is no part of the source",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
        # The last three: it is TOML, and no lock file.
        raise LocalBuildFailedError(
            f"{project.lock} cannot be read: {error}",
            location=Location(file=project.lock),
            repair="restore it from version control",
        ) from error
    return tuple(sorted(found, key=lambda package: (package.name, package.version, package.source)))


def _manifest(project: CargoProject) -> str:
    return "Cargo.toml" if project.root == "." else f"{project.root}/Cargo.toml"


def _packages(lock: Mapping[str, Any]) -> Iterator[LockedPackage]:
    for package in lock.get("package", []):
        if "source" in package:
            yield LockedPackage(
                name=package["name"],
                version=package["version"],
                source=package["source"],
                checksum=package.get("checksum"),
            )


def outdated(project: CargoProject, said: str) -> LocalBuildFailedError:
    """Return the error for a lock file that does not fit the manifests; `said`: cargo's words."""
    return LocalBuildFailedError(
        f"{project.lock} does not fit the manifests",
        location=Location(file=project.lock),
        repair=f"cargo update --workspace --manifest-path {_manifest(project)}, and commit the file",
        detail=last_words(said),
    )


def packages_digest(packages: tuple[LockedPackage, ...]) -> str:
    """Return a digest (hex) over the packages from elsewhere.

    Not over the lock file: that also changes with the project's own version, which is no reason to hand over the same
    crates as another image and so to compile them all again.
    """
    total = hashlib.sha256()
    for package in packages:
        total.update(f"{package.name} {package.version} {package.source} {package.checksum}\n".encode())
    return total.hexdigest()
