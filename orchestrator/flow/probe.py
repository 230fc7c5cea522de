"""`invoke probe` and `invoke build --probe`: the local side built again, one factor changed at a time.

Each build is remembered by all that went into it, so that a second call goes on where the first one stopped.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.read import profile_of
from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.probe_build import Circumstances, build_under
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels
from orchestrator.errors import InterruptedRunError, RecordUnreadableError, UsageError
from orchestrator.events import Lane, NoteEvent, told
from orchestrator.flow.prepare import Surroundings, prepare
from orchestrator.parity.compare import compare_files
from orchestrator.parity.probe import Conclusion, Factor, Outcome, Reach, conclude, next_probe
from orchestrator.parity.same_places import covers
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.version import VERSION
from orchestrator.workspace import memo_key, no_space_named, waiting_for, write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.build.local import LocalPlan
    from orchestrator.events import Emit
    from orchestrator.parity.difference import Comparison
    from orchestrator.record import RunRecord
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.workspace import Workspace

_MEMO = "probe"
FILE_NAME = "probe.json"
"""In the run's folder; it names the probes' programs, which are kept as long as the run is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two programs of a run, as the workspace keeps them."""

    local: Artifact
    image: Artifact


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
    cancel = threading.Event()
    with (
        workspace.locked("probe", wait=True, on_wait=lambda holder: _say(show, waiting_for(holder))),
        Engine.connect(environment) as engine,
        no_space_named(workspace.root),
    ):
        source, folder = loaded.spec.source, workspace.runs / record.run
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
            cancel=cancel,
        )
        plan = prepare(loaded.spec, snapshot, around).local
        made = probe_pair(
            pair,
            plan,
            epoch=snapshot.epoch,
            workspace=workspace,
            logs=folder / "logs",
            environment=environment,
            emit=show,
            limit=loaded.spec.parity.probe_limit if limit is None else limit,
        )
        write_atomically(folder / FILE_NAME, json.dumps(probe_to_json(made), indent=2).encode())
    return made


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

    Raises:
        NoVerdictError: of the kind that fits, as a build tells it.
    """
    began = time.monotonic()
    bench = _Bench(pair, plan, epoch, workspace, logs, environment, emit)
    over = threading.Event()
    timer = threading.Timer(limit, over.set)
    timer.start()
    outcomes: list[Outcome] = []
    try:
        while (step := next_probe(outcomes)) is not None:
            made = bench.remembered(*step) or (None if over.is_set() else bench.built(*step, over))
            if made is None:
                break
            outcomes.append(made)
    finally:
        timer.cancel()
    left = next_probe(outcomes)
    return ProbeReport(
        outcomes=tuple(outcomes),
        conclusion=conclude(outcomes),
        left=left[0] if left else None,
        seconds=time.monotonic() - began,
    )


@dataclass(slots=True)
class _Bench:
    """Where the probes of one pair are made."""

    pair: Pair
    plan: LocalPlan
    epoch: int
    workspace: Workspace
    logs: Path
    environment: Mapping[str, str]
    emit: Emit

    def remembered(self, factor: Factor, number: int) -> Outcome | None:
        """Return the outcome of a build that was made before and whose program is still kept."""
        known = self.workspace.recall(_MEMO, self._key(factor, number))
        if not isinstance(known, dict) or not self.workspace.artifact(str(known["sha256"])).exists():
            return None
        return replace(self._outcome(factor, number, str(known["sha256"]), known["seconds"]), remembered=True)

    def built(self, factor: Factor, number: int, over: threading.Event) -> Outcome | None:
        """Build and remember; None where the time was over before the build was done."""
        began = time.monotonic()
        name = f"probe: {factor.value}{', second build' if number > 1 else ''}"
        try:
            with told(self.emit, Lane.LOCAL, name):
                made = build_under(
                    circumstances(factor, self.plan, self.epoch),
                    self.plan,
                    workspace=self.workspace,
                    log=self.logs / f"probe-{factor.value.replace(' ', '-')}-{number}.log",
                    environment=self.environment,
                    emit=self.emit,
                    cancel=over,
                )
        except InterruptedRunError:
            return None
        except KeyboardInterrupt:
            raise InterruptedRunError(
                "the search for the cause was ended", repair="call it again: finished probes are kept"
            ) from None
        seconds = round(time.monotonic() - began, 3)
        value = {"sha256": made.artifact.sha256, "seconds": seconds}
        self.workspace.remember(_MEMO, self._key(factor, number), value)
        return self._outcome(factor, number, made.artifact.sha256, seconds)

    def _outcome(self, factor: Factor, number: int, sha256: str, seconds: float) -> Outcome:
        return Outcome(factor=factor, number=number, sha256=sha256, reach=self._reach(sha256), seconds=seconds)

    def _reach(self, sha256: str) -> Reach:
        local, image = self.pair.local.sha256, self.pair.image.sha256
        if sha256 in {local, image}:
            return Reach.NONE if sha256 == local else Reach.MEETS
        return Reach.COVERS if covers(self._compared(sha256), self._compared(image)) else Reach.ELSEWHERE

    def _compared(self, sha256: str) -> Comparison:
        """Compare the local program with another one that the workspace keeps."""
        return compare_files(
            self.pair.local.sha256,
            sha256,
            size=self.pair.local.size,
            profile=lambda digest: profile_of(self.workspace.artifact(digest), digest, workspace=self.workspace),
            own=[member.name.replace("-", "_") for member in self.plan.project.members],
            content=lambda here, there: explain_difference(
                self.workspace.artifact(here), self.workspace.artifact(there)
            ),
        )

    def _key(self, factor: Factor, number: int) -> str:
        plan = self.plan
        return memo_key(
            {
                "tool": VERSION,
                "files": [(file.path, file.sha256) for file in plan.files],
                "settings": plan.settings.model_dump(mode="json"),
                "toolchain": plan.toolchain.verbose,
                "paths": asdict(plan.paths),
                "variables": dict(plan.variables),
                "selection": plan.selection,
                "changed": asdict(circumstances(factor, plan, self.epoch)),
                "factor": factor.value,
                "number": number,
                # A build that does not repeat itself must not be remembered for another program.
                "local": self.pair.local.sha256,
            }
        )


def circumstances(factor: Factor, plan: LocalPlan, epoch: int) -> Circumstances:
    """Return what a factor changes; each value is one that the local build surely did not have."""
    if factor in {Factor.CLOCK, Factor.RANDOM, Factor.CLOCK_AND_RANDOM}:
        return Circumstances(clock=None if factor is Factor.RANDOM else epoch, steady_random=factor is not Factor.CLOCK)
    if factor is Factor.HOST:
        return Circumstances(host="another-host")
    if factor is Factor.PATH:
        return Circumstances(folder=f"{plan.paths.workspace}-elsewhere")
    return Circumstances(variables=_variables(factor, epoch))


def _variables(factor: Factor, epoch: int) -> dict[str, str]:
    return {
        Factor.JOBS: {"CARGO_BUILD_JOBS": "1"},
        Factor.LOCALE: {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"},
        Factor.USER: {"USER": "somebody", "LOGNAME": "somebody", "USERNAME": "somebody"},
        Factor.EPOCH: {"SOURCE_DATE_EPOCH": str(epoch - 86_400)},
    }.get(factor, {})


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


def probe_to_json(report: ProbeReport) -> dict[str, object]:
    """Return the report as a value for JSON."""
    outcomes = [{**asdict(outcome), "reach": outcome.reach.name.lower()} for outcome in report.outcomes]
    return {"version": 1, **asdict(report.conclusion), "left": report.left, "probes": outcomes}


def _say(show: Emit, text: str) -> None:
    show(NoteEvent(lane=Lane.LOCAL, text=text))
