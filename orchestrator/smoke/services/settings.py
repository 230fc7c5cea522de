"""What `smoke.services:` in the spec accepts, and the places that the rest of the plan may name of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from orchestrator.settings import Bytes, ImagePath, Settings, VariableName
from orchestrator.smoke.probes import ReadySettings
from orchestrator.smoke.probes.tcp import TcpProbe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.smoke.probes import Probe

KEYS = ("host", "port", "password")
"""What can be named of a service: `${services.db.host}`."""

_PLACE = re.compile(r"\$\{services\.([^}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        msg = "expected a short name in lower case (`db`): it is the host name of the service"
        raise ValueError(msg)
    return value


ServiceName = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})]
"""The name of a service, which is also its host name."""


class ServiceSettings(Settings):
    """A helper of the program, run beside it with an engine's usual rights; it is not judged."""

    image: str = Field(min_length=1)
    """Its image, as a FROM line would name it: one of `bases`, or any that the engine has."""

    port: int = Field(ge=1, le=65535)
    """The port that it listens on."""

    command: tuple[str, ...] | None = None
    """Replaces the image's CMD. A base from packages has none, and needs one."""

    user: str | None = None
    """The user that it runs as; default: the image's."""

    environment: dict[VariableName, str] = Field(default_factory=dict)
    """Its variables; `${services.<name>.password}` is a password that is made for the run."""

    files: dict[ImagePath, str] = Field(default_factory=dict)
    """Files that it finds: their content by their path."""

    ready: ReadySettings = Field(default_factory=ReadySettings)
    """When it counts as up, by the same probes as `smoke.ready`; default: once its port takes connections."""

    memory: Bytes = 1024**3
    """Memory, swap included."""

    def probes(self) -> dict[str, Probe]:
        """Return what shows that it is up."""
        return self.ready.probes() or {"tcp": TcpProbe(port=self.port)}


def unknown_places(text: str, services: Mapping[str, ServiceSettings]) -> Iterator[str]:
    """Yield what is wrong with the places that a text names."""
    for found in _PLACE.finditer(text):
        name, _, key = found[1].rpartition(".")
        if name not in services:
            known = ", ".join(services) or "none is there"
            yield f"{found[0]} to name a service of `services` ({known})"
        elif key not in KEYS:
            yield f"{found[0]} to end in one of {', '.join(KEYS)}"


def filled(values: Mapping[str, str], places: Mapping[str, str]) -> dict[str, str]:
    """Return texts with `${services.…}` replaced. `places`: by what follows `services.` (`db.host`)."""
    return {name: _PLACE.sub(lambda found: places[found[1]], text) for name, text in values.items()}
