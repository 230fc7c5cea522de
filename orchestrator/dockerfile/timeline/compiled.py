"""What a call of cargo compiles, of the stubs that lie in a stage or have been compiled there."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.files import Reach
from orchestrator.dockerfile.timeline.poison import Unit, guessed_unit, unit_of
from orchestrator.dockerfile.timeline.selection import selected

if TYPE_CHECKING:
    from orchestrator.dockerfile.timeline.events import Called
    from orchestrator.dockerfile.timeline.manifests import Package
    from orchestrator.dockerfile.timeline.stage import StageState


def compiles(state: StageState, event: Called, path: str) -> Reach:
    """Return whether a call compiles a stub."""
    unit = guessed_unit(path)
    if unit is None:
        return Reach.NO if state.context is None else Reach.MAYBE
    package = _package_at(state, unit.folder)
    below = path[len(unit.folder.rstrip("/")) + 1 :]
    root = posixpath.normpath(posixpath.join(package.folder, below)) if package else None
    target = next((each for each in package.targets if each.path == root), None) if package else None
    named = replace(unit, name=target.name, package=package) if target and unit.kind != "lib" else unit
    found = selects(state, event, named, path)
    # `--bin` of a name that nothing known has: it may be this one.
    unknown = event.call.bins and named.name is None and unit.kind == "main" and found is Reach.YES
    return Reach.MAYBE if unknown else found


def _package_at(state: StageState, folder: str) -> Package | None:
    """Return the real package whose manifest was copied into a folder."""
    for arrived in reversed(state.arrivals):
        source = arrived.source_of(posixpath.join(folder, "Cargo.toml")) if arrived.origin is None else None
        if source is not None and state.context is not None:
            at = posixpath.dirname(source) or "."
            return next((package for package in state.context.packages if package.folder == at), None)
    return None


def selects(state: StageState, event: Called, unit: Unit, path: str) -> Reach:
    """Return whether a call builds a unit; `path`: of the stub that stands for it."""
    known = [(each, unit_of(each, state.context) or guessed_unit(each.path)) for each in state.poisons]
    stubs = [guessed_unit(each) for each in state.stubs]
    others = {it.name for each, it in known if it and it.kind == "bin" and it.name and each.path != path}
    others |= {it.name for it in stubs if it and it.kind == "bin" and it.name and it.name != unit.name}
    stubbed = {it.folder for it in [*(it for _, it in known), *stubs] if it is not None}
    return selected(
        event.call,
        unit,
        context=state.context,
        root=_package_at(state, event.call.directory),
        stubbed=stubbed,
        others=others,
    )
