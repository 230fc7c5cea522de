"""`invoke selftest`: the negative control. A gate that was never seen to refuse proves nothing.

Wrong programs are compiled from copies of the user's own sources, put into the user's own image in place of the right
one, and judged by the very stages that judge a build. Nothing is tagged.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.build.evidence import shipped_program
from orchestrator.build.local import build_local
from orchestrator.engine.derive import image_with
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels
from orchestrator.errors import LocalBuildFailedError
from orchestrator.events import Lane, NoteEvent, told
from orchestrator.flow.candidate import Candidate, make_candidate
from orchestrator.flow.investigate import investigate
from orchestrator.flow.surroundings import Surroundings
from orchestrator.gate.checks import selftest
from orchestrator.gate.evaluate import evaluate
from orchestrator.gate.run_checks import run_checks
from orchestrator.gate.trial import SelfTest, Trial
from orchestrator.source.snapshot import SourceFile, take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.toolchains.cargo.plants import Plant, plants
from orchestrator.verdict import Status, VerdictStatus
from orchestrator.version import VERSION
from orchestrator.workspace import Workspace, waiting_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.build.artifact import Artifact
    from orchestrator.events import Emit
    from orchestrator.source.snapshot import Snapshot
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.spec.model import BuildSpec

_FOLDER = "selftest"


def run_selftest(loaded: LoadedSpec, *, workspace: Workspace, environment: Mapping[str, str], show: Emit) -> SelfTest:
    """Plant wrong programs in the project's image and return what the gate said of each; a passed one is remembered.

    Raises:
        NoVerdictError: the right program could not be built or judged in the first place.
    """
    run = workspace.new_run()
    with (
        workspace.locked(
            run.name, wait=True, on_wait=lambda holder: show(NoteEvent(lane=Lane.CHECKS, text=waiting_for(holder)))
        ),
        Engine.connect(environment) as engine,
    ):
        spec = loaded.spec
        snapshot = take_snapshot(
            loaded.root / spec.source.root, spec.source, workspace=workspace, environment=environment
        )
        lay_out(snapshot, workspace.source)
        around = Surroundings(
            engine=engine,
            workspace=workspace,
            labels=run_labels(workspace.root, run.name),
            logs=run / "logs",
            environment=environment,
            emit=show,
            cancel=threading.Event(),
            peers=loaded.peers,
        )
        candidate = make_candidate(spec, snapshot, around)
        checks = run_checks(
            candidate.evidence, image_settings=spec.image, parity_settings=spec.parity, smoke_settings=spec.smoke
        )
        control, trials = evaluate(checks), []
        if control.status is VerdictStatus.PASSED:
            ground = _ground(workspace)
            trials = [
                _trial(plant, spec, snapshot, candidate, ground=ground, around=around)
                for plant in plants(candidate.prepared.project, workspace.source)
            ]
        made = SelfTest(control=control, trials=tuple(trials))
        if made.passed:
            refused = [trial.plant.name for trial in trials if trial.refused]
            workspace.remember(*selftest.LAST, {"at": time.time(), "refused": refused, "tool": VERSION})
    return made


def _ground(workspace: Workspace) -> Workspace:
    """Return a workspace of the self-test's own, in which the project's dependencies are compiled already."""
    ground = Workspace.open(workspace.root / _FOLDER)
    # Neither is there where the local side is built in a container.
    workspace.cargo_home.mkdir(exist_ok=True)
    if workspace.target.exists() and not ground.target.exists():
        shutil.copytree(workspace.target, ground.target, symlinks=True)
    if not ground.cargo_home.exists():
        ground.cargo_home.symlink_to(workspace.cargo_home.absolute())
    return ground


def _trial(
    plant: Plant,
    spec: BuildSpec,
    snapshot: Snapshot,
    candidate: Candidate,
    *,
    ground: Workspace,
    around: Surroundings,
) -> Trial:
    began = time.monotonic()
    with told(around.emit, Lane.CHECKS, f"planted: {plant.name}", own=True):
        try:
            program = _program(plant, snapshot, candidate, ground=ground, around=around)
        except LocalBuildFailedError:
            return Trial(
                plant=plant, verdict=None, note="this project does not compile in that state, so cannot ship it"
            )
        if program.sha256 == candidate.local.artifact.sha256:
            return Trial(
                plant=plant, verdict=None, note="it is the very same program: that state changes nothing in it"
            )
        engine, shipped = around.engine, candidate.image
        with image_with(engine, shipped.candidate_id, spec.image.binary, program.path, labels=around.labels) as planted:
            there = shipped_program(
                engine, planted, spec.image.binary, workspace=around.workspace, labels=around.labels
            )
            image = replace(shipped, candidate_id=planted, shipped=there)
            evidence = investigate(
                spec,
                snapshot,
                candidate.prepared,
                candidate.local,
                image,
                sides=candidate.footing.sides,
                around=around,
            )
        checks = run_checks(evidence, image_settings=spec.image, parity_settings=spec.parity, smoke_settings=spec.smoke)
    return Trial(
        plant=plant,
        verdict=evaluate(checks),
        failed=tuple(check.id for check in checks if check.status is not Status.PASSED),
        seconds=time.monotonic() - began,
    )


def _program(
    plant: Plant, snapshot: Snapshot, candidate: Candidate, *, ground: Workspace, around: Surroundings
) -> Artifact:
    """Compile a wrong program as the right one was compiled, from a copy of the sources."""
    tree = ground.source
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(around.workspace.source, tree, symlinks=True)
    for path, content in plant.edits.items():
        (tree / path).write_bytes(content)
    plan = candidate.prepared.local
    same = plant.binary == plan.project.binary
    built = build_local(
        replace(
            plan,
            tree=tree,
            files=[_edited(file, plant) for file in snapshot.files],
            project=replace(plan.project, package=plant.package, binary=plant.binary),
            settings=plan.settings.model_copy(update={"package": plant.package}),
            selection=plan.selection if same else None,
        ),
        workspace=ground,
        log=_log(around.logs, plant),
        environment=around.environment,
        emit=around.emit,
        cancel=around.cancel,
    )
    return built.artifact


def _edited(file: SourceFile, plant: Plant) -> SourceFile:
    content = plant.edits.get(file.path)
    if content is None:
        return file
    return file._replace(sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _log(folder: Path, plant: Plant) -> Path:
    return folder / f"planted-{plant.name.replace(' ', '-')}.log"
