"""Image builds by the engine's own BuildKit, through the Engine API: no docker CLI and no buildx.

`POST /build?version=2` with the context tar as the body runs BuildKit on every engine that is supported. The answer is
a stream of JSON lines; `moby.buildkit.trace` carries typed steps, cached flags, times and logs.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from orchestrator.engine.build_watch import Limits, Step, Watched, watch
from orchestrator.engine.faults import engine_faults, fault, network_fault
from orchestrator.engine.protobuf import read_status
from orchestrator.engine.step_traffic import Ran, counted
from orchestrator.errors import EngineUnreachableError, EngineUnsupportedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.protobuf import BuildStatus, Vertex
    from orchestrator.engine.step_traffic import Counted, Traffic

_ASIDE = "twinbuild.aside"
_LOG_KEPT = 64 * 1024
"""How much of a step's output is kept in memory: the last part, which says why it failed."""
_LOST_RACE = "flightcontrol: exceeded retry timeout"
"""What BuildKit says where two builds that want the same thing at once have waited for each other, and no step failed:
engine 20.10, seldom, with two runs on it (moby/buildkit#1822, mended there in later releases)."""
_ATTEMPTS = 3
"""How often a build is begun that ends so. The steps that were done are cached by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """A finished build.

    Attributes:
        logs: the end of what each executed step printed, by digest.
        traffic: what RUN steps that were executed have sent and received, by digest, as far as that is known.
    """

    image_id: str
    steps: tuple[Step, ...]
    logs: Mapping[str, bytes]
    traffic: Mapping[str, Traffic]


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
    params = {"version": "2", "dockerfile": dockerfile, "buildargs": json.dumps(dict(arguments))}
    params |= _options(target, no_cache=no_cache, offline=offline)
    done: dict[str, Step] = {}
    logs: dict[str, bytes] = {}
    traffic: dict[str, Traffic] = {}
    for left in reversed(range(_ATTEMPTS)):
        watched = Watched()
        build = secrets.token_hex(16)
        own = {"buildid": build} | ({"labels": json.dumps({_ASIDE: build})} if aside else {})
        with context.open("rb") as body, watch(engine, build, watched, limits=limits, cancel=cancel):
            image_id, failure = _build(engine, body, params | own, watched, on_step=on_step, on_log=on_log)
        if watched.stopped is not None:
            raise watched.stopped
        # What an earlier attempt has executed comes out of the cache now; this build has executed it all the same.
        logs |= watched.logs
        traffic |= watched.traffic
        done |= {step.digest: step for step in watched.steps.values() if _executed(step)}
        if image_id is not None and failure is None:
            return Solved(image_id=image_id, steps=tuple((watched.steps | done).values()), logs=logs, traffic=traffic)
        if not left or failure is None or not failure.endswith(_LOST_RACE):
            break
    raise _failed(failure or "the engine ended the build without an image", watched)


def _options(target: str | None, *, no_cache: bool, offline: bool) -> dict[str, str]:
    named = {"target": target} if target else {}
    return named | ({"nocache": "1"} if no_cache else {}) | ({"networkmode": "none"} if offline else {})


def _executed(step: Step) -> bool:
    return step.done and not step.cached and not step.error


def _traffic(ports: Counted, watched: Watched) -> dict[str, Traffic]:
    return ports.of(
        Ran(step=step.digest, began=step.began, ended=step.began + step.seconds)
        for step in watched.steps.values()
        if "] RUN " in step.name and not step.cached and step.began is not None and step.seconds is not None
    )


def _build(
    engine: Engine,
    body: BinaryIO,
    params: Mapping[str, str],
    watched: Watched,
    *,
    on_step: Callable[[Step], None],
    on_log: Callable[[str, bytes], None],
) -> tuple[str | None, str | None]:
    """Have a build done; return the image's id, and the engine's words where it failed."""
    try:
        with engine_faults("building the image"), counted(engine) as ports:
            watched.answer = engine.post("/build", params=params, data=body)
            return _read(watched.answer, watched, ports, on_step=on_step, on_log=on_log)
    except EngineUnreachableError:
        if watched.stopped is not None:
            return None, None
        raise


def _read(
    answer: Any,
    watched: Watched,
    ports: Counted,
    *,
    on_step: Callable[[Step], None],
    on_log: Callable[[str, bytes], None],
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
    watched.traffic = _traffic(ports, watched)
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
    watched: Watched,
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
        began=vertex.started,
    )


def _failed(message: str, watched: Watched) -> Exception:
    broken = next((step for step in watched.steps.values() if step.error and not step.cut_off), None)
    log = watched.logs.get(broken.digest, b"") if broken else b""
    for said in (message, log.decode(errors="replace")):
        if "no space left on device" in said.lower():
            return fault("building the image", said)
    network = network_fault(message)
    if network is not None:
        return network
    return SolveFailedError(message, step=broken, log=log)
