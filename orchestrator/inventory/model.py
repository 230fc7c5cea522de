"""What a lock holds: the words of `buildspec.lock`, and the values that are compared with it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orchestrator.settings import Settings

VERSION: Literal[1] = 1


class SideInventory(Settings):
    """What compiles and links on one side, and which system libraries a build script would find there."""

    rustc: str | None = None
    """Release and commit; none where the builder's base has no Rust toolchain and a step installs it."""

    llvm: str | None = None
    """The LLVM that rustc has in it."""

    target: str | None = None
    """The triple that rustc compiles for by default."""

    c_compiler: str | None = None
    """What `cc --version` says of itself."""

    linker: str | None = None
    """What the linker says of itself: the one that the project asks for, else the one that the C compiler calls."""

    modules: dict[str, str] = Field(default_factory=dict)
    """What pkg-config offers: version by module."""

    packages: dict[str, str] = Field(default_factory=dict)
    """The `-dev` packages: version by name."""


class BaseInventory(Settings):
    """One base image."""

    origin: str
    """How it came here: bootstrap, pull or engine."""

    image: str
    """Its image ID."""

    digest: str | None = None
    """Its manifest digest, where it is pulled by that."""

    packages: dict[str, str] = Field(default_factory=dict)
    """Version, and sha256 over what dpkg keeps of the package's files (`<name>.md5sums`), by name."""


class BuilderInventory(Settings):
    """What the steps of the builder stage bring to its base."""

    rustc: str | None = None
    """Release and commit, where they are not the base's."""

    c_compiler: str | None = None
    """As of a side, where it is not the base's."""

    linker: str | None = None
    """As of a side, where it is not the base's."""

    modules: dict[str, str] = Field(default_factory=dict)
    """What pkg-config offers beyond the base, or in another version: version by module."""

    packages: dict[str, str] = Field(default_factory=dict)
    """The packages that steps have installed or replaced, `-dev` or not: as those of a base."""


class Inventory(Settings):
    """Everything that a build stands on and that is no source of the project."""

    version: Literal[1]
    """The version of this format."""

    tool: str
    """The version of twinbuild."""

    platform: str
    """Operating system and architecture of the engine."""

    bases: dict[str, BaseInventory] = Field(default_factory=dict)
    """The base images, by the reference that FROM names."""

    host: SideInventory
    """The host's side."""

    image: SideInventory
    """The side of the image: the builder's base."""

    builder: BuilderInventory | None = None
    """What steps install upon that base; none where no step can, or where it was locked before a first build."""
