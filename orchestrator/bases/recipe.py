"""What goes into a bootstrapped base, and the key that names the result."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import ToolchainMismatchError
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.bases.image import HostToolchain
    from orchestrator.bases.settings import BootstrapSettings

RECIPE_VERSION = 2
"""Raised whenever the same settings would give other bytes, so that old bases are not taken for new ones."""

EPOCH = 1577836800
"""SOURCE_DATE_EPOCH of every base: 2020-01-01. A constant, since a base must not depend on when it was made."""

CARGO_HOME = "/usr/local/cargo"
RUSTUP_HOME = "/usr/local/rustup"
"""The places of Docker's official rust image, so that a Dockerfile written for that one finds all it expects."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides a base's bytes, but for the state of the package archive and mmdebstrap's release."""

    settings: BootstrapSettings
    toolchain: HostToolchain | None

    @property
    def key(self) -> str:
        """Return the content key (sha256 hex)."""
        facts: dict[str, object] = {
            "recipe": RECIPE_VERSION,
            "suite": self.settings.suite,
            "packages": sorted(set(self.settings.packages)),
            "mirror": self.settings.mirror,
        }
        if self.toolchain is not None:
            facts["toolchain"] = [self.toolchain.name, self.toolchain.commit]
            facts["components"] = _components(self.toolchain.sysroot)
        return memo_key(facts)

    @property
    def environment(self) -> dict[str, str]:
        """Return the image's ENV."""
        if self.toolchain is None:
            return {"PATH": _PATH}
        return {
            "PATH": f"{CARGO_HOME}/bin:{_PATH}",
            "CARGO_HOME": CARGO_HOME,
            "RUSTUP_HOME": RUSTUP_HOME,
            "RUST_VERSION": self.toolchain.version,
        }

    @property
    def sysroot(self) -> str | None:
        """Return where the toolchain lies in the image."""
        return f"{RUSTUP_HOME}/toolchains/{self.toolchain.name}" if self.toolchain else None


def recipe_of(reference: str, settings: BootstrapSettings, toolchain: HostToolchain | None) -> Recipe:
    """Return the recipe of a base.

    Raises:
        ToolchainMismatchError: the reference promises another toolchain version than the host has.
    """
    if settings.toolchain is None or toolchain is None:
        return Recipe(settings=settings, toolchain=None)
    promised = promised_otherwise(reference, toolchain)
    if promised is not None:
        raise ToolchainMismatchError(
            f"the base {reference} promises Rust {promised}, and this machine's toolchain is "
            f"{toolchain.version} ({toolchain.commit[:9]})",
            repair=f"run `rustup toolchain install {promised}` and select it, or write "
            f"{reference.replace(promised, toolchain.version, 1)} in the Dockerfile and under `bases`",
        )
    return Recipe(settings=settings, toolchain=toolchain)


def promised_otherwise(reference: str, toolchain: HostToolchain) -> str | None:
    """Return the version that a tag such as `rust:1.95-bookworm` begins with, where the host has another one."""
    _, _, tag = reference.rpartition(":")
    version = tag.partition("-")[0]
    promises = version and all(part.isdigit() for part in version.split("."))
    return version if promises and not f"{toolchain.version}.".startswith(f"{version}.") else None


def _components(sysroot: Path) -> list[tuple[str, int]]:
    # Names and sizes tell toolchains apart that share a commit (other components, other targets) without
    # reading 600 MB; the bytes themselves are rustup's business, which has checked them.
    found = []
    for folder, names, files in os.walk(sysroot):
        names.sort()
        if folder == str(sysroot) and "share" in names:
            names.remove("share")
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118 - thousands of files; os.walk gives strings
            found.append((os.path.relpath(path, sysroot), os.lstat(path).st_size))
    return sorted(found)
