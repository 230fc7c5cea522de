"""The build on the host: cargo on the snapshot, in the tool's own workspace, at the image's paths."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.ground import Ground, ImagePaths, LocalPlan, prepare_ground
from orchestrator.build.heeded import heed_variables, note_declared
from orchestrator.build.place import PlaceKind
from orchestrator.build.refusal import refusal
from orchestrator.build.remap import remapped
from orchestrator.engine.process import Stream, run
from orchestrator.events import Lane, OutputEvent, StepEvent, StepState
from orchestrator.toolchains.cargo.command import cargo_words
from orchestrator.toolchains.cargo.depinfo import read_depinfo
from orchestrator.toolchains.cargo.flags import effective_rustflags
from orchestrator.toolchains.cargo.identity import compiler_facts
from orchestrator.toolchains.cargo.messages import CargoReport

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.build.place import Place
    from orchestrator.engine.process import Completed, Process
    from orchestrator.events import Emit
    from orchestrator.workspace import Workspace

Watch: TypeAlias = "Callable[[Ground, Mapping[str, str], CargoReport], None]"
"""Takes where cargo runs, its variables, and what fills with all that it tells."""

__all__ = ["ImagePaths", "LocalBuild", "LocalPlan", "build_local"]

STEP = "cargo"
"""The name of the local build's one step in events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBuild:
    """The local build's result.

    Attributes:
        place: how it got the image's paths.
        flags: the flags that rustc was given for every crate.
        compiled, fresh: packages (`name version`).
        inputs: sources that went into the program, relative to the source tree.
        command: cargo's command line.
        seconds: wall time of all of it.
    """

    artifact: Artifact
    place: Place
    flags: tuple[str, ...]
    compiled: tuple[str, ...]
    fresh: tuple[str, ...]
    inputs: tuple[str, ...]
    command: tuple[str, ...]
    seconds: float


def build_local(
    plan: LocalPlan,
    *,
    workspace: Workspace,
    log: Path,
    environment: Mapping[str, str],
    emit: Emit,
    cancel: threading.Event | None = None,
    watch: Watch | None = None,
    started: Callable[[Process], None] | None = None,
) -> LocalBuild:
    """Build the program and keep it.

    Args:
        plan: what to build.
        workspace: holds target directory, crates and programs.
        log: file for all that cargo says.
        environment: the caller's variables, of which only PATH is used, to find bubblewrap.
        emit: told the progress.
        cancel: set to end the build.
        watch: told, before cargo runs, where it runs, its variables, and what will hold all that it tells.
        started: given the running cargo.

    Raises:
        LocalBuildFailedError: cargo failed; its words are in `detail`.
        ToolMissingError: the build needs a program that this machine lacks (a linker, a C compiler).
        NoSpaceError: the disk is full.
        InterruptedRunError: `cancel` was set.
    """
    began = time.monotonic()
    ground = prepare_ground(plan, workspace=workspace, environment=environment)
    flags, variables = _flags(plan, ground)
    heed_variables(ground.target, variables, plan.variables)
    words = cargo_words(plan.settings, plan.project, selection=plan.selection)
    argv = (ground.cargo, *words, *ground.options, "--message-format=json")
    report = CargoReport()
    if watch is not None:
        watch(ground, variables, report)
    call = _Call(ground=ground, argv=argv, variables=variables, name=" ".join(["cargo", *words]), started=started)
    done = _run(call, report, log=log, emit=emit, cancel=cancel)
    if done.exit_code:
        raise refusal(done.stderr.decode(errors="replace"), report, plan, ground)
    built = ground.place.outside(report.executables[plan.project.binary])
    inputs = _inputs(built, ground)
    note_declared(ground.target, inputs)
    return LocalBuild(
        artifact=_keep(built, ground, workspace),
        place=ground.place,
        flags=flags,
        compiled=report.compiled,
        fresh=report.fresh,
        inputs=inputs,
        command=argv,
        seconds=time.monotonic() - began,
    )


def _flags(plan: LocalPlan, ground: Ground) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return what rustc is given for every crate, and cargo's variables, which say so."""
    flags = effective_rustflags(
        ground.config, ground.variables, host=plan.toolchain.host, facts=lambda: compiler_facts(plan.toolchain)
    )
    variables = dict(ground.variables)
    if ground.place.kind is PlaceKind.REMAP:
        flags, added = remapped(flags, variables, ground.place.binds)
        variables.update(added)
    return flags, variables


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call of cargo: where, what, with which variables, under which name, and who is given it when it runs."""

    ground: Ground
    argv: Sequence[str]
    variables: Mapping[str, str]
    name: str
    started: Callable[[Process], None] | None


def _run(call: _Call, report: CargoReport, *, log: Path, emit: Emit, cancel: threading.Event | None) -> Completed:
    """Run cargo, telling what it says as it says it."""
    place = call.ground.place
    began = time.monotonic()
    step = StepEvent(lane=Lane.LOCAL, step=STEP, name=call.name, state=StepState.STARTED)
    emit(step)

    def take(stream: Stream, line: str) -> None:
        # Progress comes from standard error: a typed message is sent when a crate is done, not when it begins.
        shown = report.take(line) if stream is Stream.STDOUT else line
        if shown is not None:
            out.write(f"{shown}\n")
            for part in shown.splitlines():
                emit(OutputEvent(lane=Lane.LOCAL, step=STEP, text=part))

    try:
        with log.open("w", encoding="utf-8", errors="surrogateescape", buffering=1) as out:
            done = run(
                place.command(call.argv, directory=call.ground.directory),
                cwd=None if place.prefix else Path(call.ground.directory),
                environment=call.variables,
                on_line=take,
                on_start=call.started,
                cancel=cancel,
            )
    except BaseException as error:
        emit(replace(step, state=StepState.of_error(error), seconds=time.monotonic() - began))
        raise
    state = StepState.FAILED if done.exit_code else StepState.DONE if report.compiled else StepState.CACHED
    emit(replace(step, state=state, seconds=time.monotonic() - began))
    return done


def _keep(built: Path, ground: Ground, workspace: Workspace) -> Artifact:
    with built.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        kept = workspace.artifact(digest)
        if not kept.exists():
            stream.seek(0)
            workspace.keep_artifact(stream)
            kept.chmod(0o755)
    inside = ground.place.inside(built)
    return Artifact(side=Side.LOCAL, sha256=digest, size=built.stat().st_size, origin=f"local:{inside}", path=kept)


def _inputs(built: Path, ground: Ground) -> tuple[str, ...]:
    found = (ground.place.outside(name) for name in read_depinfo(built.with_name(f"{built.name}.d")))
    return tuple(
        sorted(str(path.relative_to(ground.worktree)) for path in found if path.is_relative_to(ground.worktree))
    )
