"""`invoke lock`: takes down what a build would stand on now, and says what that changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.build.builder_side import installing_lines
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels
from orchestrator.errors import LockInvalidError
from orchestrator.events import Lane, NoteEvent
from orchestrator.flow.lock import take_inventory
from orchestrator.flow.prepare import prepare
from orchestrator.flow.surroundings import Surroundings
from orchestrator.inventory.drift import drift
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.spec.lockfile import lock_path, read_lock_file, write_lock_file
from orchestrator.workspace import waiting_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.events import Emit
    from orchestrator.inventory.drift import Drift
    from orchestrator.inventory.model import Inventory
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.workspace import Workspace


_UNKNOWN = "what the builder stage's steps install is not known before a build: run `invoke build`, and this again"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLock:
    """A lock that was written. `changes`: against the one that was there; None where there was none to compare with."""

    path: Path
    inventory: Inventory
    changes: tuple[Drift, ...] | None

    @property
    def facts(self) -> str:
        """Return what it holds, in one line."""
        packages = sum(len(base.packages) for base in self.inventory.bases.values())
        sides = (self.inventory.host, self.inventory.image)
        modules = " and ".join(str(len(side.modules)) for side in sides)
        return (
            f"{len(self.inventory.bases)} bases with {packages} packages, rustc {sides[0].rustc or 'unknown'}, "
            f"{modules} pkg-config modules on host and image"
        )


def write_lock(loaded: LoadedSpec, *, workspace: Workspace, environment: Mapping[str, str], show: Emit) -> WrittenLock:
    """Write the spec's lock; bases are made or pulled where they are missing, and nothing is built.

    Raises:
        NoVerdictError: of the kind that fits, as `prepare` tells it.
    """
    path = lock_path(loaded.path)
    run = workspace.new_run()
    try:
        with (
            workspace.locked(
                "lock", wait=True, on_wait=lambda holder: show(NoteEvent(lane=Lane.BASES, text=waiting_for(holder)))
            ),
            Engine.connect(environment) as engine,
        ):
            source = loaded.spec.source
            snapshot = take_snapshot(loaded.root / source.root, source, workspace=workspace, environment=environment)
            lay_out(snapshot, workspace.source)
            around = Surroundings(
                engine=engine,
                workspace=workspace,
                labels=run_labels(workspace.root, "lock"),
                logs=run / "logs",
                environment=environment,
                emit=show,
                cancel=threading.Event(),
            )
            prepared = prepare(loaded.spec, snapshot, around)
            found = take_inventory(loaded.spec, prepared, around)
            if found.builder is None and any(installing_lines(prepared.image)):
                show(NoteEvent(lane=Lane.BASES, text=_UNKNOWN))
            before = _before(path, workspace)
            write_lock_file(path, found)
    finally:
        # It is no run: nothing was built, and there is no record of it.
        (run / "logs").rmdir()
        run.rmdir()
    return WrittenLock(path=path, inventory=found, changes=None if before is None else drift(before, found))


def _before(path: Path, workspace: Workspace) -> Inventory | None:
    try:
        known = read_lock_file(path, workspace=workspace)
    except LockInvalidError:
        # It is about to be replaced, which is what its error would have asked for.
        return None
    return None if known is None else known.inventory
