"""`invoke build`: from the spec to the verdict, the tag, and the record."""

from __future__ import annotations

import platform
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.build.artifact import BASE_MEMO
from orchestrator.engine.docker import Engine
from orchestrator.engine.hold import Hold
from orchestrator.engine.sweep import run_labels
from orchestrator.errors import NoVerdictError, run_ended
from orchestrator.events import Lane, NoteEvent, told
from orchestrator.flow.account import (
    call_facts,
    leftover_facts,
    local_facts,
    reached_facts,
    transcript_facts,
)
from orchestrator.flow.books import Books, complete_killed
from orchestrator.flow.candidate import Candidate, judge_candidate, make_candidate
from orchestrator.flow.footing_facts import base_facts, outcome_facts, program_facts, source_facts, tool_facts
from orchestrator.flow.journal import Journal
from orchestrator.flow.lock import lock_of
from orchestrator.flow.surroundings import Surroundings
from orchestrator.flow.too_late import too_late_to_interrupt
from orchestrator.gate.evaluate import evaluate, open_gate
from orchestrator.log import logger_for
from orchestrator.record import VERSION as RECORD_VERSION
from orchestrator.record import (
    BaseFacts,
    ImageFacts,
    RunRecord,
    SpecFacts,
    ToolFacts,
    failure_of,
)
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.version import VERSION
from orchestrator.workspace import no_space_named, waiting_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.build.image import ImageBuild
    from orchestrator.events import Emit
    from orchestrator.record import FailureFacts
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.verdict import CheckResult, Verdict
    from orchestrator.workspace import LockHolder, Workspace


def verify(
    loaded: LoadedSpec,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    show: Emit,
    late: ExitStack,
    wait_for_others: bool = True,
    locked: bool = False,
    independent: bool = False,
    policy: str = "",
) -> RunRecord:
    """Build both sides, judge the candidate, and tag it if it passed.

    Args:
        loaded: the spec.
        workspace: the tool's folder for this project.
        environment: the caller's variables.
        show: told what happens; may be called from several threads.
        late: takes, once the tag has moved, what keeps the run from being interrupted; to be closed when it is told.
        wait_for_others: whether to wait while another run holds the workspace.
        independent: whether each build compiles all of its dependencies itself.
        locked: whether something that is not as `buildspec.lock` says forbids the build.
        policy: the kind of run, of `parity.policies`; empty for `parity.accept`. UsageError where there is no such.

    Returns:
        the record, which has been written: with a verdict, or with the failure that left none. Nothing is raised then.
    """
    loaded = _held_to(policy, loaded)
    folder = workspace.new_run()
    journal = Journal(show, log=logger_for(sys.stderr.buffer, environment))
    record = _opened(loaded, folder.name, policy)
    journal.begin(record)
    books = Books(folder=folder, journal=journal, workspace=workspace, root=loaded.root)
    cancel = threading.Event()
    try:
        with workspace.locked(folder.name, wait=wait_for_others, on_wait=partial(_say_waiting, show)):
            try:
                record = _verified(
                    record,
                    loaded,
                    books,
                    environment=environment,
                    cancel=cancel,
                    locked=locked,
                    independent=independent,
                    late=late,
                )
            except (NoVerdictError, KeyboardInterrupt) as error:
                cancel.set()
                record = books.close(replace(record, failure=_failure(error), image=None))
            with suppress(OSError):  # The run is told, whatever becomes of older ones.
                workspace.prune(keep=loaded.spec.runs.keep, naming=(BASE_MEMO,))
    except (NoVerdictError, KeyboardInterrupt) as error:
        record = books.close(replace(record, failure=_failure(error)))
    return record


def _verified(
    record: RunRecord,
    loaded: LoadedSpec,
    books: Books,
    *,
    environment: Mapping[str, str],
    cancel: threading.Event,
    locked: bool,
    independent: bool,
    late: ExitStack,
) -> RunRecord:
    """Return the record with its verdict, as it is kept; the stages in their order, and the tag last of all."""
    spec, workspace, journal = loaded.spec, books.workspace, books.journal
    lock = lock_of(loaded, workspace=workspace, locked=locked)
    with told(journal.emit, Lane.SOURCE, "snapshot of the source", own=True):
        snapshot = take_snapshot(
            loaded.root / spec.source.root, spec.source, workspace=workspace, environment=environment
        )
        lay_out(snapshot, workspace.source)
    record = replace(record, source=source_facts(snapshot))
    labels = run_labels(workspace.root, record.run)
    with (
        no_space_named(workspace.root),
        Engine.connect(environment) as engine,
        Hold(engine, labels, own_tag=spec.image.tag) as hold,
    ):
        complete_killed(workspace, engine)
        around = Surroundings(
            engine=engine,
            workspace=workspace,
            labels=labels,
            logs=books.folder / "logs",
            environment=environment,
            emit=journal.emit,
            cancel=cancel,
            peers=loaded.peers,
            independent=independent,
            hold=hold,
        )
        candidate = make_candidate(spec, snapshot, around, lock=lock, locked=locked)
        checks = judge_candidate(spec, candidate.evidence, workspace=workspace)
        verdict = evaluate(checks)
        outcome = outcome_facts(spec.image.tag, candidate.image, around)
        _retire(engine, workspace, candidate.image)
        record = replace(record, tool=tool_facts(record.tool, engine, candidate.prepared))
        bases = tuple(base_facts(base, around) for base in candidate.prepared.bases.values())
        record = _told(record, candidate, spec.smoke, bases=bases, checks=checks, verdict=verdict, outcome=outcome)
        passed = open_gate(candidate.image.candidate_id, verdict)
        if passed is None:
            return books.close(record)
        late.enter_context(too_late_to_interrupt())
        with books.closing(replace(record, image=replace(outcome, promoted=True))) as closed:
            engine.tag(passed.image_id, spec.image.tag)
        return closed


def _retire(engine: Engine, workspace: Workspace, image: ImageBuild) -> None:
    """Remove the untagged images of the run before this one; tagged ones keep their content."""
    known = workspace.recall("images", "last")
    now = [image.raw_id, image.candidate_id]
    for old in known if isinstance(known, list) else []:
        facts = engine.image(str(old)) if old not in now else None
        if facts is not None and not facts.tags:
            engine.remove_image(facts.id)
    workspace.remember("images", "last", now)


def _failure(error: NoVerdictError | KeyboardInterrupt) -> FailureFacts:
    return failure_of(error if isinstance(error, NoVerdictError) else run_ended())


def _held_to(policy: str, loaded: LoadedSpec) -> LoadedSpec:
    """Return the spec with the rung that this kind of run asks for."""
    spec = loaded.spec.model_copy(update={"parity": loaded.spec.parity.under(policy)})
    return replace(loaded, spec=spec)


def _opened(loaded: LoadedSpec, run: str, policy: str) -> RunRecord:
    return RunRecord(
        version=RECORD_VERSION,
        run=run,
        project=loaded.spec.project,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        tool=ToolFacts(version=VERSION, python=platform.python_version()),
        spec=SpecFacts(path=str(loaded.path), digest=loaded.digest),
        guard=loaded.spec.stub.guard,
        policy=policy,
    )


def _told(
    record: RunRecord,
    candidate: Candidate,
    plan: SmokeSettings,
    *,
    bases: tuple[BaseFacts, ...],
    checks: tuple[CheckResult, ...],
    verdict: Verdict,
    outcome: ImageFacts,
) -> RunRecord:
    prepared, local, image, evidence = candidate.prepared, candidate.local, candidate.image, candidate.evidence
    return replace(
        record,
        place=f"{local.place.kind} ({local.place.reason})",
        local=local_facts(local),
        calls=call_facts(evidence.shipped, [stage.reference for stage in prepared.dockerfile.stages]),
        bases=bases,
        lock=candidate.footing.lock,
        unlike=candidate.footing.unlike,
        leftovers=leftover_facts(image.leftovers, prepared.dockerfile, prepared.image.target),
        reached=reached_facts(evidence.shipped, image.traffic, prepared.dockerfile),
        programs=(
            program_facts("local", local.artifact, ""),
            program_facts("builder", image.builder, prepared.builder.program),
            program_facts("image", image.shipped, prepared.image.binary),
        ),
        transcripts=(
            transcript_facts(evidence.local_run, plan, remembered="behaviour" in evidence.remembered),
            transcript_facts(evidence.image_run, plan, remembered="smoke" in evidence.remembered),
        ),
        image=outcome,
        checks=checks,
        verdict=verdict,
    )


def _say_waiting(show: Emit, holder: LockHolder | None) -> None:
    show(NoteEvent(lane=Lane.SOURCE, text=waiting_for(holder)))
