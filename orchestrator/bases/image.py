"""What a base is to the rest of the tool: facts about an image that a FROM line names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Origin(StrEnum):
    """Where a base came from."""

    BOOTSTRAP = "bootstrap"
    PULL = "pull"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostToolchain:
    """The Rust toolchain of this machine, as far as a base that holds a copy of it must know it.

    Attributes:
        version: release number (`1.95.0`).
        commit: commit hash of rustc.
        host: target triple that it runs on.
        sysroot: what `rustc --print sysroot` says.
    """

    version: str
    commit: str
    host: str
    sysroot: Path

    @property
    def name(self) -> str:
        """Return the name that rustup, and so the official image, gives the toolchain's folder."""
        return f"{self.version}-{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """One base, ready to build on.

    Attributes:
        reference: as the Dockerfile's FROM writes it.
        pinned: the tag of our own that FROM is rewritten to; it points to `image_id` and to nothing else, ever.
        image_id: what the engine calls it (engine/store.py).
        made_id: its ID, where it was made from packages; of others the engine knows it (`base_id`).
        key: digest of the recipe of a bootstrapped base; None for others.
        environment: the image's ENV.
        directory: its WORKDIR.
        triggers: its ONBUILD instructions, which are carried out at the beginning of a stage.
        cargo_home: where cargo's home lies in it; None where it has none.
        sysroot: where the Rust toolchain lies in it; None where it is not known to have one.
    """

    reference: str
    pinned: str
    image_id: str
    origin: Origin
    environment: Mapping[str, str]
    made_id: str | None = None
    key: str | None = None
    cargo_home: str | None = None
    sysroot: str | None = None
    directory: str = "/"
    triggers: tuple[str, ...] = ()
    seconds: float = 0.0


REPOSITORY = "twinbuild.local/base"
"""The repository of the tags for bootstrapped bases. No registry answers to that name."""

PINNED = "twinbuild.local/pinned"
"""The repository of the tags that hold images of the engine for the length of their use."""
