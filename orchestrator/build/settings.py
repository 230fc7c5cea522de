"""What `image:` in the spec accepts."""

from __future__ import annotations

from pydantic import Field

from orchestrator.settings import ImagePath, RelativePath, Seconds, Settings

_REFERENCE = r"^[a-z0-9]+(?:[._/:-]+[a-zA-Z0-9]+)*$"


class ImageSettings(Settings):
    """The image to build and the name that it gets once it has passed."""

    dockerfile: RelativePath = "Dockerfile"
    """The Dockerfile, relative to the spec."""

    context: RelativePath = "."
    """The folder that is sent as build context, relative to the source root."""

    target: str | None = None
    """The stage that is shipped; default: the last one."""

    tag: str = Field(pattern=_REFERENCE)
    """The name and tag that a passed image gets."""

    binary: ImagePath
    """Where the program lies in the shipped image."""

    args: dict[str, str] = Field(default_factory=dict)
    """Build arguments for the image alone. Facts that both builds need belong under `inputs`."""

    step_limit: Seconds = 3600.0
    """How long one step may take."""

    silence_limit: Seconds = 900.0
    """How long one step may print nothing."""
