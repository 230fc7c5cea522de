"""What `smoke:` in the spec accepts: how the image is run, and what it must do.

A plan that can never be met, or that checks nothing, is refused here, before anything is built.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchestrator.settings import Bytes, ImagePath, RelativePath, Seconds, Settings, VariableName
from orchestrator.smoke.output import LineMatch, Wanted
from orchestrator.smoke.probes import HttpRequest, ReadySettings, compiled
from orchestrator.smoke.services.settings import ServiceName, ServiceSettings, filled, unknown_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHORTEST_SECRET = 4
_MEMORY = "/dev/shm"  # noqa: S108 - inside the container, where it can always be written to


def _regex(value: str) -> str:
    compiled(value)
    return value


def _several(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if not isinstance(value, tuple):
        msg = "expected a whole number, or a list of them"
        raise ValueError(msg)  # noqa: TRY004 - pydantic takes only this for a mistake of the user's
    return value


Regex = Annotated[str, AfterValidator(_regex)]
"""A regular expression, in Python's words, for one line."""


class ExpectSettings(Settings):
    """What the run must leave behind."""

    stdout: tuple[str, ...] = ()
    """Lines that standard output must hold, in this order; other lines may stand between."""

    files: tuple[ImagePath, ...] = ()
    """Files that must exist in the container after it was ready."""

    no_files: tuple[ImagePath, ...] = ()
    """Glob patterns of files that must not exist (in the last path component)."""

    no_output: tuple[str, ...] = ("panicked at",)
    """Texts that no line of the output may contain."""

    idle_growth: Bytes | None = None
    """How much memory it may take on while it is idle, from ready to the end of `stays_up`."""


class StopSettings(Settings):
    """How it must end."""

    signal: str | None = Field(default=None, pattern=r"^SIG[A-Z0-9]+([+-]\d+)?$")
    """The signal that asks it to end; default: the image's STOPSIGNAL, or SIGTERM."""

    within: Seconds = 10.0
    """How long it may take before it is killed."""

    exit: Annotated[tuple[int, ...], BeforeValidator(_several, json_schema_input_type=int | list[int])] = (0,)
    """The exit code that it must end with, or a list of those that will do."""


class LimitSettings(Settings):
    """What the container may use."""

    memory: Bytes = 512 * 1024**2
    """Memory, swap included."""

    pids: int = 256
    """Processes and threads."""

    cpus: float = 2.0
    """Processors."""

    log: Bytes = 1024**2
    """How much of its output is kept: the first half and the last half of this."""

    output: Bytes = 1024**3
    """How much it may print at all."""

    zombies: int = 4
    """How many dead processes it may leave uncollected."""


class SmokeSettings(Settings):
    """The smoke run of the image's own entrypoint."""

    kind: Literal["service", "job"] = "service"
    """A service must stay up until it is stopped; a job must end by itself with the expected code."""

    environment: dict[VariableName, str] = Field(default_factory=dict)
    """Variables for the run, on both sides; `${services.<name>.host}`, `.port` and `.password` name a service's."""

    files: dict[ImagePath, str] = Field(default_factory=dict)
    """Files that it finds, on both sides: their content by their path, with the same names in it."""

    secrets: tuple[str, ...] = ()
    """Variables of `environment` whose values it must not print; they are masked in all that is kept."""

    arguments: tuple[str, ...] | None = None
    """Replaces the image's CMD."""

    network: Literal["none", "internal"] | None = None
    """`none` leaves only loopback; `internal` a private network without a way out. Default: `internal` where a probe,
    a request or a service needs it, else `none`."""

    capabilities: tuple[Annotated[str, Field(pattern=r"^[A-Z_]+$")], ...] = ()
    """Linux capabilities that it needs (`CHOWN`); all others are taken away."""

    read_only: bool = True
    """Whether the root file system is mounted read-only. Where it is not, what is written outside of `writable` is
    refused after the fact."""

    writable: tuple[ImagePath, ...] = ("/tmp",)  # noqa: S108 - a path inside the container
    """Folders that stay writable when the root is read-only."""

    ready: ReadySettings = Field(default_factory=ReadySettings)
    """When it counts as up."""

    stays_up: Seconds = 1.0
    """How long it must keep running after it was ready."""

    requests: tuple[HttpRequest, ...] = ()
    """Requests made once it is ready: judged by themselves, and compared with the host's program."""

    expect: ExpectSettings = Field(default_factory=ExpectSettings)
    """What it must show."""

    stop: StopSettings = Field(default_factory=StopSettings)
    """How it must end."""

    restart: bool = False
    """Whether the stopped container must come up once more: a stale lock or pid file shows here."""

    limits: LimitSettings = Field(default_factory=LimitSettings)
    """What it may use."""

    services: dict[ServiceName, ServiceSettings] = Field(default_factory=dict)
    """What runs beside it, on each side afresh: a database, a cache. It is reached by its name."""

    structure_tests: tuple[RelativePath, ...] = ()
    """Files of container-structure-test that the image must satisfy."""

    goss: tuple[RelativePath, ...] = ()
    """Gossfiles that the running container must satisfy once it is ready."""

    volatile: tuple[Regex, ...] = ()
    """What may differ in the output of two runs; times, process numbers, addresses and the like are known already."""

    @model_validator(mode="after")
    def _can_be_met(self) -> SmokeSettings:
        faults = (*_without_check(self), *_unreachable(self), *_contradictions(self), *_bad_secrets(self))
        for fault in (*faults, *_bad_services(self)):
            raise ValueError(fault)
        return self

    @property
    def needs_network(self) -> bool:
        """Return whether somebody outside of the program's container must reach it, or be reached by it."""
        probes = self.ready.probes().values()
        return bool(self.requests or self.services) or any(probe.needs_network for probe in probes)

    def secret_values(self, places: Mapping[str, str]) -> dict[str, str]:
        """Return the values of `secrets` by their names. `places`: of services, by `<name>.<key>`."""
        return filled({name: self.environment[name] for name in self.secrets}, places)

    def wanted(self, secrets: Mapping[str, str]) -> Wanted:
        """Return what the output is searched for. `secrets`: values by their names."""
        ready: LineMatch | None = self.ready.log.match() if self.ready.log else None
        return Wanted(
            ready=ready,
            expected=self.expect.stdout,
            forbidden=self.expect.no_output,
            secrets=secrets,
        )


def _without_check(plan: SmokeSettings) -> Iterator[str]:
    probes = plan.ready.probes()
    if plan.kind == "job" and probes:
        yield f"expected a job without `ready.{next(iter(probes))}`: a job is done when it ends"
    if plan.kind == "job" and plan.goss:
        yield "expected a job without `goss`: a gossfile is held against a program that runs"
    if plan.kind == "job" and plan.requests:
        yield "expected a job without `requests`: it serves nobody"
    shows = plan.expect.stdout or plan.expect.files or plan.requests
    if plan.kind == "service" and not probes and not shows and not plan.stays_up:
        yield "expected at least one check: something in `ready` or `expect`, or `stays_up` above 0s"


def _unreachable(plan: SmokeSettings) -> Iterator[str]:
    if plan.needs_network and plan.network == "none":
        yield "expected `network: internal`: with `none` nobody outside of the container can connect to the program"
    file = plan.ready.file
    if file is not None and plan.read_only and not _inside(file.path, (*plan.writable, _MEMORY)):
        yield (
            f"expected `ready.file` inside a folder of `writable`: the root is read-only, so the program cannot "
            f"make {file.path}"
        )


def _contradictions(plan: SmokeSettings) -> Iterator[str]:
    lines = [*plan.expect.stdout, *([plan.ready.log.text] if plan.ready.log and plan.ready.log.text else [])]
    for line in lines:
        for text in plan.expect.no_output:
            if text in line:
                yield f"expected lines without what `no_output` forbids: {line!r} holds {text!r}"
    for path in plan.expect.files:
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in plan.expect.no_files):
            yield f"expected files that `no_files` does not forbid, as it does {path}"


def _bad_secrets(plan: SmokeSettings) -> Iterator[str]:
    for name in plan.secrets:
        if name not in plan.environment:
            yield f"expected `secrets` to name variables of `environment`, where {name} is not"
        elif len(plan.environment[name]) < _SHORTEST_SECRET:
            yield f"expected secrets of at least {_SHORTEST_SECRET} characters; {name} would be found everywhere"


def _bad_services(plan: SmokeSettings) -> Iterator[str]:
    texts = [("environment", name, text) for name, text in plan.environment.items()]
    texts += [("files", name, text) for name, text in plan.files.items()]
    for service, settings in plan.services.items():
        texts += [(f"services.{service}.environment", name, text) for name, text in settings.environment.items()]
        texts += [(f"services.{service}.files", name, text) for name, text in settings.files.items()]
    for where, name, text in texts:
        for fault in unknown_places(text, plan.services):
            yield f"expected in `{where}.{name}` {fault}"
    if plan.services and plan.network == "none":
        yield "expected `network: internal`: with `none` the program cannot reach its services"
    for path in (*plan.files, *(path for settings in plan.services.values() for path in settings.files)):
        if path.count("/") == 1:
            yield f"expected {path} in a folder: the root itself cannot be mounted over"
    for path in plan.files:
        if _inside(path, plan.writable):
            yield f"expected {path} outside of the folders in `writable`, which begin empty"


def _inside(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
