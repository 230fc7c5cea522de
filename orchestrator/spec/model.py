"""`buildspec.yaml` as a whole: nothing but the composition of the slices that capabilities own."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from orchestrator.bases.settings import BaseSettings
from orchestrator.build.settings import ImageSettings, LocalSettings, NetworkSettings
from orchestrator.dockerfile.settings import StubSettings
from orchestrator.gate.settings import GateSettings
from orchestrator.parity.policy import ParitySettings
from orchestrator.settings import Settings, VariableName
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.source.settings import SourceSettings
from orchestrator.toolchains.cargo.settings import CargoSettings
from orchestrator.workspace_settings import RunsSettings

PLACEHOLDERS = ("project", "source.digest", "source.commit", "source.epoch")
"""What `${…}` in a value of `inputs` and `image.args` may name."""

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def _whole_number(value: object) -> object:
    # `true` and 1.0 equal 1, and mean something else.
    if type(value) is not int:
        msg = "expected the number 1"
        raise ValueError(msg)
    return value


def _known_placeholders(value: str) -> str:
    for name in _PLACEHOLDER.findall(value):
        if name not in PLACEHOLDERS:
            msg = f"expected one of {', '.join('${%s}' % known for known in PLACEHOLDERS)}"  # noqa: UP031 - braces
            raise ValueError(msg)
    return value


Fact = Annotated[str, AfterValidator(_known_placeholders)]
"""A text in which `${source.digest}` and its like are replaced."""


class BuildSpec(Settings):
    """The one declaration of a project."""

    version: Annotated[Literal[1], BeforeValidator(_whole_number)]
    """The version of this format."""

    project: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """The project's name."""

    source: SourceSettings = Field(default_factory=SourceSettings)
    """Which files belong to it."""

    toolchain: CargoSettings
    """What builds the program on the host."""

    inputs: dict[VariableName, Fact] = Field(default_factory=dict)
    """Facts that both builds get: build arguments in Docker, environment on the host. One place, so they cannot
    differ."""

    local: LocalSettings = Field(default_factory=LocalSettings)
    """The local side."""

    image: ImageSettings
    """The image and its name."""

    network: NetworkSettings = Field(default_factory=NetworkSettings)
    """What RUN steps have of the network."""

    bases: dict[str, BaseSettings] = Field(default_factory=dict)
    """Where the images come from that FROM names; those not listed are used as the engine has them."""

    stub: StubSettings = Field(default_factory=StubSettings)
    """The stub guard."""

    parity: ParitySettings = Field(default_factory=ParitySettings)
    """How near both programs must be."""

    smoke: SmokeSettings = Field(default_factory=SmokeSettings)
    """How the image is run, and what it must do."""

    gate: GateSettings = Field(default_factory=GateSettings)
    """What the gate asks for beyond its five checks."""

    runs: RunsSettings = Field(default_factory=RunsSettings)
    """How many run records are kept."""


def expand_facts(values: dict[str, str], facts: dict[str, str]) -> dict[str, str]:
    """Return values with their placeholders replaced."""
    return {name: _PLACEHOLDER.sub(lambda match: facts[match[1]], value) for name, value in values.items()}
