"""What a build leaves of the stubs: nothing, some, or all; and whether luck alone makes it right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.files import Reach
from orchestrator.dockerfile.timeline.poison import FlawKind, unit_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.events import Called
    from orchestrator.dockerfile.timeline.manifests import Package
    from orchestrator.dockerfile.timeline.poison import Flaw, Poison, Unit
    from orchestrator.dockerfile.timeline.project import BuildContext


class Cause(StrEnum):
    """Why stubs survive a build, where no single invalidation is to blame."""

    NOTHING = "nothing"
    PARTLY = "partly"
    LUCKY = "lucky"


_KINDS = {"main": "program", "bin": "program", "lib": "library", "build": "build script"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A stub that a build leaves in place. `path`: in the stage."""

    path: str
    unit: Unit
    written: Span

    @property
    def described(self) -> str:
        """Return what it is, for people: `library src/lib.rs`."""
        return f"{_KINDS[self.unit.kind]} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A build that takes artifacts of stubs as fresh.

    Attributes:
        build: the call.
        left: what stays a stub.
        healed_by: what invalidates something else.
        flaws: what was tried in vain.
        luck: why cargo compiles it all the same; None where it does not.
        sure: whether all that is certain.
    """

    build: Called
    left: tuple[Left, ...]
    healed_by: tuple[Span, ...]
    flaws: tuple[Flaw, ...]
    luck: str | None
    sure: bool

    @property
    def cause(self) -> FlawKind | Cause:
        """Return what is to blame, one thing only."""
        if self.luck is not None:
            return Cause.LUCKY
        if self.healed_by:
            return Cause.PARTLY
        return self.flaws[0].kind if self.flaws else Cause.NOTHING


def judge(
    build: Called, poisons: Sequence[Poison], *, edits: int, context: BuildContext | None, at_prime: frozenset[str]
) -> Hazard | None:
    """Return the hazard of a build, or None.

    Args:
        build: a call of cargo that links.
        poisons: artifacts of stubs that it would take as its own, whose real sources are here.
        edits: how many edits of a manifest are in force.
        context: what is known of the project.
        at_prime: paths of real files that were there when the stubs were compiled.
    """
    units = {id(poison): unit for poison in poisons if (unit := unit_of(poison, context)) is not None}
    states = {id(poison): poison.state(build) for poison in poisons if id(poison) in units}
    asked = [poison for poison in poisons if id(poison) in units and poison.edits == edits]
    healed = {id(poison) for poison in asked if states[id(poison)] is Reach.YES}
    scripted = _spread(asked, units, healed)
    open_ = [poison for poison in asked if id(poison) not in healed]
    doubtful = [poison for poison in open_ if states[id(poison)] is Reach.MAYBE]
    left = [poison for poison in open_ if poison not in doubtful or _backdated(poison)]
    if not left and scripted:
        return _by_script(build, [poison for poison in asked if id(poison) in scripted], units)
    if not left or any(not _backdated(poison) for poison in doubtful):
        return None
    healers = {span: None for poison in asked if id(poison) in healed for span in poison.healed_by}
    flaws = {flaw: None for poison in left for flaw in poison.flaws}
    return Hazard(
        build=build,
        left=tuple(Left(path=each.path, unit=units[id(each)], written=each.written) for each in left),
        healed_by=tuple(healers),
        flaws=tuple(flaws),
        luck=_luck(left, asked, units, context, at_prime, touched=bool(healers)),
        sure=all(poison.sure for poison in left)
        and build.call.certain
        and not doubtful
        and not _may_depend(left, units, healed),
    )


def _may_depend(left: Sequence[Poison], units: dict[int, Unit], healed: set[int]) -> bool:
    """Return whether what is left may be compiled because a crate that it depends on is: only manifests tell."""
    folders = {units[key].folder for key in healed if units[key].kind == "lib"}
    return any(units[id(each)].package is None and folders - {units[id(each)].folder} for each in left)


def _backdated(poison: Poison) -> bool:
    """Return whether all that speaks for it is a touch with a time that is not known."""
    return bool(poison.flaws) and poison.flaws[-1].kind is FlawKind.BACKDATED and poison.evicted is Reach.NO


def _by_script(build: Called, poisons: Sequence[Poison], units: dict[int, Unit]) -> Hazard:
    return Hazard(
        build=build,
        left=tuple(Left(path=each.path, unit=units[id(each)], written=each.written) for each in poisons),
        healed_by=(),
        flaws=(),
        luck="only build.rs is invalidated; the rest is compiled because the build script runs again",
        sure=True,
    )


def _spread(asked: Sequence[Poison], units: dict[int, Unit], healed: set[int]) -> set[int]:
    """Add what cargo compiles again because something that it depends on is; return what a build script alone does.

    A library dirties its package's programs, a build script both, a member's library whoever depends on it.
    """
    scripted: set[int] = set()
    while True:
        fresh = {(units[key].folder, units[key].kind) for key in healed}
        packages = {
            unit.package.folder for key in healed if (unit := units[key]).package and unit.kind not in {"main", "bin"}
        }
        more = set()
        for poison in asked:
            unit = units[id(poison)]
            own_library = (unit.folder, "lib") in fresh and unit.kind in {"main", "bin"}
            own_script = (unit.folder, "build") in fresh and unit.kind != "build"
            depends = (
                unit.package is not None and unit.kind != "build" and not packages.isdisjoint(unit.package.depends)
            )
            if id(poison) not in healed and (own_library or own_script or depends):
                more.add(id(poison))
                if own_script and not own_library and not depends:
                    scripted.add(id(poison))
        if not more:
            return scripted
        healed |= more


def _luck(
    left: Sequence[Poison],
    asked: Sequence[Poison],
    units: dict[int, Unit],
    context: BuildContext | None,
    at_prime: frozenset[str],
    *,
    touched: bool,
) -> str | None:
    """Return why cargo compiles every one of these all the same, or None."""
    if context is None:
        return None
    stubbed = {(unit.package.folder, unit.kind) for poison in asked if (unit := units[id(poison)]).package is not None}
    packages = {package.folder: package for package in context.packages}
    reasons: dict[int, str] = {}
    while True:
        renewed = {
            unit.package.folder
            for poison in left
            if id(poison) in reasons and (unit := units[id(poison)]).package is not None and unit.kind == "lib"
        }
        found: dict[int, str] = {}
        for poison in left:
            package, kind = units[id(poison)].package, units[id(poison)].kind
            if package is None or id(poison) in reasons:
                continue
            reason = _lucky(package, kind, stubbed, at_prime, touched=touched)
            if reason is None and kind != "build":
                below = [packages[folder] for folder in package.depends if folder in packages]
                reason = _lucky_below(package, below, stubbed, at_prime, renewed)
            if reason is not None:
                found[id(poison)] = reason
        if not found:
            break
        reasons |= found
    return "; ".join(dict.fromkeys(reasons.values())) if len(reasons) == len(left) else None


def _lucky(
    package: Package, kind: str, stubbed: Collection[tuple[str, str]], at_prime: frozenset[str], *, touched: bool
) -> str | None:
    """Return what else in its package dirties a unit."""
    if kind in {"main", "bin"} and package.of_kind("lib") and (package.folder, "lib") not in stubbed:
        library = package.of_kind("lib")[0].path
        if not _was_there(library, at_prime):
            return f"{library} has no stub, so the real library gives the program one dependency more, which dirties it"
    scripts = package.of_kind("build")
    if scripts and kind != "build" and (package.folder, "build") not in stubbed:
        if not _was_there(scripts[0].path, at_prime):
            return f"{scripts[0].path} has no stub, so the real build script is new to the package, which dirties it"
        if package.watches is False and touched:
            return f"{scripts[0].path} names no `rerun-if-changed`, so any touched file dirties the whole package"
    return None


def _lucky_below(
    package: Package,
    below: Sequence[Package],
    stubbed: Collection[tuple[str, str]],
    at_prime: frozenset[str],
    renewed: Collection[str],
) -> str | None:
    """Return which of its path dependencies dirties a package.

    Args:
        package: the package.
        below: its path dependencies.
        stubbed: folder and kind of all that has a stub.
        at_prime: paths of real files that were there when the stubs were compiled.
        renewed: folders of the packages whose library luck compiles anew.
    """
    for other in below:
        if other.folder in renewed:
            return f"{package.name} depends on {other.name}, which is compiled anew"
        library = other.of_kind("lib")
        if library and (other.folder, "lib") not in stubbed and not _was_there(library[0].path, at_prime):
            # Without a library, cargo warned and left the dependency out when the stubs were compiled.
            return f"{library[0].path} has no stub, so the real library gives {package.name} one dependency more"
    return None


def _was_there(source: str, at_prime: frozenset[str]) -> bool:
    return any(source == each or source.startswith(each.rstrip("/") + "/") or each == "." for each in at_prime)
