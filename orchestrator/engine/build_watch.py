"""What is known of an image build while it runs, and who ends it on the engine: the run's end, or a step's limits."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.engine.faults import engine_faults
from orchestrator.errors import InterruptedRunError, NoVerdictError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.step_traffic import Traffic

_WATCH_SECONDS = 0.2
_PATIENCE_SECONDS = 20.0
"""For an engine that is to end a build. One that counted the sizes of 700 cached layers took eleven minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a build.

    Attributes:
        digest: BuildKit's name of it, stable for the same inputs.
        name: as BuildKit shows it (`[builder 5/7] RUN cargo build`).
        seconds: wall time; None while it runs.
        began: seconds since the epoch, by the engine's clock; None before it began.
        error: why it failed; empty otherwise.
    """

    digest: str
    name: str
    started: bool
    done: bool
    cached: bool
    seconds: float | None
    error: str
    began: float | None = None

    @property
    def cut_off(self) -> bool:
        """Return whether it ended because the build was ended, or another of its steps had failed."""
        return "canceled" in self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one step may take, and how long it may print nothing; seconds."""

    step: float
    silence: float


@dataclass(slots=True, kw_only=True)
class Watched:
    """What is known of a build while it runs; shared by the reader and its watch."""

    steps: dict[str, Step] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    traffic: dict[str, Traffic] = field(default_factory=dict)
    stopped: NoVerdictError | None = None
    answer: Any = None


@contextmanager
def watch(engine: Engine, build: str, watched: Watched, *, limits: Limits, cancel: threading.Event) -> Iterator[None]:
    """Let a thread end the build on the engine when it is cancelled or a step exceeds a limit."""
    over = threading.Event()

    def look() -> None:
        patience = math.inf
        while not over.wait(_WATCH_SECONDS):
            watched.stopped = watched.stopped or _reason_to_stop(watched, limits=limits, cancel=cancel)
            if watched.stopped is not None:
                patience = min(patience, time.monotonic() + _PATIENCE_SECONDS)
                # Again until the build is over: the engine says nothing of a build that it does not know yet. And an
                # engine that does not take the call is the reader's to report.
                with suppress(NoVerdictError), engine_faults("cancelling the build"):
                    engine.cancel_build(build, within=_PATIENCE_SECONDS)
                if watched.answer is not None and time.monotonic() > patience:
                    engine.hang_up(watched.answer)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _reason_to_stop(watched: Watched, *, limits: Limits, cancel: threading.Event) -> NoVerdictError | None:
    if cancel.is_set():
        return InterruptedRunError("the image build was ended because the run was")
    now = time.monotonic()
    for digest, began in tuple(watched.running.items()):
        name = watched.steps[digest].name
        if now - began > limits.step:
            return StepTimeoutError(
                f"the step `{name}` runs for more than {limits.step:g} s",
                repair="a step that starts the program itself never ends; raise `image.step_limit` if it must be",
            )
        if now - watched.heard.get(digest, now) > limits.silence:
            return StepTimeoutError(
                f"the step `{name}` printed nothing for {limits.silence:g} s",
                repair="a step that starts the program itself never ends; raise `image.silence_limit` if it is at work",
            )
    return None
