"""Image builds by the engine's own BuildKit, through the Engine API: no docker CLI and no buildx.

`POST /build?version=2` with the context tar as the body runs BuildKit on every engine that is supported. The answer is
a stream of JSON lines; `moby.buildkit.trace` carries typed steps, cached flags, times and logs.
"""

from __future__ import annotations

import base64
import json
import math
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.engine.faults import engine_faults, fault, network_fault
from orchestrator.engine.protobuf import read_status
from orchestrator.errors import (
    EngineUnreachableError,
    EngineUnsupportedError,
    InterruptedRunError,
    NoVerdictError,
    StepTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.protobuf import BuildStatus, Vertex

_ASIDE = "twinbuild.aside"
_WATCH_SECONDS = 0.2
_PATIENCE_SECONDS = 20.0
"""For an engine that is to end a build. One that counted the sizes of 700 cached layers took eleven minutes."""
_LOG_KEPT = 64 * 1024
"""How much of a step's output is kept in memory: the last part, which says why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a build.

    Attributes:
        digest: BuildKit's name of it, stable for the same inputs.
        name: as BuildKit shows it (`[builder 5/7] RUN cargo build`).
        seconds: wall time; None while it runs.
        error: why it failed; empty otherwise.
    """

    digest: str
    name: str
    started: bool
    done: bool
    cached: bool
    seconds: float | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """A finished build. `logs`: the end of what each executed step printed, by digest."""

    image_id: str
    steps: tuple[Step, ...]
    logs: Mapping[str, bytes]


class SolveFailedError(Exception):
    """The build failed: a step did, or the frontend did not understand the Dockerfile.

    Attributes:
        message: the engine's words.
        step: the step that failed, None where none had begun.
        log: the end of what it printed.
    """

    def __init__(self, message: str, *, step: Step | None, log: bytes) -> None:
        super().__init__(message)
        self.message, self.step, self.log = message, step, log


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one step may take, and how long it may print nothing; seconds."""

    step: float
    silence: float


@dataclass(slots=True, kw_only=True)
class _Watched:
    """What is known of a build while it runs; shared by the reader and its watch."""

    steps: dict[str, Step] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    stopped: NoVerdictError | None = None
    answer: Any = None


def solve(
    engine: Engine,
    context: Path,
    *,
    dockerfile: str,
    target: str | None,
    arguments: Mapping[str, str],
    limits: Limits,
    cancel: threading.Event,
    on_step: Callable[[Step], None],
    on_log: Callable[[str, bytes], None],
    no_cache: bool = False,
    offline: bool = False,
    aside: bool = False,
) -> Solved:
    """Build a stage and return its image.

    Args:
        engine: where to build.
        context: the context tar.
        dockerfile: the Dockerfile's path in it.
        target: the stage; None for the last one.
        arguments: build arguments.
        limits: what one step may take.
        cancel: set to end the build on the engine.
        on_step: told each change of a step.
        on_log: told what a step (by digest) prints.
        no_cache: build every step anew.
        offline: give no step a network.
        aside: give the image an id that no other build's has, so that it can be removed without taking away theirs.

    Raises:
        SolveFailedError: the build failed.
        StepTimeoutError: a step exceeded a limit; the build was ended on the engine.
        InterruptedRunError: `cancel` was set; the build was ended on the engine.
        EngineUnreachableError: the engine went away, or has no network for a step.
        NoSpaceError: the engine's disk is full.
    """
    build = secrets.token_hex(16)
    params = {"version": "2", "buildid": build, "dockerfile": dockerfile, "buildargs": json.dumps(dict(arguments))}
    params |= {"target": target} if target else {}
    params |= {"nocache": "1"} if no_cache else {}
    params |= {"networkmode": "none"} if offline else {}
    params |= {"labels": json.dumps({_ASIDE: build})} if aside else {}
    watched = _Watched()
    with context.open("rb") as body, _watch(engine, build, watched, limits=limits, cancel=cancel):
        try:
            with engine_faults("building the image"):
                watched.answer = engine.post("/build", params=params, data=body)
                image_id, failure = _read(watched.answer, watched, on_step=on_step, on_log=on_log)
        except EngineUnreachableError:
            if watched.stopped is not None:
                raise watched.stopped from None
            raise
    if watched.stopped is not None:
        raise watched.stopped
    if failure is not None or image_id is None:
        raise _failed(failure or "the engine ended the build without an image", watched)
    return Solved(image_id=image_id, steps=tuple(watched.steps.values()), logs=watched.logs)


def _read(
    answer: Any, watched: _Watched, *, on_step: Callable[[Step], None], on_log: Callable[[str, bytes], None]
) -> tuple[str | None, str | None]:
    image_id = failure = None
    for line in answer.iter_lines():
        message = _message(line)
        if message.get("id") == "moby.buildkit.trace":
            _take(_status(message), watched, on_step=on_step, on_log=on_log)
        elif message.get("id") == "moby.image.id":
            image_id = str(message["aux"]["ID"])
        elif "error" in message:
            failure = str((message.get("errorDetail") or {}).get("message") or message["error"])
    return image_id, failure


def _message(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EngineUnreachableError(
            f"the Docker engine said something that is no message while building the image: {line[:200]!r}",
            repair="check that DOCKER_HOST leads to a Docker engine and that nothing in between changes its answers",
        )
    return found


def _status(message: dict[str, Any]) -> BuildStatus:
    try:
        return read_status(base64.b64decode(message["aux"], validate=True))
    except (KeyError, TypeError, ValueError) as error:
        raise EngineUnsupportedError(
            f"the Docker engine tells the build's progress in a form that is not known here: {error}",
            repair="report this with the output of `invoke doctor`",
        ) from error


def _take(
    status: BuildStatus,
    watched: _Watched,
    *,
    on_step: Callable[[Step], None],
    on_log: Callable[[str, bytes], None],
) -> None:
    now = time.monotonic()
    for vertex in status.vertexes:
        step = _step(vertex)
        if watched.steps.get(vertex.digest) == step:
            continue
        watched.steps[vertex.digest] = step
        if step.started and not step.done:
            watched.running.setdefault(vertex.digest, now)
            watched.heard[vertex.digest] = now
        else:
            watched.running.pop(vertex.digest, None)
        on_step(step)
    for log in status.logs:
        watched.heard[log.vertex] = now
        watched.logs[log.vertex] = (watched.logs.get(log.vertex, b"") + log.message)[-_LOG_KEPT:]
        on_log(log.vertex, log.message)


def _step(vertex: Vertex) -> Step:
    seconds = None
    if vertex.started is not None and vertex.completed is not None:
        seconds = max(0.0, vertex.completed - vertex.started)
    return Step(
        digest=vertex.digest,
        name=vertex.name,
        started=vertex.started is not None,
        done=vertex.completed is not None,
        cached=vertex.cached,
        seconds=seconds,
        error=vertex.error,
    )


def _failed(message: str, watched: _Watched) -> Exception:
    broken = next((step for step in watched.steps.values() if step.error and "canceled" not in step.error), None)
    log = watched.logs.get(broken.digest, b"") if broken else b""
    for said in (message, log.decode(errors="replace")):
        if "no space left on device" in said.lower():
            return fault("building the image", said)
    network = network_fault(message)
    if network is not None:
        return network
    return SolveFailedError(message, step=broken, log=log)


@contextmanager
def _watch(engine: Engine, build: str, watched: _Watched, *, limits: Limits, cancel: threading.Event) -> Iterator[None]:
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


def _reason_to_stop(watched: _Watched, *, limits: Limits, cancel: threading.Event) -> NoVerdictError | None:
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
