"""Builds by the engine's own BuildKit: steps, caches, failures, limits, and engines that go away."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from orchestrator.engine import build_watch, buildkit
from orchestrator.engine.build_watch import Limits, Step
from orchestrator.engine.buildkit import Solved, SolveFailedError, solve
from orchestrator.engine.docker import Engine
from orchestrator.errors import EngineUnreachableError, InterruptedRunError, StepTimeoutError

pytestmark = pytest.mark.engine
PATIENT = Limits(step=300, silence=300)
Build = Callable[..., Solved]


def context(path: Path, dockerfile: str, files: Mapping[str, bytes] | None = None) -> Path:
    """Write a context tar."""
    with tarfile.open(path, "w") as tar:
        for name, content in {"Dockerfile": dockerfile.encode(), **(files or {})}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def build(engine: Engine, tmp_path: Path) -> Iterator[Build]:
    """Build a Dockerfile's text; what comes of it is removed."""
    made = []

    def run(
        dockerfile: str,
        *,
        through: Engine | None = None,
        limits: Limits = PATIENT,
        cancel: threading.Event | None = None,
        steps: list[Step] | None = None,
        logs: list[bytes] | None = None,
        no_cache: bool = False,
    ) -> Solved:
        solved = solve(
            through or engine,
            context(tmp_path / "context.tar", dockerfile),
            dockerfile="Dockerfile",
            target=None,
            arguments={"WHO": "there"},
            limits=limits,
            cancel=cancel or threading.Event(),
            on_step=(steps if steps is not None else []).append,
            on_log=lambda _step, text: logs.append(text) if logs is not None else None,
            no_cache=no_cache,
        )
        made.append(solved.image_id)
        return solved

    yield run
    for image in made:
        engine.remove_image(image)


@pytest.fixture
def base(engine: Engine, slim_base: str) -> str:
    """A tag of the Debian base; FROM takes no image id."""
    facts = engine.image(slim_base)
    assert facts is not None
    return next(tag for tag in facts.tags if tag.startswith("twinbuild.local/"))


def test_steps_logs_arguments_and_caches(build: Build, base: str) -> None:
    """A first build runs its steps and tells what they print; a second one finds them cached."""
    unique = time.time_ns()
    text = f"FROM {base}\nARG WHO\nRUN echo hello $WHO {unique}; echo oops >&2\n"
    steps, logs = [], []
    first = build(text, steps=steps, logs=logs)
    assert f"hello there {unique}".encode() in b"".join(logs)
    assert b"oops" in b"".join(logs)
    (run,) = [step for step in first.steps if "RUN echo" in step.name]
    assert (run.done, run.cached, run.error) == (True, False, "")
    assert run.seconds is not None
    assert [step.started for step in steps if step.digest == run.digest][-1]
    second = build(text)
    assert next(step for step in second.steps if "RUN echo" in step.name).cached
    assert second.image_id == first.image_id


def test_a_failing_step_is_told_with_its_last_words(build: Build, base: str) -> None:
    """Not the step that was cancelled because of it."""
    with pytest.raises(SolveFailedError) as caught:
        build(f"FROM {base}\nRUN echo {time.time_ns()} last words >&2; exit 3\nRUN true\n")
    assert caught.value.step is not None
    assert "exit 3" in caught.value.step.name
    assert b"last words" in caught.value.log
    assert "exit code: 3" in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM scratch\nCOPY missing /\n", "missing"),
        ("FROM scratch\nNONSENSE x\n", "unknown instruction"),
        ("FROM twinbuild.invalid/none:none\nRUN true\n", "twinbuild.invalid"),
        ("", "empty"),
    ],
)
def test_what_cannot_begin_is_told_in_the_engines_words(build: Build, text: str, said: str) -> None:
    """A missing file, an unknown instruction, a base that nobody has, nothing at all."""
    with pytest.raises(SolveFailedError) as caught:
        build(text)
    assert said in caught.value.message


def test_a_step_that_never_ends_is_named_and_ended(build: Build, base: str) -> None:
    """By its length, although it speaks."""
    with pytest.raises(StepTimeoutError, match=r"the step `.*while.*` runs for more than 2 s") as caught:
        build(
            f"FROM {base}\nRUN while :; do echo {time.time_ns()}; sleep 0.2; done\n", limits=Limits(step=2, silence=60)
        )
    assert "image.step_limit" in str(caught.value.repair)


def test_a_step_that_falls_silent_is_named_and_ended(build: Build, base: str) -> None:
    """By its silence, although it is within its time; the engine kills it."""
    with pytest.raises(StepTimeoutError, match=r"the step `.*sleep 600.*` printed nothing for 1 s") as caught:
        build(f"FROM {base}\nRUN echo {time.time_ns()}; exec sleep 600\n", limits=Limits(step=60, silence=1))
    assert "image.silence_limit" in str(caught.value.repair)


LOST_RACE = "failed to compute cache key: flightcontrol: exceeded retry timeout"
"""Recorded from engine 20.10, with two runs on it at once."""


@pytest.mark.parametrize("times", [1, 9])
def test_a_race_within_the_engine_is_no_failed_build(
    build: Build, base: str, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """It is begun again, a few times; what was executed before the race is told as executed."""
    lost = []
    read = buildkit._read

    def racing(*arguments: Any, **named: Any) -> tuple[str | None, str | None]:
        answer = read(*arguments, **named)
        if len(lost) == times:
            return answer
        lost.append(answer)
        return None, LOST_RACE

    monkeypatch.setattr(buildkit, "_read", racing)
    unique = time.time_ns()
    text = f"FROM {base}\nRUN echo {unique}\n"
    if times > 1:
        with pytest.raises(SolveFailedError, match="exceeded retry timeout"):
            build(text)
        assert 1 < len(lost) < times
        return
    solved = build(text)
    assert solved.image_id == lost[0][0]
    (run,) = [step for step in solved.steps if "RUN echo" in step.name]
    assert not run.cached
    assert f"{unique}".encode() in solved.logs[run.digest]


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_cancelled_build_ends(build: Build, base: str, when: str) -> None:
    """Also one that is cancelled before the engine has heard of it."""
    cancel, logs = threading.Event(), []
    if when == "before":
        cancel.set()
    else:
        threading.Timer(2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(InterruptedRunError):
        build(f"FROM {base}\nRUN echo {time.time_ns()}; exec sleep 600\n", cancel=cancel, logs=logs)
    assert time.monotonic() - began < 120


class Proxy:
    """A socket between the tool and the engine that can be cut, and made to swallow what both say."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path, self._engine, self._open = path, engine, []
        self.mute = threading.Event()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._engine)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                if not self.mute.is_set():
                    target.sendall(block)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Let nothing through any more."""
        self._listening.close()
        self.path.unlink(missing_ok=True)
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy to the engine of this machine."""
    host = urlparse(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if host.scheme != "unix":
        pytest.skip("the engine is not on a local socket")
    made = Proxy(Path("/tmp") / f"twinbuild-{os.getpid()}.sock", host.path)  # noqa: S108 - socket paths must be short
    yield made
    made.cut()


@pytest.mark.parametrize("doing", ["building", "cancelling"])
def test_an_engine_that_goes_away_in_the_middle(build: Build, base: str, proxy: Proxy, doing: str) -> None:
    """One error that says what was being done, no hang, and no traceback of a thread."""
    cancel, cut = threading.Event(), threading.Event()

    class Logs(list[bytes]):
        def append(self, text: bytes) -> None:
            if not cut.is_set():
                cut.set()
                proxy.cut()
                if doing == "cancelling":
                    cancel.set()
            super().append(text)

    began = time.monotonic()
    text = f"FROM {base}\nRUN for i in 1 2 3 4 5 6; do echo {time.time_ns()}; sleep 0.5; done\n"
    with (
        Engine.connect({"DOCKER_HOST": f"unix://{proxy.path}"}) as through,
        pytest.raises((EngineUnreachableError, InterruptedRunError)) as caught,
    ):
        build(text, through=through, cancel=cancel, logs=Logs())
    assert time.monotonic() - began < 60
    if doing == "building":
        assert caught.value.message == "the Docker engine went away while building the image"


def test_an_engine_that_does_not_end_a_build_is_not_waited_for(
    build: Build, base: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took the call and says nothing more: the run ends as it was told to, after some patience."""
    monkeypatch.setattr(build_watch, "_PATIENCE_SECONDS", 1.0)
    cancel = threading.Event()

    class Logs(list[bytes]):
        def append(self, text: bytes) -> None:
            proxy.mute.set()
            cancel.set()
            super().append(text)

    began = time.monotonic()
    text = f"FROM {base}\nRUN echo {time.time_ns()}; sleep 60\n"
    with (
        Engine.connect({"DOCKER_HOST": f"unix://{proxy.path}"}) as through,
        pytest.raises(InterruptedRunError, match="ended because the run was"),
    ):
        build(text, through=through, cancel=cancel, logs=Logs())
    assert time.monotonic() - began < 40


# docker-py leaves sockets that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_gone_before_anything(proxy: Proxy) -> None:
    """Every other call tells the same error."""
    with Engine.connect({"DOCKER_HOST": f"unix://{proxy.path}"}) as through:
        proxy.cut()
        for call in (
            lambda: through.image("x"),
            lambda: through.images("x"),
            lambda: through.remove_image("x"),
            lambda: through.load(iter([b""])),
            lambda: list(through.save("x")),
            lambda: through.tag("x", "a:b"),
        ):
            with pytest.raises(EngineUnreachableError, match="the Docker engine went away while"):
                call()
    gc.collect()
