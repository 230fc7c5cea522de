"""The build on the host: cargo on the snapshot, in the tool's own workspace, at the image's paths."""

from __future__ import annotations

import hashlib
import posixpath
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.build.place import Bind, Place, PlaceKind, choose_place
from orchestrator.engine.process import Stream, missing, run
from orchestrator.errors import LocalBuildFailedError
from orchestrator.events import Lane, OutputEvent, StepEvent, StepState
from orchestrator.location import Location
from orchestrator.toolchains.cargo.depinfo import read_depinfo
from orchestrator.toolchains.cargo.flags import add_rustflags
from orchestrator.toolchains.cargo.messages import CargoReport

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from orchestrator.engine.process import Completed
    from orchestrator.events import Emit
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.project import CargoProject
    from orchestrator.toolchains.cargo.settings import CargoSettings
    from orchestrator.workspace import Workspace

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOST_MATTERS = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePaths:
    """Where the builder stage has what the build needs; all absolute."""

    workspace: str
    cargo_home: str
    sysroot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlan:
    """What is built on the host, and where it must seem to lie.

    Attributes:
        tree: the laid-out snapshot.
        paths: where the image's builder stage has workspace, cargo home and toolchain.
        variables: what RUN steps of the builder stage see; the build gets these and nothing of the caller's.
    """

    tree: Path
    project: CargoProject
    settings: CargoSettings
    toolchain: CargoToolchain
    paths: ImagePaths
    variables: Mapping[str, str]

    @property
    def root(self) -> Path:
        """Return the workspace's folder in the tree."""
        return self.tree / self.project.root


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBuild:
    """The local build's result.

    Attributes:
        place: how it got the image's paths.
        compiled, fresh: names of cargo targets.
        inputs: sources that went into the program, relative to the workspace's root; those outside of it absolute.
        command: cargo's command line.
    """

    artifact: Artifact
    place: Place
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
    cancel: threading.Event,
) -> LocalBuild:
    """Build the program and keep it.

    Args:
        plan: what to build.
        workspace: holds target directory, crates and programs.
        log: file for all that cargo says.
        environment: the caller's variables, of which only PATH is used, to find bubblewrap.
        emit: told the progress.
        cancel: set to end the build.

    Raises:
        LocalBuildFailedError: cargo failed; its words are in `detail`.
        ToolMissingError: there is no linker.
        InterruptedRunError: `cancel` was set.
    """
    began = time.monotonic()
    place = _place(plan, workspace=workspace, environment=environment)
    argv, extra = _command(plan, place)
    name = " ".join(["cargo", *cargo_words(plan.settings, plan.project)])
    emit(StepEvent(lane=Lane.LOCAL, step="cargo", name=name, state=StepState.STARTED))
    report = CargoReport()
    with log.open("w", encoding="utf-8") as out:

        def take(stream: Stream, line: str) -> None:
            shown = report.take(line) if stream is Stream.STDOUT else line
            if shown:
                out.write(shown + "\n")
                emit(OutputEvent(lane=Lane.LOCAL, step="cargo", text=shown.splitlines()[0]))

        done = run(
            place.command(argv, directory=place.inside(plan.root)),
            cwd=plan.root,
            environment={**_environment(plan, place, workspace), **extra},
            on_line=take,
            cancel=cancel,
        )
    state = StepState.FAILED if done.exit_code else StepState.DONE if report.compiled else StepState.CACHED
    emit(StepEvent(lane=Lane.LOCAL, step="cargo", name=name, state=state, seconds=time.monotonic() - began))
    if done.exit_code:
        raise _failure(done, report, plan.project)
    return LocalBuild(
        artifact=_keep(report, plan.project, place, workspace),
        place=place,
        compiled=tuple(report.compiled),
        fresh=tuple(report.fresh),
        inputs=_inputs(report, plan, place, workspace),
        command=tuple(argv),
        seconds=time.monotonic() - began,
    )


def cargo_words(settings: CargoSettings, project: CargoProject) -> list[str]:
    """Return cargo's words for what the spec says, as a person would write them."""
    profile = ["--release"] if settings.profile == "release" else [f"--profile={settings.profile}"]
    features = [f"--features={','.join(settings.features)}"] if settings.features else []
    return [
        "build",
        *profile,
        *(["--locked"] if settings.locked else []),
        *features,
        *([] if settings.default_features else ["--no-default-features"]),
        f"--package={project.package}",
        f"--bin={project.binary}",
    ]


def _place(plan: LocalPlan, *, workspace: Workspace, environment: Mapping[str, str]) -> Place:
    for folder in (workspace.cargo_home, workspace.target):
        folder.mkdir(exist_ok=True)
    binds = (
        Bind(source=plan.toolchain.sysroot, target=plan.paths.sysroot),
        Bind(source=workspace.cargo_home, target=plan.paths.cargo_home),
        Bind(source=plan.root, target=plan.paths.workspace),
        Bind(source=workspace.target, target=posixpath.join(plan.paths.workspace, "target")),
    )
    return choose_place(binds, environment=environment)


def _command(plan: LocalPlan, place: Place) -> tuple[list[str], dict[str, str]]:
    """Return (cargo's command line, variables that it needs beyond the declared ones)."""
    cargo = place.inside(plan.toolchain.cargo)
    words = [*cargo_words(plan.settings, plan.project), "--offline", "--message-format=json"]
    if place.kind is PlaceKind.NAMESPACE:
        return [cargo, *words], {}
    flags = [f"--remap-path-prefix={bind.source}={bind.target}" for bind in place.binds]
    added = add_rustflags(flags, folder=plan.root, tree=plan.tree, host=plan.toolchain.host, environment=plan.variables)
    prefixes = " ".join(f"-ffile-prefix-map={bind.source}={bind.target}" for bind in place.binds)
    c_flags = {name: f"{plan.variables.get(name, '')} {prefixes}".strip() for name in ("CFLAGS", "CXXFLAGS")}
    return [cargo, *added.options, *words], {**added.environment, **c_flags}


def _environment(plan: LocalPlan, place: Place, workspace: Workspace) -> dict[str, str]:
    """Return the build's variables: those of the image's RUN steps, with what must differ on the host."""
    programs = place.inside(plan.toolchain.sysroot / "bin")
    declared = {name: value for name, value in plan.variables.items() if name not in _HOST_MATTERS}
    if place.kind is PlaceKind.REMAP or "CARGO_TARGET_DIR" in declared:
        declared["CARGO_TARGET_DIR"] = place.inside(workspace.target)
    return {
        **declared,
        "PATH": f"{programs}:{_SYSTEM_PATH}",
        "HOME": "/root",
        "CARGO_HOME": place.inside(workspace.cargo_home),
        "CARGO_NET_OFFLINE": "true",
    }


def _failure(done: Completed, report: CargoReport, project: CargoProject) -> Exception:
    said = done.stderr.decode(errors="replace")
    if "linker `cc` not found" in said or any("linker `cc` not found" in error for error in report.errors):
        return missing("cc")
    where = None
    if report.place is not None:
        file, line, column = report.place
        where = Location(file=posixpath.normpath(posixpath.join(project.root, file)), line=line, column=column)
    words = [line for error in report.errors for line in error.splitlines()] or said.strip().splitlines()[-30:]
    return LocalBuildFailedError(
        "the program does not compile on the host",
        location=where,
        repair="mend what the compiler says; the image was not built to its end either",
        detail=tuple(words),
    )


def _keep(report: CargoReport, project: CargoProject, place: Place, workspace: Workspace) -> Artifact:
    built = _outside(report.executables[project.binary], place)
    with built.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        kept = workspace.artifact(digest)
        if not kept.exists():
            stream.seek(0)
            workspace.keep_artifact(stream)
    kept.chmod(0o755)
    origin = built.relative_to(workspace.target) if built.is_relative_to(workspace.target) else built
    return Artifact(side=Side.LOCAL, sha256=digest, size=built.stat().st_size, origin=f"target/{origin}", path=kept)


def _inputs(report: CargoReport, plan: LocalPlan, place: Place, workspace: Workspace) -> tuple[str, ...]:
    """Return the program's sources, relative to the workspace's root as both sides name them."""
    built = _outside(report.executables[plan.project.binary], place)
    root = plan.root
    found = []
    for name in read_depinfo(built.with_name(f"{built.name}.d")):
        path = _outside(name, place)
        if path.is_relative_to(root):
            found.append(str(path.relative_to(root)))
        elif not path.is_relative_to(workspace.target):
            found.append(str(path))
    return tuple(sorted(found))


def _outside(name: str, place: Place) -> Path:
    """Return the path on this machine of what the build sees under a name."""
    path = Path(name)
    if place.kind is PlaceKind.REMAP:
        return path
    for bind in sorted(place.binds, key=lambda bind: len(bind.target), reverse=True):
        if path.is_relative_to(bind.target):
            return bind.source / path.relative_to(bind.target)
    return path
