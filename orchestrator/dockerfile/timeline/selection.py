"""Which units a call of cargo builds: what `-p`, `--bin`, `--workspace` and the folder it runs in select."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.eviction import of_folder
from orchestrator.dockerfile.timeline.files import Reach

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.manifests import Package
    from orchestrator.dockerfile.timeline.poison import Unit
    from orchestrator.dockerfile.timeline.project import BuildContext

_PROGRAMS = frozenset({"main", "bin"})


def selected(
    call: CargoCall,
    unit: Unit,
    *,
    context: BuildContext | None,
    root: Package | None,
    stubbed: Collection[str],
    others: Collection[str],
) -> Reach:
    """Return whether a call builds a unit.

    Args:
        call: of cargo.
        unit: what may be built.
        context: the project, where it is known.
        root: the package in the call's folder; None for a virtual workspace, or where that is not known.
        stubbed: folders of packages that have stubs.
        others: names of programs that other stubs stand for.
    """
    program = unit.kind in _PROGRAMS
    if program and call.library_only:
        return Reach.NO
    if program and call.bins:
        chosen = unit.name in call.bins if unit.name else bool(set(call.bins) - set(others))
        return Reach.YES if chosen else Reach.NO
    if call.packages and not call.everything:
        return _named(call, unit, context, program=program)
    return Reach.YES if call.everything else _by_folder(call, unit, context, root=root, stubbed=stubbed)


def _by_folder(
    call: CargoCall, unit: Unit, context: BuildContext | None, *, root: Package | None, stubbed: Collection[str]
) -> Reach:
    """Return whether cargo builds a unit by itself: in a package's folder that package, and libraries it depends on."""
    program = unit.kind in _PROGRAMS
    if unit.package is None:
        beside = unit.folder != call.directory and call.directory in stubbed
        return Reach.NO if program and beside else Reach.YES
    if root is None or root is unit.package:
        return Reach.YES
    if context is not None and "default-members" in (context.read(posixpath.join(root.folder, "Cargo.toml")) or ""):
        return Reach.MAYBE
    return Reach.YES if not program and _needed({root.name}, unit, context) else Reach.NO


def _named(call: CargoCall, unit: Unit, context: BuildContext | None, *, program: bool) -> Reach:
    if unit.package is not None:
        own = unit.package.name in call.packages
        return Reach.YES if own or (not program and _needed(call.packages, unit, context)) else Reach.NO
    if unit.folder == call.directory or any(of_folder(name, unit.folder) for name in call.packages):
        return Reach.YES
    return Reach.NO if program else Reach.MAYBE


def _needed(names: Collection[str], unit: Unit, context: BuildContext | None) -> bool:
    """Return whether a unit's package is one of those named or a dependency of one."""
    packages = {each.folder: each for each in context.packages} if context else {}
    waiting = [each for each in packages.values() if each.name in names]
    seen = set()
    while waiting:
        each = waiting.pop()
        if each.folder not in seen:
            seen.add(each.folder)
            waiting += [packages[folder] for folder in each.depends if folder in packages]
    return unit.package is not None and unit.package.folder in seen
