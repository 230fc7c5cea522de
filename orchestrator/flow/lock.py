"""`buildspec.lock` in a run: what the build stands on is taken down, and held against what was locked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.bases.identity import base_id
from orchestrator.bases.image import Origin
from orchestrator.build.builder_side import BuilderQuestions, BuilderSide, known_builder_side
from orchestrator.build.settings import Where
from orchestrator.errors import LockDriftError, LockInvalidError
from orchestrator.events import Lane, NoteEvent
from orchestrator.inventory.answers import LINKER
from orchestrator.inventory.drift import drift, unlike
from orchestrator.inventory.host import host_side
from orchestrator.inventory.image import image_side, packages_of
from orchestrator.inventory.model import VERSION as FORMAT
from orchestrator.inventory.model import BaseInventory, BuilderInventory, Inventory, SideInventory
from orchestrator.location import Location
from orchestrator.record import DriftFacts, LockFacts
from orchestrator.spec.lockfile import lock_path, read_lock_file
from orchestrator.toolchains.cargo.config import config_files, read_config
from orchestrator.toolchains.cargo.identity import compiler_facts
from orchestrator.toolchains.cargo.linker import chosen_linker
from orchestrator.toolchains.cargo.native import native_crates
from orchestrator.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.bases.image import BaseImage
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.inventory.drift import Drift
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.spec.lockfile import LockedInventory
    from orchestrator.spec.model import BuildSpec
    from orchestrator.workspace import Workspace

_TOLD = 5
"""How many changes are told while a run goes on; the record has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What a run found out about what it stands on. `lock`: None without a lock file; `sides`: host and image."""

    lock: LockFacts | None
    unlike: tuple[str, ...]
    sides: tuple[SideInventory, SideInventory]


def lock_of(loaded: LoadedSpec, *, workspace: Workspace, locked: bool) -> LockedInventory | None:
    """Return the spec's lock; None where it has none.

    Raises:
        LockInvalidError: it holds mistakes, or is missing and `locked` asks for it.
    """
    path = lock_path(loaded.path)
    found = read_lock_file(path, workspace=workspace)
    if found is None and locked:
        raise LockInvalidError(
            f"there is no {path}, and --locked was given",
            repair="write it with `invoke lock`, and keep it beside the spec under version control",
        )
    return found


def take_inventory(spec: BuildSpec, prepared: Prepared, around: Surroundings) -> Inventory:
    """Return all that both builds stand on, beyond the sources; nothing is built."""
    host, image = _sides(spec, prepared, around)
    questions = builder_questions(prepared, around)
    known = known_builder_side(prepared.image, questions, workspace=around.workspace)
    return Inventory(
        version=FORMAT,
        tool=VERSION,
        platform=_platform(around),
        bases={reference: _base(spec, base, around) for reference, base in sorted(prepared.bases.items())},
        host=host,
        image=image,
        builder=None if known is None else _installed(known, image, prepared, around),
    )


def builder_questions(prepared: Prepared, around: Surroundings) -> BuilderQuestions:
    """Return how the builder stage is asked what its steps have installed."""
    return BuilderQuestions(variables=linker_variables(prepared), libraries=_has_native(prepared, around))


def check_builder(
    footing: Footing,
    found: BuilderSide | None,
    prepared: Prepared,
    around: Surroundings,
    *,
    lock: LockedInventory | None,
    locked: bool,
) -> Footing:
    """Say, once the image is built, what its builder stage has installed that is not as locked.

    Args:
        footing: what was found out before the build.
        found: what the stage says of itself; None where no step of it can have installed anything.
        prepared: what was built.
        around: the run.
        lock: what the build is held against.
        locked: whether a change forbids the verdict.

    Raises:
        LockDriftError: something has changed, and `locked` forbids that; nothing was tagged.
    """
    host, image = footing.sides
    if found is None:
        return footing
    footing = replace(footing, sides=(host, found.side))
    if lock is None or footing.lock is None:
        return footing
    if lock.inventory.builder is None:
        text = f"what the builder stage's steps install is not in {lock.path}: it is known now, `invoke lock` adds it"
        around.emit(NoteEvent(lane=Lane.IMAGE, text=text))
        return footing
    now = lock.inventory.model_copy(update={"builder": _installed(found, image, prepared, around)})
    facts = _told(drift(lock.inventory, now), lock, around, locked=locked)
    return replace(footing, lock=replace(footing.lock, drift=(*footing.lock.drift, *facts)))


def _installed(found: BuilderSide, base: SideInventory, prepared: Prepared, around: Surroundings) -> BuilderInventory:
    image = builders_base(prepared)
    below = (
        packages_of(around.engine, image.image_id, workspace=around.workspace, labels=around.labels) if image else {}
    )
    side = found.side
    return BuilderInventory(
        rustc=side.rustc if side.rustc != base.rustc else None,
        c_compiler=side.c_compiler if side.c_compiler != base.c_compiler else None,
        linker=side.linker if side.linker != base.linker else None,
        modules=dict(side.modules.items() - base.modules.items()),
        packages=dict(found.packages.items() - below.items()),
    )


def check_footing(
    spec: BuildSpec, prepared: Prepared, around: Surroundings, *, lock: LockedInventory | None, locked: bool
) -> Footing:
    """Say, before anything is built, what differs between the sides and what has changed since the lock was written.

    Raises:
        LockDriftError: something has changed, and `locked` forbids that.
        LockInvalidError: the lock is of another platform, and `locked` asks for one of this.
    """
    host, image = _sides(spec, prepared, around)
    differing = unlike(host, image)
    for sentence in differing:
        around.emit(NoteEvent(lane=Lane.BASES, text=f"{sentence}: the programs will differ"))
    if lock is None:
        return Footing(lock=None, unlike=differing, sides=(host, image))
    if lock.inventory.platform != _platform(around):
        _say_other_platform(lock, around, locked=locked)
        return Footing(lock=None, unlike=differing, sides=(host, image))
    # What steps install is known after the build alone.
    now = take_inventory(spec, prepared, around).model_copy(update={"builder": lock.inventory.builder})
    facts = _told(drift(lock.inventory, now), lock, around, locked=locked)
    return Footing(
        lock=LockFacts(path=str(lock.path), digest=lock.digest, drift=facts), unlike=differing, sides=(host, image)
    )


def _told(
    changed: Sequence[Drift], lock: LockedInventory, around: Surroundings, *, locked: bool
) -> tuple[DriftFacts, ...]:
    if changed and locked:
        raise LockDriftError(
            f"{_count(len(changed))} since {lock.path} was written, and --locked was given",
            location=Location(file=str(lock.path)),
            repair="bring back what was locked, or take it over with `invoke lock` and review the file's changes",
            detail=tuple(str(each) for each in changed),
        )
    for each in changed[:_TOLD]:
        around.emit(NoteEvent(lane=Lane.BASES, text=f"not as locked: {each}"))
    if len(changed) > _TOLD:
        around.emit(NoteEvent(lane=Lane.BASES, text=f"not as locked: {len(changed) - _TOLD} more, see the record"))
    return tuple(
        DriftFacts(where=each.where, what=each.what, locked=each.locked, found=each.found, text=str(each))
        for each in changed
    )


def _sides(spec: BuildSpec, prepared: Prepared, around: Surroundings) -> tuple[SideInventory, SideInventory]:
    workspace, plan = around.workspace, prepared.local
    libraries = _has_native(prepared, around)
    base = builders_base(prepared)
    asked = linker_variables(prepared)

    def of_image() -> SideInventory:
        if base is None:
            return SideInventory()
        return image_side(
            around.engine, base.image_id, libraries=libraries, asked=asked, workspace=workspace, labels=around.labels
        )

    if spec.local.where is Where.CONTAINER:
        # Nothing of this machine takes part.
        image = of_image()
        return image, image
    variables = {**plan.variables, **asked}
    # Each is a second of waiting where nothing is known of it yet, one for a container and one for compilers.
    with ThreadPoolExecutor(1) as pool:
        host = pool.submit(host_side, variables, plan.toolchain.sysroot, libraries=libraries, workspace=workspace)
        image = of_image()
        return host.result(), image


def _has_native(prepared: Prepared, around: Surroundings) -> bool:
    plan = prepared.local
    return bool(native_crates(plan.tree, prepared.project.lock, tuple(plan.files), workspace=around.workspace))


def linker_variables(prepared: Prepared) -> dict[str, str]:
    """Return the variables that tell a side which linker the project asks for."""
    tree, project = prepared.local.tree.absolute(), prepared.project
    chosen = chosen_linker(
        read_config(config_files(tree / project.folder, tree), top=tree),
        prepared.local.variables,
        host=prepared.toolchain.host,
        facts=lambda: compiler_facts(prepared.toolchain),
    )
    said = zip(LINKER, (chosen.program, chosen.behind), strict=True)
    return {name: value for name, value in said if value}


def builders_base(prepared: Prepared) -> BaseImage | None:
    """Return the base that the builder stage comes from; None for one from scratch."""
    stage = prepared.builder.stage
    while stage.base_stage is not None:
        stage = prepared.dockerfile.stages[stage.base_stage]
    return prepared.bases.get(stage.base)


def _base(spec: BuildSpec, base: BaseImage, around: Surroundings) -> BaseInventory:
    settings = spec.bases.get(base.reference)
    pulled = settings.pull.digest if settings and settings.pull and base.origin is Origin.PULL else None
    packages = packages_of(around.engine, base.image_id, workspace=around.workspace, labels=around.labels)
    known = base_id(around.engine, base, workspace=around.workspace)
    return BaseInventory(origin=base.origin.value, image=known, digest=pulled, packages=packages)


def _platform(around: Surroundings) -> str:
    version = around.engine.version
    return f"{version.os}/{version.architecture}"


def _say_other_platform(lock: LockedInventory, around: Surroundings, *, locked: bool) -> None:
    text = f"{lock.path} is of {lock.inventory.platform}, and the engine runs {_platform(around)}"
    if locked:
        raise LockInvalidError(
            text,
            location=Location(file=str(lock.path), line=_line_of(lock.path, "platform:")),
            repair="build where it was locked, or write one for this platform with `invoke lock`",
        )
    around.emit(NoteEvent(lane=Lane.BASES, text=f"{text}: it says nothing of this build"))


def _line_of(path: Path, start: str) -> int | None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.startswith(start)), None)


def _count(changes: int) -> str:
    return "one thing has changed" if changes == 1 else f"{changes} things have changed"
