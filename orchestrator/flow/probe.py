"""`invoke probe` and `invoke build --probe`: the local side built again, one factor changed at a time.

Each build is remembered by all that went into it, so that a second call goes on where the first one stopped.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.build.artifact import Artifact, Side
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels
from orchestrator.errors import InterruptedRunError, RecordUnreadableError, UsageError
from orchestrator.events import Lane, NoteEvent
from orchestrator.flow.prepare import prepare
from orchestrator.flow.probe_bench import Bench, Pair
from orchestrator.flow.surroundings import Surroundings
from orchestrator.parity.probe import SAID, Conclusion, Factor, Outcome, conclude, most_probes, next_probe
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.workspace import no_space_named, waiting_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestrator.build.local import LocalPlan
    from orchestrator.events import Emit
    from orchestrator.record import RunRecord
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.workspace import Workspace

FILE_NAME = "probe.json"
"""In the run's folder; it names the probes' programs, which are kept as long as the run is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What was done and found. `left`: the next factor where time ran out before the end, else None."""

    outcomes: tuple[Outcome, ...]
    conclusion: Conclusion
    left: Factor | None
    seconds: float


def probe_run(
    record: RunRecord,
    loaded: LoadedSpec,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    show: Emit,
    limit: float | None = None,
) -> ProbeReport:
    """Look for the factor that makes the two programs of a run differ.

    Args:
        record: of the run.
        loaded: the spec, unchanged since.
        workspace: the project's.
        environment: the caller's variables.
        show: told the progress.
        limit: seconds that all probes of this call may take; default: the spec's `parity.probe_limit`.

    Raises:
        UsageError: the run's programs are equal, or the sources have changed since.
        RecordUnreadableError: a program of the run is no longer kept.
        NoVerdictError: of the kind that fits, as a build tells it.
    """
    pair = _pair(record, workspace)
    folder = workspace.runs / record.run
    with (
        _ended_by_hand(),
        workspace.locked("probe", wait=True, on_wait=lambda holder: _say(show, waiting_for(holder))),
        Engine.connect(environment) as engine,
        no_space_named(workspace.root),
    ):
        source = loaded.spec.source
        snapshot = take_snapshot(loaded.root / source.root, source, workspace=workspace, environment=environment)
        if record.source is None or snapshot.digest != record.source.digest:
            raise UsageError(
                f"the sources are no longer those of the run {record.run}", repair="`invoke build`, then probe that run"
            )
        lay_out(snapshot, workspace.source)
        around = Surroundings(
            engine=engine,
            workspace=workspace,
            labels=run_labels(workspace.root, "probe"),
            logs=folder / "logs",
            environment=environment,
            emit=show,
            cancel=threading.Event(),
        )
        plan = prepare(loaded.spec, snapshot, around).local
        return probe_pair(
            pair,
            plan,
            epoch=snapshot.epoch,
            workspace=workspace,
            logs=folder / "logs",
            environment=environment,
            emit=show,
            limit=loaded.spec.parity.probe_limit if limit is None else limit,
            keep=partial(_keep, folder),
        )


def _keep(folder: Path, found: ProbeReport) -> None:
    write_atomically(folder / FILE_NAME, json.dumps(probe_to_json(found), indent=2).encode())


@contextmanager
def _ended_by_hand() -> Iterator[None]:
    """Tell a Ctrl-C as what it is, wherever it comes."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(
            "the search for the cause was ended",
            repair=f"`invoke probe` goes on from there: finished probes are kept, and told in {FILE_NAME}",
        ) from None


def probe_pair(
    pair: Pair,
    plan: LocalPlan,
    *,
    epoch: int,
    workspace: Workspace,
    logs: Path,
    environment: Mapping[str, str],
    emit: Emit,
    limit: float,
    keep: Callable[[ProbeReport], object] = lambda _report: None,
) -> ProbeReport:
    """Build under one changed circumstance after the other until the cause is known or the time is over.

    Args:
        pair: the programs to be explained; the local one was built from `plan`.
        plan: of the local build.
        epoch: seconds since 1970 at which a probe's clock stands still; not in the future.
        workspace: held by the caller.
        logs: folder for what cargo says.
        environment: the caller's variables (PATH).
        emit: told the progress.
        limit: seconds for the builds of this call; one that is not done by then is given up.
        keep: given what is known after each probe, and at the end.

    Raises:
        NoVerdictError: of the kind that fits, as a build tells it.
    """
    began = time.monotonic()
    bench = Bench(pair, plan, epoch, workspace, logs, environment, emit)
    over = threading.Event()
    timer = threading.Timer(limit, over.set)
    timer.start()
    outcomes: list[Outcome] = []
    keep(_report(outcomes, began))
    try:
        while (step := next_probe(outcomes)) is not None:
            made = bench.remembered(*step) or (
                None if over.is_set() else bench.built(*step, _title(step, outcomes), over)
            )
            if made is None:
                break
            outcomes.append(made)
            _say(emit, f"{step[0].value}{', again' if step[1] > 1 else ''}: {SAID[made.reach]}")
            keep(_report(outcomes, began))
    finally:
        timer.cancel()
    return _report(outcomes, began)


def _report(outcomes: Sequence[Outcome], began: float) -> ProbeReport:
    left = next_probe(outcomes)
    return ProbeReport(
        outcomes=tuple(outcomes),
        conclusion=conclude(outcomes),
        left=left[0] if left else None,
        seconds=time.monotonic() - began,
    )


def _title(step: tuple[Factor, int], outcomes: Sequence[Outcome]) -> str:
    """Return how a probe is told while it runs: `probe 3 of at most 8: locale`."""
    factor, number = step
    most = most_probes(outcomes)
    place = f" {len(outcomes) + 1} of at most {most}" if most else ""
    return f"probe{place}: {factor.value}{', second build' if number > 1 else ''}"


def _pair(record: RunRecord, workspace: Workspace) -> Pair:
    found = {}
    for side in (Side.LOCAL, Side.IMAGE):
        facts = next((program for program in record.programs if program.side == side.value), None)
        if facts is None or facts.sha256 is None:
            raise UsageError(
                f"the run {record.run} made no program on the side `{side.value}`", repair="probe a run that did"
            )
        path = workspace.artifact(facts.sha256)
        if not path.exists():
            raise RecordUnreadableError(
                f"the program {facts.sha256[:12]} of the run {record.run} is no longer kept", repair="run it again"
            )
        found[side] = Artifact(
            side=side, sha256=facts.sha256, size=facts.size or path.stat().st_size, origin=facts.origin, path=path
        )
    if found[Side.LOCAL].sha256 == found[Side.IMAGE].sha256:
        raise UsageError(
            f"the two programs of the run {record.run} are equal, so there is no cause to look for",
            repair="name a run whose parity failed: `invoke runs`",
        )
    return Pair(local=found[Side.LOCAL], image=found[Side.IMAGE])


def _say(show: Emit, text: str) -> None:
    show(NoteEvent(lane=Lane.LOCAL, text=text))


def probe_to_json(report: ProbeReport) -> dict[str, object]:
    """Return the report as a value for JSON."""
    outcomes = [{**asdict(outcome), "reach": outcome.reach.name.lower()} for outcome in report.outcomes]
    return {"version": 1, **asdict(report.conclusion), "left": report.left, "probes": outcomes}
