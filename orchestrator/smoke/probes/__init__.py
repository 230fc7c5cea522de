"""When a program counts as up. A new probe is a file in this package and a line in `ReadySettings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from orchestrator.settings import Seconds, Settings
from orchestrator.smoke.probes.command import CommandProbe
from orchestrator.smoke.probes.file import FileProbe
from orchestrator.smoke.probes.healthcheck import HealthcheckProbe
from orchestrator.smoke.probes.http import HttpAnswer, HttpProbe, HttpRequest
from orchestrator.smoke.probes.log import LogProbe, compiled
from orchestrator.smoke.probes.probe import Look, Probe, Target
from orchestrator.smoke.probes.tcp import TcpProbe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HttpAnswer", "HttpRequest", "LogProbe", "Look", "Probe", "ReadySettings", "Target", "compiled"]


def _some_time(value: float) -> float:
    if value <= 0:
        msg = "expected more than nothing: no program is ready within 0 s"
        raise ValueError(msg)
    return value


def _short(key: str, kind: type, name: str) -> Callable[[Any], Any]:
    """Return what takes a bare value for the one key that most uses of a probe need."""

    def written_out(value: Any) -> Any:
        if isinstance(value, kind) and not isinstance(value, bool):
            return {key: value}
        if value is not None and not isinstance(value, dict | Probe):
            msg = f"expected {name}, or a mapping (key: value)"
            raise ValueError(msg)
        return value

    return written_out


def _switch(value: Any) -> Any:
    if isinstance(value, bool):
        return {} if value else None
    if value is not None and value != {} and not isinstance(value, Probe):
        msg = "expected true or false"
        raise ValueError(msg)
    return value


LogLine = Annotated[LogProbe, BeforeValidator(_short("text", str, "a text"), json_schema_input_type=str | LogProbe)]
TcpPort = Annotated[
    TcpProbe, BeforeValidator(_short("port", int, "a port number"), json_schema_input_type=int | TcpProbe)
]
FileName = Annotated[FileProbe, BeforeValidator(_short("path", str, "a path"), json_schema_input_type=str | FileProbe)]
Command = Annotated[
    CommandProbe,
    BeforeValidator(_short("run", list, "a list of words"), json_schema_input_type=list[str] | CommandProbe),
]
Healthcheck = Annotated[HealthcheckProbe | None, BeforeValidator(_switch, json_schema_input_type=bool)]


class ReadySettings(Settings):
    """When the program counts as up: once every probe that is given has held."""

    log: LogLine | None = None
    """A line of its output: a text that it holds, or `{regex: …, stream: stderr}`."""

    http: HttpProbe | None = None
    """A request that it answers: `{port: 8080, path: /health, status: 200, body: ok}`."""

    tcp: TcpPort | None = None
    """A port that takes connections; proves less than `http`."""

    file: FileName | None = None
    """A file that it makes."""

    healthcheck: Healthcheck = None
    """Whether the image's own HEALTHCHECK must be healthy; asked of the image alone."""

    command: Command | None = None
    """A command in the container that must succeed (`[/usr/bin/app, health]`); asked of the image alone."""

    within: Annotated[Seconds, AfterValidator(_some_time)] = 30.0
    """How long it may take, all in all; for a job, until its end."""

    def probes(self) -> dict[str, Probe]:
        """Return the probes that are given, by their key."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: probe for name, probe in found.items() if isinstance(probe, Probe)}
