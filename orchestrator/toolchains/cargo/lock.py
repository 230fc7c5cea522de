"""Cargo.lock: which packages from elsewhere the project is built from."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import LocalBuildFailedError
from orchestrator.location import Location

if TYPE_CHECKING:
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
    where = Location(file=project.lock)
    try:
        packages = tomllib.loads((tree / project.lock).read_text(encoding="utf-8")).get("package", [])
    except FileNotFoundError:
        manifest = "Cargo.toml" if project.root == "." else f"{project.root}/Cargo.toml"
        raise LocalBuildFailedError(
            f"the project has no {project.lock}, so nothing fixes which crates both builds use",
            location=Location(file=manifest),
            repair=f"cargo generate-lockfile --manifest-path {manifest}, and commit the file; "
            "one that git ignores is no part of the source",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalBuildFailedError(
            f"{project.lock} cannot be read: {error}", location=where, repair="restore it from version control"
        ) from error
    found = (
        LockedPackage(
            name=package["name"],
            version=package["version"],
            source=package["source"],
            checksum=package.get("checksum"),
        )
        for package in packages
        if "source" in package
    )
    return tuple(sorted(found, key=lambda package: (package.name, package.version, package.source)))


def packages_digest(packages: tuple[LockedPackage, ...]) -> str:
    """Return a digest (hex) over the packages from elsewhere.

    Not over the lock file: that also changes with the project's own version, which is no reason to hand over the same
    crates as another image and so to compile them all again.
    """
    total = hashlib.sha256()
    for package in packages:
        total.update(f"{package.name} {package.version} {package.source} {package.checksum}\n".encode())
    return total.hexdigest()
