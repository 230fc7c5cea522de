"""What `smoke:` in the spec accepts: how the image is run, and what it must do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orchestrator.settings import Bytes, ImagePath, Seconds, Settings


class ReadySettings(Settings):
    """When the program counts as up."""

    log: str | None = None
    """A text that a line of its output contains."""

    within: Seconds = 30.0
    """How long it may take."""


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


class StopSettings(Settings):
    """How it must end."""

    signal: str = Field(default="SIGTERM", pattern=r"^SIG[A-Z0-9]+$")
    """The signal that asks it to end."""

    within: Seconds = 10.0
    """How long it may take before it is killed."""

    exit: int = 0
    """The exit code it must end with."""


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


class SmokeSettings(Settings):
    """The smoke run of the image's own entrypoint."""

    kind: Literal["service", "job"] = "service"
    """A service must stay up until it is stopped; a job must end by itself with the expected code."""

    environment: dict[str, str] = Field(default_factory=dict)
    """Variables for the run, on both sides."""

    arguments: tuple[str, ...] | None = None
    """Replaces the image's CMD."""

    network: Literal["none", "internal"] = "none"
    """`none` leaves only loopback; `internal` a private network without a way out."""

    read_only: bool = True
    """Whether the root file system is mounted read-only."""

    writable: tuple[ImagePath, ...] = ("/tmp",)  # noqa: S108 - a path inside the container
    """Folders that stay writable when the root is read-only."""

    ready: ReadySettings = ReadySettings()
    """When it counts as up."""

    stays_up: Seconds = 1.0
    """How long it must keep running after it was ready."""

    expect: ExpectSettings = ExpectSettings()
    """What it must show."""

    stop: StopSettings = StopSettings()
    """How it must end."""

    limits: LimitSettings = LimitSettings()
    """What it may use."""
