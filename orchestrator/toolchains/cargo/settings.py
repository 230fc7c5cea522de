"""What `toolchain: {kind: cargo}` in the spec accepts."""

from __future__ import annotations

from typing import Literal

from orchestrator.settings import Bytes, RelativePath, Settings


class CargoSettings(Settings):
    """How cargo builds the program on the host. The image's side says the same in its Dockerfile."""

    kind: Literal["cargo"]
    """The toolchain family."""

    manifest: RelativePath = "Cargo.toml"
    """The package's or workspace's Cargo.toml."""

    package: str | None = None
    """The package that holds the program; default: the package of the manifest."""

    binary: str | None = None
    """The program; default: the package's name."""

    profile: str = "release"
    """The cargo profile."""

    locked: bool = True
    """Refuse to build where Cargo.lock would have to change."""

    features: tuple[str, ...] = ()
    """Features to enable beyond the default ones."""

    default_features: bool = True
    """Whether the default features are on."""

    share: bool = True
    """Whether the image build may take the dependencies that the host has compiled, where both would compile the same;
    `invoke build --independent` compiles everything on both sides once."""

    share_limit: Bytes = 4 * 1024**3
    """How much of the engine's disk such dependencies of this project may take. Older ones go first; what is larger by
    itself is compiled on both sides."""
