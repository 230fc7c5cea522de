"""Which runs are made, and which of those that were begun ahead count; the real ones are in tests/integration/runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from orchestrator.errors import EngineUnreachableError, InterruptedRunError
from orchestrator.flow import runs
from orchestrator.smoke.sandbox import NoSandboxError
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.smoke.transcript import Line, Transcript
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from orchestrator.flow.surroundings import Surroundings

SOUND: dict[str, Any] = {"ready_after": 0.1, "exit_code": 0, "stop_signal": "SIGTERM", "stop_seconds": 0.1}
CANDIDATE: Any = SimpleNamespace(id="sha256:image", environment={}, stop_signal=None)
SPEC: Any = SimpleNamespace(smoke=SmokeSettings.model_validate({"ready": {"log": "up"}}))


def transcript(side: str, *texts: str, **facts: Any) -> Transcript:
    lines = tuple(Line(stream="stdout", text=text, at=0.1) for text in texts)
    return Transcript(side=side, lines=lines, line_count=len(texts), waiting={}, files={}, **{**SOUND, **facts})


def program(sha256: str) -> Any:
    return SimpleNamespace(sha256=sha256, path=Path(sha256))


@dataclass
class Bench:
    """The runs that were made, and what each is to show: of the image, of its program ahead, of the host's."""

    around: Surroundings
    image: list[Transcript | Exception] = field(default_factory=list)
    begun: list[Transcript | Exception] = field(default_factory=list)
    here: list[Transcript | Exception] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    remembered: set[str] = field(default_factory=set)

    def run_image(self, *_: Any, again: bool = False) -> Transcript:
        self.made.append("image again" if again else "image")
        return self._next(self.image, transcript("image", "up"))

    def on_this_machine(self, *given: Any, cancel: threading.Event, sandboxed: bool) -> Transcript:
        self.made.append(f"{'ahead' if sandboxed else 'here'} {given[2].sha256}")
        answer = self._next(self.begun if sandboxed else self.here, transcript("local", "up"))
        if answer.unmeetable == "until it is ended":
            while not cancel.is_set():
                threading.Event().wait(0.01)
            raise InterruptedRunError("ended")
        return answer

    def both(self, local: str, *, begun: runs.Begun | None = None) -> tuple[Transcript, Transcript]:
        build: Any = SimpleNamespace(artifact=program(local))
        return runs.both_runs(CANDIDATE, SPEC, build, self.around, remembered=self.remembered, begun=begun)

    def ahead(self, shipped: str, *, builder: str | None = None, local: str) -> tuple[Transcript, Transcript]:
        """Begin both runs for an image, and ask for them when the host has compiled `local`."""
        image: Any = SimpleNamespace(shipped=program(shipped), builder=program(builder or shipped))
        with ThreadPoolExecutor(2) as pool:
            return self.both(local, begun=runs.begin_runs(CANDIDATE, image, SPEC, self.around, pool=pool))

    @staticmethod
    def _next(answers: list[Transcript | Exception], default: Transcript) -> Transcript:
        answer = answers.pop(0) if answers else default
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    workspace = Workspace.open(tmp_path)
    around = SimpleNamespace(
        workspace=workspace,
        cancel=threading.Event(),
        peers=SimpleNamespace(digest=""),
        emit=lambda _event: None,
    )
    made = Bench(cast("Surroundings", around))
    monkeypatch.setattr(runs, "service_images", lambda *_: {})
    monkeypatch.setattr(runs, "_run_image", made.run_image)
    monkeypatch.setattr(runs, "_on_this_machine", made.on_this_machine)
    return made


def test_what_is_known_is_not_run_again(bench: Bench) -> None:
    bench.both("a")
    assert sorted(bench.made) == ["here a", "image"]
    bench.both("a")
    bench.ahead("a", local="a")
    assert sorted(bench.made) == ["here a", "image"]
    assert bench.remembered == {"smoke", "behaviour"}


def test_the_run_of_the_same_bytes_counts(bench: Bench) -> None:
    bench.ahead("a", local="a")
    assert sorted(bench.made) == ["ahead a", "image"]


def test_another_program_is_run_itself_and_the_first_is_ended(bench: Bench) -> None:
    """It would go on until its time is over, and nobody asks for it."""
    bench.begun = [transcript("local", unmeetable="until it is ended")]
    bench.here = [transcript("local", "up", "the host")]
    _, local = bench.ahead("a", local="b")
    assert local.texts() == ["up", "the host"]
    assert sorted(bench.made) == ["ahead a", "here b", "image"]


def test_a_run_that_nobody_needs_is_ended(bench: Bench) -> None:
    """The host's program is another one, and known from an earlier run."""
    bench.both("b")
    bench.begun = [transcript("local", unmeetable="until it is ended")]
    bench.ahead("a", local="b")
    assert sorted(bench.made) == ["ahead a", "here b", "image"]


def test_what_does_not_come_from_the_builder_stage_is_not_run_here(bench: Bench) -> None:
    bench.ahead("a", builder="b", local="b")
    assert sorted(bench.made) == ["here b", "image"]


def test_without_a_sandbox_the_hosts_program_is_waited_for(bench: Bench) -> None:
    bench.begun = [NoSandboxError()]
    bench.ahead("a", local="a")
    assert sorted(bench.made) == ["ahead a", "here a", "image"]


def test_what_is_refused_beside_the_compiler_is_made_again(bench: Bench) -> None:
    """Whichever of the two it is that differs."""
    bench.image = [transcript("image", "up", exit_code=1)]
    bench.ahead("a", local="a")
    assert sorted(bench.made) == ["ahead a", "image", "image again"]


def test_a_host_run_that_differs_is_made_again(bench: Bench) -> None:
    bench.begun = [transcript("local", "up", ready_after=None, ended_by_itself=True, exit_code=1)]
    _, local = bench.ahead("a", local="a")
    assert local.exit_code == 0
    assert bench.made.count("here a") == 1
    assert bench.made.count("image again") == 1


def test_a_run_that_had_the_machine_to_itself_is_not_made_again(bench: Bench) -> None:
    bench.here = [transcript("local", "up", exit_code=1)]
    bench.both("a")
    assert sorted(bench.made) == ["here a", "image"]


def test_what_cannot_be_run_here_is_not_tried_again(bench: Bench) -> None:
    """A service that this machine does not reach is out of reach the second time, too."""
    bench.begun = [transcript("local", unmeetable="the service db cannot be reached from this machine")]
    _, local = bench.ahead("a", local="a")
    assert local.unmeetable
    assert sorted(bench.made) == ["ahead a", "image"]


def test_an_engine_that_went_away_ends_what_goes_on(bench: Bench) -> None:
    bench.image = [EngineUnreachableError("gone")]
    bench.here = [transcript("local", unmeetable="until it is ended")]
    with pytest.raises(EngineUnreachableError):
        bench.both("a")
    assert bench.around.cancel.is_set()
