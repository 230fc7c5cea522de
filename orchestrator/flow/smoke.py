"""`invoke smoke IMAGE`: the smoke run alone, on any image, once or many times."""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from orchestrator.atomic import write_atomically
from orchestrator.binary.loading.read import read_loadable
from orchestrator.engine.docker import Engine
from orchestrator.engine.files import image_files
from orchestrator.engine.sweep import run_labels, sweep
from orchestrator.errors import InterruptedRunError, UsageError
from orchestrator.events import StepEvent, StepState
from orchestrator.flow.services import images_of
from orchestrator.gate.checks import loadable
from orchestrator.gate.checks.smoke import judge
from orchestrator.smoke.image import KeptContainer, run_image
from orchestrator.smoke.peers.file import NO_PEERS, PeerFiles
from orchestrator.smoke.transcript import to_json
from orchestrator.verdict import Status
from orchestrator.workspace import waiting_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.bases.settings import BaseSettings
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.events import NoteEvent, OutputEvent
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript
    from orchestrator.verdict import CheckResult
    from orchestrator.workspace import LockHolder, Workspace

VERSION = 1
_MOST_RUNS = 1000
_EARLY = frozenset({"start-failed", "exited-early"})
"""Causes that a look at the image's files may explain."""

_REFERENCE = re.compile(r"[a-z0-9][a-z0-9._/-]*(?::\d+/[a-z0-9._/-]+)?(?::[\w][\w.-]*|@?sha256:[0-9a-f]+)?")
"""Near enough to what the engine takes to tell a slip from an image that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A time over several runs, in seconds."""

    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeReport:
    """What the runs of one image showed.

    Attributes:
        image: as asked for.
        image_id: what that is in the engine.
        results: the check's answer for each run.
        transcripts: what each run was.
        ready, stop: over the runs that became ready, and that were stopped.
        causes: how many runs failed for which cause.
        loadable: what stands in the way of a start, read from the image's files, where a run failed early for it.
        kept: the container that was left, where that was asked for.
    """

    image: str
    image_id: str
    results: Sequence[CheckResult]
    transcripts: Sequence[Transcript]
    ready: Spread | None
    stop: Spread | None
    causes: Mapping[str, int]
    loadable: CheckResult | None = None
    kept: KeptContainer | None = None

    @property
    def passed(self) -> bool:
        """Return whether every run passed; one that did not makes the image flaky at best."""
        return bool(self.results) and all(result.status is Status.PASSED for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "version": VERSION,
            "image": self.image,
            "image_id": self.image_id,
            "passed": self.passed,
            "ready": asdict(self.ready) if self.ready else None,
            "stop": asdict(self.stop) if self.stop else None,
            "causes": dict(self.causes),
            "loadable": asdict(self.loadable) if self.loadable else None,
            "kept": {**asdict(self.kept), "removal": self.kept.removal} if self.kept else None,
            "runs": [
                {"check": asdict(result), "transcript": to_json(seen)}
                for result, seen in zip(self.results, self.transcripts, strict=True)
            ],
        }


def smoke(
    reference: str,
    settings: SmokeSettings,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    repeat: int = 1,
    keep: bool = False,
    bases: Mapping[str, BaseSettings] | None = None,
    peers: PeerFiles = NO_PEERS,
    say: Callable[[str], object],
) -> SmokeReport:
    """Run an image and judge it; what an earlier run in this workspace left is removed first.

    Args:
        reference: tag or id of an image that the engine has.
        settings: the plan.
        workspace: held for the length of the runs, so that no other run is taken for a dead one.
        environment: the caller's variables.
        repeat: how many times.
        keep: leave the container, dead, for somebody to look at; no sweep will remove it.
        bases: where the images of services come from, by their reference.
        peers: what other tools' files expect of it.
        say: told what there is to wait for.

    Raises:
        UsageError: there is no such image, or the numbers make no sense.
        InterruptedRunError: the user ended it; nothing is left.
    """
    _refuse_nonsense(reference, repeat, keep=keep)
    run = f"smoke-{os.getpid()}"

    def tell(holder: LockHolder | None) -> None:
        say(waiting_for(holder))

    with (
        workspace.locked(run, wait=True, on_wait=tell),
        Engine.connect(environment) as engine,
    ):
        labels = run_labels(workspace.root, run)
        sweep(engine, labels)
        image = _found(engine, reference)
        kept: list[KeptContainer] | None = [] if keep else None
        services = images_of(
            settings.services, bases or {}, engine=engine, workspace=workspace, environment=environment,
            emit=partial(_say_step, say),
        )  # fmt: skip
        run_once = partial(
            run_image, engine, image.id, settings, labels=labels, services=services, keep=kept, peers=peers
        )
        seen = _repeated(run_once, repeat)
        report = _report(reference, image.id, settings, seen, kept[0] if kept else None)
        if report.causes.keys() & _EARLY:
            report = replace(report, loadable=_obstacle(engine, image, settings, labels))
        write_atomically(workspace.root / "smoke.json", json.dumps(report.to_json(), indent=2).encode() + b"\n")
        return report


def _found(engine: Engine, reference: str) -> ImageFacts:
    image = engine.image(reference)
    if image is None:
        raise UsageError(
            f"the engine has no image {reference}",
            repair="see `docker image ls` for those it has; `invoke build` makes the project's own",
        )
    return image


def _repeated(run_once: Callable[..., Transcript], repeat: int) -> list[Transcript]:
    try:
        return [run_once(cancel=threading.Event()) for _ in range(repeat)]
    except KeyboardInterrupt:
        raise InterruptedRunError("the smoke run was ended; nothing of it is left", repair="run it again") from None


def _say_step(say: Callable[[str], object], event: StepEvent | OutputEvent | NoteEvent) -> None:
    if isinstance(event, StepEvent) and event.state is StepState.STARTED:
        say(event.name)


def _obstacle(
    engine: Engine, image: ImageFacts, settings: SmokeSettings, labels: Mapping[str, str]
) -> CheckResult | None:
    """Return why the image's first program cannot start, as far as its files tell."""
    with image_files(engine, image.id, labels=labels) as files:
        facts = read_loadable(files, image, binary="/", arguments=settings.arguments)
    if not facts.entry:
        return None
    # Without a spec nobody knows which program the image is for: the one that is started is judged for itself.
    result = loadable.judge(replace(facts, binary=facts.entry[-1]))
    return None if result.status is Status.PASSED else result


def _refuse_nonsense(reference: str, repeat: int, *, keep: bool) -> None:
    if not _REFERENCE.fullmatch(reference):
        raise UsageError(
            f"{reference!r} names no image; expected a tag such as backend:dev, or an id",
            repair="see `docker image ls`",
        )
    if not 1 <= repeat <= _MOST_RUNS:
        raise UsageError(f"--repeat is {repeat}; expected a number from 1 to {_MOST_RUNS}")
    if keep and repeat > 1:
        raise UsageError("--keep and --repeat do not fit together", repair="leave out one of them")


def _report(
    reference: str,
    image_id: str,
    settings: SmokeSettings,
    seen: Sequence[Transcript],
    kept: KeptContainer | None,
) -> SmokeReport:
    results = [judge(transcript, settings) for transcript in seen]
    return SmokeReport(
        image=reference,
        image_id=image_id,
        results=results,
        transcripts=seen,
        ready=_spread([transcript.ready_after for transcript in seen]),
        stop=_spread([transcript.stop_seconds for transcript in seen]),
        causes=Counter(result.cause for result in results if result.cause is not None),
        kept=kept,
    )


def _spread(times: Sequence[float | None]) -> Spread | None:
    known = [time for time in times if time is not None]
    return Spread(least=min(known), median=median(known), most=max(known)) if known else None
