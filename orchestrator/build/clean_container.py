"""The local side in a clean container: from scratch, in the builder's base, at the image's paths, without a network.

For hosts whose programs the image cannot hold (another system, another libc), and as a control that shares nothing with
the image build: no layer of it, no cache, no compiled dependency, none of the tool's files. Sources and crates are
copied in, so it works on a remote engine too.
"""

from __future__ import annotations

import posixpath
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.ground import Ground, sources_of
from orchestrator.build.local import STEP, LocalBuild
from orchestrator.build.place import SANDBOX_HOST, Place, PlaceKind
from orchestrator.build.refusal import refusal
from orchestrator.build.step_container import step_container
from orchestrator.engine.containers import RunningContainer, StartFailedError
from orchestrator.engine.lines import LineSplitter, Stream
from orchestrator.errors import InterruptedRunError, LocalBuildFailedError
from orchestrator.events import Lane, OutputEvent, StepEvent, StepState, told
from orchestrator.toolchains.cargo.command import cargo_words
from orchestrator.toolchains.cargo.config import config_files, read_config
from orchestrator.toolchains.cargo.crates import Crates, crates_files
from orchestrator.toolchains.cargo.depinfo import depinfo_files
from orchestrator.toolchains.cargo.failure import absent_tool, last_words
from orchestrator.toolchains.cargo.flags import effective_rustflags
from orchestrator.toolchains.cargo.lock import packages_digest, read_lock
from orchestrator.toolchains.cargo.messages import CargoReport
from orchestrator.workspace import memo_key, no_space_named

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from orchestrator.bases.image import BaseImage
    from orchestrator.build.ground import LocalPlan
    from orchestrator.build.place import Bind
    from orchestrator.engine.docker import Engine
    from orchestrator.events import Emit
    from orchestrator.workspace import Workspace

_LOOK_SECONDS = 0.5
_GO_THERE = 'cd "$1" && shift && exec "$@"'
_OURS = frozenset({"CARGO_NET_OFFLINE", "CARGO_TERM_COLOR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is built, in which base, from which crates, by which words after `cargo`."""

    plan: LocalPlan
    base: BaseImage
    ground: Ground
    crates: Crates
    words: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call of cargo in the container, and what came of it."""

    report: CargoReport
    said: str
    exit_code: int


def build_in_container(
    engine: Engine,
    plan: LocalPlan,
    base: BaseImage,
    *,
    workspace: Workspace,
    labels: Mapping[str, str],
    log: Path,
    emit: Emit,
    cancel: threading.Event,
) -> LocalBuild:
    """Build the program in a container of the builder's base, and keep it.

    The same sources, crates, base and command are built once: what came of it is remembered by their content.

    Raises:
        LocalBuildFailedError: cargo failed, or the base lacks what the build needs.
        InterruptedRunError: `cancel` was set.
        NoSpaceError, EngineUnreachableError: as their names say.
    """
    began = time.monotonic()
    words = cargo_words(plan.settings, plan.project, selection=plan.selection)
    packages = read_lock(plan.tree, plan.project)
    crates = Crates(key=packages_digest(packages), packages=packages)
    ground = _ground(plan, base)
    name = " ".join(["cargo", *words])
    key = memo_key(
        {
            "base": base.image_id,
            "files": [(file.path, file.sha256, file.kind.value) for file in plan.files],
            "crates": crates.key,
            "words": words,
            "variables": dict(ground.variables),
            "paths": [(str(bind.source), bind.target) for bind in ground.place.binds],
            "version": 1,
        }
    )
    known = workspace.recall("container-build", key)
    if isinstance(known, dict) and workspace.artifact(str(known["sha256"])).exists():
        emit(StepEvent(lane=Lane.LOCAL, step=STEP, name=name, state=StepState.CACHED, seconds=0.0))
        return _build(known, plan, ground, words, workspace, seconds=time.monotonic() - began)
    with told(emit, Lane.LOCAL, name, step=STEP):
        work = _Work(plan=plan, base=base, ground=ground, crates=crates, words=words)
        made = _built(engine, work, workspace, labels=labels, log=log, emit=emit, cancel=cancel)
    workspace.remember("container-build", key, made)
    return _build(made, plan, ground, words, workspace, seconds=time.monotonic() - began)


def _ground(plan: LocalPlan, base: BaseImage) -> Ground:
    tree = plan.tree.absolute()
    binds = tuple(sources_of(plan, tree))
    files = config_files(tree / plan.project.folder, binds[0].source)
    reason = f"clean container of {base.reference}, {base.image_id[7:19]}"
    place = Place(kind=PlaceKind.CONTAINER, reason=reason, binds=binds)
    declared = {name: value for name, value in plan.variables.items() if name not in _OURS}
    return Ground(
        place=place,
        worktree=tree,
        target=Path(plan.root) / "target",
        config=read_config(files, top=tree),
        cargo="cargo",
        directory=plan.paths.workspace,
        options=(),
        variables={
            **declared,
            "CARGO_HOME": plan.paths.cargo_home,
            "CARGO_NET_OFFLINE": "true",
            "CARGO_TERM_COLOR": "never",
        },
    )


def _built(
    engine: Engine,
    work: _Work,
    workspace: Workspace,
    *,
    labels: Mapping[str, str],
    log: Path,
    emit: Emit,
    cancel: threading.Event,
) -> dict[str, Any]:
    plan, base, ground = work.plan, work.base, work.ground
    argv = ("cargo", *work.words, "--message-format=json")
    request = step_container(
        base.image_id,
        ("/bin/sh", "-c", _GO_THERE, "sh", ground.directory),
        command=argv,
        environment=ground.variables,
        labels=labels,
        hostname=SANDBOX_HOST,
    )
    with RunningContainer(engine, request) as container, no_space_named(workspace.root):
        with tempfile.TemporaryFile(dir=workspace.scratch) as packed:
            _pack(packed, plan, ground.place.binds, work.crates, workspace.cargo_home)
            packed.seek(0)
            container.put(packed)
        call = _call(container, base, log=log, emit=emit, cancel=cancel)
        if call.exit_code:
            raise _refused(call, plan, base, ground)
        built = call.report.executables[plan.project.binary]
        with container.files.open(built) as stream:
            if stream is None:
                raise LocalBuildFailedError(
                    f"cargo says that it wrote {built}, and the container has no such file",
                    repair="a build script or a wrapper moves the program away",
                )
            digest, size = workspace.keep_artifact(stream)
        needed = container.files.read(f"{built}.d") or b""
    outside = (ground.place.outside(name) for name in depinfo_files(needed.decode(errors="surrogateescape")))
    inputs = {str(path.relative_to(ground.worktree)) for path in outside if path.is_relative_to(ground.worktree)}
    return {
        "sha256": digest,
        "size": size,
        "program": built,
        "compiled": list(call.report.compiled),
        "inputs": sorted(inputs),
    }


def _build(
    made: Mapping[str, Any],
    plan: LocalPlan,
    ground: Ground,
    words: Sequence[str],
    workspace: Workspace,
    *,
    seconds: float,
) -> LocalBuild:
    digest = str(made["sha256"])
    # For `[target.'cfg(…)']` tables the host's compiler would have to be the container's: those flags are not told.
    flags = effective_rustflags(ground.config, ground.variables, host=plan.toolchain.host, facts=frozenset)
    return LocalBuild(
        artifact=Artifact(
            side=Side.LOCAL,
            sha256=digest,
            size=int(made["size"]),
            origin=f"container:{made['program']}",
            path=workspace.artifact(digest),
        ),
        place=ground.place,
        flags=flags,
        compiled=tuple(made["compiled"]),
        fresh=(),
        inputs=tuple(made["inputs"]),
        command=("cargo", *words),
        seconds=seconds,
    )


def _call(container: RunningContainer, base: BaseImage, *, log: Path, emit: Emit, cancel: threading.Event) -> _Call:
    report, said = CargoReport(), []
    with log.open("w", encoding="utf-8", errors="surrogateescape", buffering=1) as out:

        def take(stream: Stream, line: str) -> None:
            shown = report.take(line) if stream is Stream.STDOUT else line
            if stream is Stream.STDERR:
                said.append(line)
            if shown is not None:
                out.write(f"{shown}\n")
                for part in shown.splitlines():
                    emit(OutputEvent(lane=Lane.LOCAL, step=STEP, text=part))

        lines = LineSplitter(take)
        try:
            container.start(lines.feed)
        except StartFailedError as error:
            raise LocalBuildFailedError(
                f"nothing can be run in the builder's base {base.reference}: {error}",
                repair="`local: {where: container}` needs a base with a shell and cargo; leave it out to build here",
            ) from error
        while not container.wait(_LOOK_SECONDS):
            if cancel.is_set():
                raise InterruptedRunError("the build in the container was ended because the run was")
        end = container.end()
        lines.finish()
    return _Call(report=report, said="\n".join(said), exit_code=end.exit_code)


def _refused(call: _Call, plan: LocalPlan, base: BaseImage, ground: Ground) -> Exception:
    tool = absent_tool(call.said)
    # 126 and 127 are the shell's words for a program that it cannot run.
    if tool is None and call.exit_code in {126, 127}:
        tool = "cargo"
    if tool is not None:
        return LocalBuildFailedError(
            f"the builder's base {base.reference} has no {tool}, and the clean container has nothing but the base",
            repair="use a base that has it (what a RUN step installs is not there), or build on this machine",
            detail=last_words(call.said),
        )
    return refusal(call.said, call.report, plan, ground)


def _pack(out: IO[bytes], plan: LocalPlan, binds: Sequence[Bind], crates: Crates, cargo_home: Path) -> None:
    """Write the tar that is put into the container's root: the sources where they belong, and the crates."""
    tree = plan.tree.absolute()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for bind in binds:
            for file in plan.files:
                place = tree / file.path
                if place.is_relative_to(bind.source):
                    name = posixpath.join(bind.target, str(place.relative_to(bind.source))).lstrip("/")
                    tar.add(place, name, recursive=False, filter=_roots)
        registry = posixpath.join(plan.paths.cargo_home, "registry").lstrip("/")
        for path, content, _ in crates_files(crates, cargo_home):
            if isinstance(content, Path):
                home = plan.paths.cargo_home.lstrip("/") if path.startswith("git/") else registry
                tar.add(content, posixpath.join(home, path), recursive=False, filter=_roots)


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
