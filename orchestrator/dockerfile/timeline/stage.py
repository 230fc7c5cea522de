"""The state of one stage: sources, stubs and their artifacts, event after event."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.compiled import compiles, selects
from orchestrator.dockerfile.timeline.cook import written_over
from orchestrator.dockerfile.timeline.events import (
    Arrived,
    Called,
    ManifestEdited,
    Removed,
    Touched,
    Unreadable,
    Written,
    is_stub_text,
)
from orchestrator.dockerfile.timeline.eviction import clean, evict
from orchestrator.dockerfile.timeline.files import Reach
from orchestrator.dockerfile.timeline.hazard import Hazard, judge
from orchestrator.dockerfile.timeline.poison import Poison, Unit, guessed_unit, unit_of

if TYPE_CHECKING:
    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.events import Event
    from orchestrator.dockerfile.timeline.project import BuildContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A placeholder source in a stage. `plain`: whether it says nothing, as far as is known."""

    path: str
    written: Span
    plain: bool


@dataclass(slots=True)
class StageState:
    """What is known of a stage.

    Attributes:
        context: the project, where it is known.
        stubs: placeholders that lie there now, by path.
        assets: other files that a step has written, by path.
        poisons: artifacts compiled from stubs that no build has replaced.
        arrivals: what was copied in.
        calls: calls of cargo that link, in order; those of the stages below included.
        primes: those of them that compile stubs.
        cooked: calls of `cargo chef cook`.
        cooked_over: sources that one of them has written a placeholder over, and what had brought them.
        unreadable: what was run whose doings are not known.
        hazards: of this stage's own instructions.
        events: the same.
        stale_assets: builds, and placeholders of assets whose real content they do not look at.
        edits: edits of a manifest in force that may rename a package or a target.
        at_prime: sources of the context that were there when a stub was compiled first.
    """

    context: BuildContext | None
    stubs: dict[str, Stub] = field(default_factory=dict)
    assets: dict[str, Written] = field(default_factory=dict)
    poisons: list[Poison] = field(default_factory=list)
    arrivals: list[Arrived] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    primes: list[Called] = field(default_factory=list)
    cooked: list[Called] = field(default_factory=list)
    cooked_over: dict[str, tuple[Called, Arrived]] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    hazards: list[Hazard] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    stale_assets: list[tuple[Called, Poison]] = field(default_factory=list)
    edits: int = 0
    at_prime: frozenset[str] = frozenset()

    def child(self) -> StageState:
        """Return the state that a stage based on this one begins with."""
        return StageState(
            context=self.context,
            stubs=dict(self.stubs),
            assets=dict(self.assets),
            poisons=[poison.copy() for poison in self.poisons],
            arrivals=list(self.arrivals),
            calls=list(self.calls),
            primes=list(self.primes),
            cooked=list(self.cooked),
            cooked_over=dict(self.cooked_over),
            unreadable=list(self.unreadable),
            edits=self.edits,
            at_prime=self.at_prime,
        )

    def take(self, event: Event) -> None:
        """Take in an event."""
        self.events.append(event)
        if isinstance(event, Written):
            self._written(event)
        elif isinstance(event, Touched):
            self._touched(event)
        elif isinstance(event, Arrived):
            self._arrived(event)
        elif isinstance(event, Removed):
            self._removed(event)
        elif isinstance(event, ManifestEdited):
            self.edits += event.masks
        elif isinstance(event, Unreadable):
            self._unreadable(event)
        elif isinstance(event, Called):
            self._called(event)

    def unit(self, poison: Poison) -> Unit | None:
        """Return what a stub stands for."""
        return unit_of(poison, self.context)

    def inherit(self, other: StageState, *, source: str, to: str) -> None:
        """Take in the artifacts that a COPY --from of another stage brings.

        Cargo's artifacts are bound to the workspace's path: those that come to lie elsewhere are not taken as fresh.
        """
        for poison in other.poisons:
            folder = poison.call.key.target_dir
            if (
                poison.call.key.mount is None
                and source == to
                and (folder == source or folder.startswith(source.rstrip("/") + "/"))
            ):
                copied = poison.copy()
                brought = next((each for each in reversed(self.arrivals) if each.reach(copied.path)), None)
                if brought is not None:
                    copied.arrive(brought, brought.reach(copied.path))
                self.poisons.append(copied)
                self.at_prime |= other.at_prime

    def _written(self, event: Written) -> None:
        if event.path.endswith("Cargo.toml"):
            self.edits += 1
        elif event.path.endswith(".rs"):
            # Whatever it says: where COPY puts the real source in its place later, it was a placeholder.
            plain = event.content is None or is_stub_text(event.content)
            self.stubs[event.path] = Stub(path=event.path, written=event.span, plain=plain)
        elif not event.path.endswith((".lock", ".toml", ".log")):
            self.assets[event.path] = event
        for poison in self.poisons:
            if poison.path == event.path:
                poison.touched = Reach.YES

    def _touched(self, event: Touched) -> None:
        for path in event.literal if event.creates else ():
            made = next((root.text for root in event.files.roots if root.text.endswith(posixpath.normpath(path))), path)
            here = made in self.stubs or any(each.reach(made) for each in self.arrivals)
            if made.endswith(".rs") and not here:
                self.stubs[made] = Stub(path=made, written=event.span, plain=True)
        for poison in self.poisons:
            poison.touch(event)
            if poison.asset and event.files.reach(posixpath.join(poison.call.directory, "src/main.rs")):
                # A source that is compiled again reads its assets again.
                poison.touched = Reach.YES

    def _arrived(self, event: Arrived) -> None:
        self.arrivals.append(event)
        folder = self.calls[-1].call.directory if self.calls else event.to
        if event.origin is None and event.reach(posixpath.join(folder, "Cargo.toml")):
            self.edits = 0
        for path in [path for path in self.stubs if event.reach(path)]:
            del self.stubs[path]
        for path in [path for path in self.assets if event.reach(path)]:
            del self.assets[path]
        for path in [path for path in self.cooked_over if event.reach(path)]:
            del self.cooked_over[path]
        expanded: list[Poison] = []
        for poison in self.poisons:
            reach = event.reach(poison.path)
            if reach is Reach.NO:
                expanded.append(poison)
                continue
            for path in event.concrete(poison.path) or (poison.path,):
                each = poison.copy()
                each.path = path
                each.arrive(event, reach)
                expanded.append(each)
        self.poisons = expanded

    def _removed(self, event: Removed) -> None:
        for path in [path for path in self.stubs if event.files.reach(path) is Reach.YES]:
            del self.stubs[path]
        for poison in self.poisons:
            unit = unit_of(poison, self.context) or guessed_unit(poison.path)
            if poison.asset:
                unit = Unit(kind="main", folder=poison.call.directory, name=None, package=None)
            if unit is not None:
                evict(event, poison, unit)

    def _unreadable(self, event: Unreadable) -> None:
        self.unreadable.append(event)
        for poison in self.poisons:
            # Whatever it does: nothing is certain any more.
            poison.evicted = max(poison.evicted, Reach.MAYBE)

    def _called(self, event: Called) -> None:
        call = event.call
        if call.subcommand == "clean":
            for poison in self.poisons:
                unit = unit_of(poison, self.context)
                if unit is not None:
                    clean(event, poison, unit)
        elif call.subcommand == "chef cook":
            self.cooked.append(event)
            over = written_over(event.call, self.arrivals, self.context)
            self.cooked_over |= {place: (event, arrived) for place, arrived in over}
        elif call.links:
            self._build(event)
            self.calls.append(event)

    def _build(self, event: Called) -> None:
        call = event.call
        same = [poison for poison in self.poisons if poison.call.key == call.key]
        real = [poison for poison in same if poison.replaced is not None and self._selected(event, poison)]
        self.stale_assets += [(event, poison) for poison in real if poison.asset and poison.state(event) is Reach.NO]
        hazard = judge(event, real, edits=self.edits, context=self.context, at_prime=self.at_prime)
        if hazard is not None:
            self.hazards.append(hazard)
        self.poisons = [poison for poison in self.poisons if poison not in real and not self._replaced(event, poison)]
        self._prime(event)

    def _replaced(self, event: Called, poison: Poison) -> bool:
        """Return whether a call that shares no artifact with a stub's puts its own program in the same place."""
        key, own = event.call.key, poison.call.key
        beside = key != own and (key.folder, key.mount) == (own.folder, own.mount)
        return beside and self._selected(event, poison)

    def _prime(self, event: Called) -> None:
        """Note what is compiled from stubs."""
        call = event.call
        unsure = bool(call.packages) or not call.certain or not call.command.sure
        for stub in self.stubs.values():
            compiled = compiles(self, event, stub.path)
            if compiled is Reach.NO:
                continue
            self.poisons = [each for each in self.poisons if (each.path, each.call.key) != (stub.path, call.key)]
            sure = not unsure and compiled is Reach.YES and UNKNOWN not in stub.path
            self.poisons.append(
                Poison(path=stub.path, written=stub.written, call=call, edits=self.edits, sure=sure, plain=stub.plain)
            )
        for asset in self.assets.values():
            if asset.path.startswith(call.directory.rstrip("/") + "/") and not asset.path.startswith(
                call.key.target_dir
            ):
                self.poisons.append(
                    Poison(path=asset.path, written=asset.span, call=call, edits=self.edits, sure=False, asset=True)
                )
        if self.stubs:
            self.primes.append(event)
        if self.stubs and not self.at_prime:
            self.at_prime = frozenset(
                posixpath.normpath(source) for each in self.arrivals if each.origin is None for source in each.sources
            )

    def _selected(self, event: Called, poison: Poison) -> bool:
        """Return whether a call builds the unit of a stub; where it only may, nothing is certain any more."""
        unit = unit_of(poison, self.context)
        found = Reach.YES if unit is None else selects(self, event, unit, poison.path)
        poison.sure = poison.sure and found is not Reach.MAYBE
        return found is not Reach.NO
