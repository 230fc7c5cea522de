"""An artifact that was compiled from a stub, and what may become of it until the real build looks at it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.files import Reach

if TYPE_CHECKING:
    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.events import Arrived, Called, Step, Touched
    from orchestrator.dockerfile.timeline.manifests import Package
    from orchestrator.dockerfile.timeline.project import BuildContext


class FlawKind(StrEnum):
    """Why an invalidation does nothing."""

    OTHER_PROFILE = "other-profile"
    NAME = "name"
    NO_MATCH = "no-match"
    FINAL_FILE = "final-file"
    BACKDATED = "backdated"
    ELSEWHERE = "elsewhere"
    TOO_EARLY = "too-early"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """An invalidation that does nothing to an artifact. `text`: why, as a sentence."""

    kind: FlawKind
    text: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What cargo compiles from one root file.

    Attributes:
        kind: `main`, `lib`, `bin`, `build`.
        folder: of the package, in the stage.
        name: of the target; None where the project is not known.
        package: None where the project is not known.
    """

    kind: str
    folder: str
    name: str | None
    package: Package | None

    @property
    def crate(self) -> str | None:
        """Return the name in file names of `deps`."""
        return self.name.replace("-", "_") if self.name else None


@dataclass(slots=True, kw_only=True)
class Poison:
    """One artifact of a stub.

    Attributes:
        path: of the stub's source in the stage.
        written: where the stub was written.
        call: what compiled it.
        edits: how many edits of a manifest that may rename it were in force.
        sure: whether it is certain that the call compiled it.
        replaced: what brought the real source; None while the stub is still in place.
        touched: whether its real source got a new modification time, and in which step.
        evicted: whether its artifact was removed.
        healed_by: where.
        flaws: what was tried in vain.
        plain: whether the stub says nothing, as far as is known.
        asset: whether it is no Rust source, but something that one may take in (`include_str!`).
    """

    path: str
    written: Span
    call: CargoCall
    edits: int
    sure: bool
    replaced: Arrived | None = None
    touched: Reach = Reach.NO
    touched_step: Step | None = None
    evicted: Reach = Reach.NO
    healed_by: list[Span] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    plain: bool = True
    asset: bool = False

    def copy(self) -> Poison:
        """Return a copy of its own for a stage that is based on this one."""
        return replace(self, healed_by=list(self.healed_by), flaws=list(self.flaws))

    def arrive(self, arrived: Arrived, reach: Reach) -> None:
        """Take in that the real source is here now, with the modification time that it came with."""
        if self.touched is not Reach.NO and arrived.fresh is Reach.NO and self.healed_by:
            text = "the COPY behind it brings the sources' old modification times back"
            self.flaws.append(Flaw(kind=FlawKind.TOO_EARLY, text=text, span=self.healed_by.pop()))
        self.replaced = arrived
        self.sure = self.sure and reach is Reach.YES
        self.touched, self.touched_step = arrived.fresh, arrived.step

    def touch(self, touched: Touched) -> None:
        """Take in a new modification time."""
        reach = touched.files.reach(self.path)
        if reach is Reach.NO:
            return
        if self.replaced is None:
            text = "it runs before COPY brings the real sources, whose old modification times come with them"
            self.flaws.append(Flaw(kind=FlawKind.TOO_EARLY, text=text, span=touched.span))
        elif touched.backdated is Reach.YES:
            self.touched = Reach.NO
            text = "it gives the sources a time of the past, and cargo rebuilds only what is newer than its artifact"
            self.flaws.append(Flaw(kind=FlawKind.BACKDATED, text=text, span=touched.span))
        else:
            self.touched = max(self.touched, reach)
            self.touched_step = touched.step
            self.healed_by.append(touched.span)
            if touched.backdated is Reach.MAYBE:
                self.touched = Reach.MAYBE
                text = "the time that it sets is not known, and one that is not newer than the artifact changes nothing"
                self.flaws.append(Flaw(kind=FlawKind.BACKDATED, text=text, span=touched.span))

    def state(self, build: Called) -> Reach:
        """Return whether a build compiles the real source; notes a touch that another layer keeps from counting."""
        touched = self.touched
        elsewhere = self.touched_step is not None and self.touched_step.line != build.step.line
        if touched is not Reach.NO and build.call.key.mount is not None and elsewhere and self.healed_by:
            text = "its layer may come from the cache while the target directory, a cache mount, holds a newer stub"
            self.flaws.append(Flaw(kind=FlawKind.ELSEWHERE, text=text, span=self.healed_by[-1]))
            touched = Reach.NO
            self.sure = False
        return max(touched, self.evicted)


def unit_of(poison: Poison, context: BuildContext | None) -> Unit | None:
    """Return what a stub stands for; None where it is no root file of a target."""
    path = poison.path
    if poison.asset:
        return None
    source = poison.replaced.source_of(path) if poison.replaced else None
    guessed = guessed_unit(path)
    if context is None or source is None or not context.packages:
        return guessed
    package = context.package_of(source)
    target = next((each for each in package.targets if each.path == source), None) if package else None
    if package is None:
        return guessed
    if target is None or target.kind == "example":
        return None
    kind = "main" if target.kind == "bin" and source.endswith("src/main.rs") else target.kind
    head = path[: len(path) - len(source)] if path.endswith(source) else None
    folder = guessed.folder if guessed else posixpath.dirname(path)
    if head is not None:
        folder = posixpath.normpath(posixpath.join(head, package.folder))
    return Unit(kind=kind, folder=folder, name=target.name, package=package)


def guessed_unit(path: str) -> Unit | None:
    """Return what a root file is by cargo's layout of folders, None where it is none."""
    folder, slash, below = path.rpartition("/src/")
    if slash:
        if below == "main.rs":
            return Unit(kind="main", folder=folder or "/", name=None, package=None)
        if below == "lib.rs":
            return Unit(kind="lib", folder=folder or "/", name=None, package=None)
        if below.startswith("bin/") and below.endswith(".rs"):
            stem = below.removeprefix("bin/").removesuffix(".rs").removesuffix("/main")
            return None if "/" in stem else Unit(kind="bin", folder=folder or "/", name=stem, package=None)
        return None
    if path.endswith("/build.rs"):
        return Unit(kind="build", folder=posixpath.dirname(path), name=None, package=None)
    return None
