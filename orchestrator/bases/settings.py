"""What `bases:` in the spec accepts: where the images that a Dockerfile's FROM names come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from orchestrator.settings import Settings


class BootstrapSettings(Settings):
    """Make the base from Debian packages: no registry, and the same bytes for the same packages."""

    suite: str
    """The Debian release (`bookworm`)."""

    packages: tuple[str, ...] = ()
    """Packages beyond the minimal system."""

    toolchain: Literal["host"] | None = None
    """`host` copies this machine's Rust toolchain into the base."""

    mirror: str | None = None
    """The archive to take packages from; default: what this machine is configured for."""


class PullSettings(Settings):
    """Take the base from a registry, by digest."""

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """The manifest digest; what a tag points to today does not matter."""


class BaseSettings(Settings):
    """One base: exactly one of `bootstrap` and `pull`."""

    bootstrap: BootstrapSettings | None = None
    """Make it from packages."""

    pull: PullSettings | None = None
    """Pull it by digest."""

    @model_validator(mode="after")
    def _exactly_one(self) -> BaseSettings:
        if (self.bootstrap is None) == (self.pull is None):
            msg = "expected exactly one of 'bootstrap' and 'pull'"
            raise ValueError(msg)
        return self
