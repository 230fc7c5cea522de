"""`invoke repro`: what this project must change so that builds without this tool are bit-identical as well.

Nothing is built, and no engine is asked. (A build in the image, held against the image that passed, would begin here
as well: with the same `_read` and a function of its own beside `advise`.)
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.dockerfile.parse import read_dockerfile
from orchestrator.dockerfile.timeline.beside import context_at
from orchestrator.dockerfile.timeline.read import read_timeline
from orchestrator.dockerfile.trace import Tracer
from orchestrator.repro.dockerfile import dockerfile_advice
from orchestrator.repro.manifest import manifest_advice
from orchestrator.repro.recipe import PlainBuild, plain_build
from orchestrator.repro.sources import source_advice
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.toolchains.cargo.command import cargo_words
from orchestrator.toolchains.cargo.config import config_files, read_config
from orchestrator.toolchains.cargo.dependency_scripts import dependency_scripts
from orchestrator.toolchains.cargo.flags import effective_rustflags
from orchestrator.toolchains.cargo.identity import compiler_facts, identify
from orchestrator.toolchains.cargo.lock import read_lock
from orchestrator.toolchains.cargo.native import native_crates
from orchestrator.toolchains.cargo.project import read_project
from orchestrator.workspace import waiting_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.dockerfile.timeline.read import Timeline
    from orchestrator.dockerfile.trace import BuilderPlace
    from orchestrator.repro.advice import Advice, Edit
    from orchestrator.source.snapshot import Snapshot
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.toolchains.cargo.dependency_scripts import DependencyScripts
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.lock import LockedPackage
    from orchestrator.toolchains.cargo.project import CargoProject
    from orchestrator.workspace import LockHolder, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What was found.

    Attributes:
        advice: in the order of files and lines.
        native: crates that may look for libraries of the system they are built on.
        scripts: what the build scripts of dependencies ask that is not the same everywhere.
        plain: how to build without this tool.
        diff: of the repairs that are safe, unified.
        written: files that were changed; empty without `--write`.
    """

    project: str
    advice: tuple[Advice, ...]
    native: tuple[str, ...]
    scripts: DependencyScripts
    plain: PlainBuild
    diff: str
    written: tuple[str, ...]

    @property
    def left(self) -> tuple[Advice, ...]:
        """Return what is still to be done."""
        return tuple(each for each in self.advice if not (each.edit and self.written))

    @property
    def exit_code(self) -> int:
        """Return 1 while something is left to be done, else 0."""
        return 1 if self.left else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """The project as it was read."""

    root: Path
    snapshot: Snapshot
    toolchain: CargoToolchain
    cargo: CargoProject
    packages: tuple[LockedPackage, ...]
    timeline: Timeline
    builder: BuilderPlace
    flags: tuple[str, ...]

    def text(self, file: str) -> str:
        """Return a source's text."""
        return (self.root / file).read_bytes().decode("utf-8", "surrogateescape")


def advise(
    loaded: LoadedSpec,
    *,
    workspace: Workspace,
    environment: Mapping[str, str],
    write: bool,
    say: Callable[[str], object] = lambda _text: None,
) -> Reproduction:
    """Read the project and say what it lacks.

    Args:
        loaded: the spec.
        workspace: remembers what cargo says of the project.
        environment: the caller's variables (PATH, HOME).
        write: whether to apply the repairs that cannot change what the program does.
        say: told whom the call waits for.

    Raises:
        NoVerdictError: of the kind that fits: the source, the manifest, the lock file, the Dockerfile, the toolchain.
    """
    spec = loaded.spec

    def tell(holder: LockHolder | None) -> None:
        say(waiting_for(holder))

    with workspace.locked("repro", wait=True, on_wait=tell):
        found = _read(loaded, workspace=workspace, environment=environment)
        native = native_crates(workspace.source, found.cargo.lock, tuple(found.snapshot.files), workspace=workspace)
        configured = _flags(workspace.source, found.cargo, found.toolchain, {})
    files = [file.path for file in found.snapshot.files]
    advice = [
        *dockerfile_advice(found.timeline, found.builder, flags=configured),
        *manifest_advice(
            found.cargo, files, found.text, profile=spec.toolchain.profile, version=found.toolchain.version
        ),
        *source_advice(found.cargo, files, found.text),
    ]
    changed = dict(_edited([each.edit for each in advice if each.edit], found))
    for file, after in changed.items() if write else ():
        place = found.root / file
        write_atomically(place, after.encode("utf-8", "surrogateescape"), mode=place.stat().st_mode & 0o7777)
    return Reproduction(
        project=spec.project,
        advice=tuple(advice),
        native=native,
        scripts=dependency_scripts(found.packages, _cargo_homes(workspace, environment)),
        plain=plain_build(
            # Those that a variable of the image hides go first, so that the variable's own win as they do now.
            (*(flag for flag in configured if flag not in found.flags), *found.flags),
            found.builder.environment,
            cargo_words(spec.toolchain, found.cargo),
            c_code=bool(native),
            epoch=found.snapshot.epoch,
        ),
        diff="".join(line for file, after in changed.items() for line in _diff(file, found.text(file), after))
        if not write
        else "",
        written=tuple(changed) if write else (),
    )


def _cargo_homes(workspace: Workspace, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return where crates may lie unpacked: this tool's own place, and the caller's."""
    given = environment.get("CARGO_HOME")
    home = environment.get("HOME")
    theirs = [Path(given)] if given else [Path(home) / ".cargo"] if home else []
    return (workspace.cargo_home, *theirs)


def _read(loaded: LoadedSpec, *, workspace: Workspace, environment: Mapping[str, str]) -> _Project:
    spec, tree = loaded.spec, workspace.source
    root = (loaded.root / spec.source.root).resolve()
    snapshot = take_snapshot(root, spec.source, workspace=workspace, environment=environment)
    lay_out(snapshot, tree)
    folder = (tree / spec.toolchain.manifest).parent
    toolchain = identify(folder, workspace=workspace, environment=environment, top=tree)
    project = read_project(tree, spec.toolchain, toolchain, files=snapshot.files, workspace=workspace)
    packages = read_lock(tree, project)
    # Values with `${…}` are facts of a run, and no run has begun.
    arguments = {name: text for name, text in {**spec.image.args, **spec.inputs}.items() if "${" not in text}
    dockerfile = read_dockerfile(root / spec.image.dockerfile, file=spec.image.dockerfile, arguments=arguments)
    dockerfile.stage(spec.image.target)
    manifest = os.path.relpath(spec.toolchain.manifest, spec.image.context)
    context = context_at(root / spec.image.context, (root / spec.image.dockerfile).resolve(), manifest=manifest)
    tracer = Tracer(dockerfile, arguments=arguments, base_environment=lambda _reference: {})
    builder = tracer.builder_place(spec.image.target, binary=spec.image.binary, manifest=manifest)
    return _Project(
        root=root,
        snapshot=snapshot,
        toolchain=toolchain,
        cargo=project,
        packages=packages,
        timeline=read_timeline(dockerfile, context=context, arguments=arguments),
        builder=builder,
        flags=_flags(tree, project, toolchain, builder.environment),
    )


def _flags(
    tree: Path, project: CargoProject, toolchain: CargoToolchain, variables: Mapping[str, str]
) -> tuple[str, ...]:
    config = read_config(config_files((tree / project.folder).absolute(), tree.absolute()), top=tree.absolute())
    return effective_rustflags(config, variables, host=toolchain.host, facts=lambda: compiler_facts(toolchain))


def _edited(edits: list[Edit], found: _Project) -> Iterator[tuple[str, str]]:
    for file in dict.fromkeys(edit.file for edit in edits):
        text = found.text(file)
        for edit in sorted((e for e in edits if e.file == file), key=lambda edit: -edit.start):
            text = text[: edit.start] + edit.text + text[edit.end :]
        yield file, text


def _diff(file: str, before: str, after: str) -> Iterator[str]:
    yield from difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), fromfile=file, tofile=file
    )
