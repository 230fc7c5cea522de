"""What `image:` in the spec accepts."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from orchestrator.settings import ImagePath, RelativePath, Seconds, Settings, VariableName

_REFERENCE = (
    r"^(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?"  # a registry
    r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"  # the name
    r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
)
"""As the engine takes it (github.com/distribution/reference, regexp.go). The tag is written out: `latest` is a name
that should be meant."""


def _reference(value: str) -> str:
    if re.match(_REFERENCE, value) is None or value.endswith("\n"):
        msg = "expected a name with a tag, such as backend:dev or registry.example.org/team/backend:1.2"
        raise ValueError(msg)
    return value


class Where(StrEnum):
    """Where the local side is built."""

    HOST = "host"
    CONTAINER = "container"


class LocalSettings(Settings):
    """The local side of the comparison."""

    where: Where = Where.HOST
    """`host` builds on this machine; `container` from scratch in a clean container of the builder's base, without a
    network: for hosts of another kind, and as a control that shares nothing with the image build."""


class NetworkSettings(Settings):
    """What RUN steps have of the network. Crates are handed in without it."""

    steps: Literal["any", "none"] = "any"
    """`none` gives no RUN step a network: one that reaches for it fails, and is named."""

    certificates: Literal["none", "host"] = "none"
    """`host` lends this machine's certificate authorities (SSL_CERT_FILE, or the system's bundle) to RUN steps by a
    mount, never in a layer."""


class ImageSettings(Settings):
    """The image to build and the name that it gets once it has passed."""

    dockerfile: RelativePath = "Dockerfile"
    """The Dockerfile, relative to the source root."""

    context: RelativePath = "."
    """The folder that is sent as build context, relative to the source root."""

    target: str | None = None
    """The stage that is shipped; default: the last one."""

    tag: Annotated[str, AfterValidator(_reference), WithJsonSchema({"type": "string", "pattern": _REFERENCE})]
    """The name and tag that a passed image gets."""

    binary: ImagePath
    """Where the program lies in the shipped image."""

    launcher: ImagePath | None = None
    """A compiled program that the image starts in place of `binary`, and that starts it (an init, a supervisor) without
    being given its name. Any other that is started in its place is refused."""

    args: dict[VariableName, str] = Field(default_factory=dict)
    """Build arguments for the image alone. Facts that both builds need belong under `inputs`."""

    leftovers: Literal["keep", "remove"] = "keep"
    """What the build host left in layers (apt's lists and logs, Python bytecode, ldconfig's aux-cache, name servers) is
    named in any case; `remove` also takes it out of the image."""

    step_limit: Seconds = 3600.0
    """How long one step may take."""

    silence_limit: Seconds = 900.0
    """How long one step may print nothing."""
