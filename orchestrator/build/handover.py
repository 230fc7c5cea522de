"""The way of compiled dependencies from the host's build, which compiles them, to the image's, which waits for them.

Only a run whose offer is not made yet waits: with the same lock file, flags and toolchain the next one finds it on the
engine, and both builds begin at once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.build.offers import retire, use
from orchestrator.build.place import PlaceKind, may_have_namespaces
from orchestrator.build.take_back import is_empty, take_back
from orchestrator.engine.archive import load_files
from orchestrator.engine.process import run
from orchestrator.errors import run_ended
from orchestrator.toolchains.cargo.awaited import awaited_packages
from orchestrator.toolchains.cargo.command import cargo_words
from orchestrator.toolchains.cargo.handover import all_written, hand_over, keep_digests
from orchestrator.toolchains.cargo.offer_key import handover_key, keep_environment, keyed_by_environment
from orchestrator.toolchains.cargo.tools import kin_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.build.ground import Ground, LocalPlan
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.process import Process
    from orchestrator.toolchains.cargo.messages import CargoReport
    from orchestrator.workspace import Workspace

_EMPTY = (("none", b"", 0o644),)
"""What an offer without content holds: always the same, so that the layers of steps that see it stay cached."""

_GLANCE_SECONDS = 0.1
_AFTER_SECONDS = 5.0
"""For files of a few bytes; a crate whose fingerprint takes longer is compiled in the image as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverPlan:
    """What is offered to the image build.

    Attributes:
        reference: tag of the image with the compiled dependencies.
        key: the tag that it has as long as no variable changes that build scripts read.
        made: whether the engine has it.
        local: the host's build, which makes it.
        words: cargo's, there.
    """

    reference: str
    key: str
    made: bool
    local: LocalPlan
    words: Sequence[str]


def plan_handover(
    plan: LocalPlan, *, engine: Engine, workspace: Workspace, environment: Mapping[str, str]
) -> HandoverPlan:
    """Return what the host's build will offer, and whether an earlier one did."""
    words = cargo_words(plan.settings, plan.project, selection=plan.selection)
    key = handover_key(
        plan.toolchain,
        words,
        plan.files,
        variables=plan.variables,
        folders=(plan.paths.workspace, plan.paths.cargo_home),
        namespaces=may_have_namespaces(environment),
    )
    reference = keyed_by_environment(key, plan.variables, workspace)
    return HandoverPlan(
        reference=reference,
        key=key,
        local=plan,
        made=use(engine, reference),
        words=words,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the host's build is and has told."""

    ground: Ground
    variables: Mapping[str, str]
    report: CargoReport


class Handover:
    """Between the two builds of one run.

    The host's build calls `watch`, `started` and, however it ends, `ended`; the image's calls `wait`, from another
    thread, unless the offer is made already.

    Args:
        plan: what is offered.
        engine: where.
        workspace: of the host's build.
    """

    def __init__(self, plan: HandoverPlan, engine: Engine, workspace: Workspace) -> None:
        self._plan, self._engine, self._workspace = plan, engine, workspace
        self._seen: _Seen | None = None
        self._host: Process | None = None
        self._host_is_behind = not self.awaited
        self._began, self._over = threading.Event(), threading.Event()
        self._succeeded = False
        self._empty = False

    @property
    def awaited(self) -> bool:
        """Return whether the image's build has to wait for the host's."""
        return not self._plan.made

    def watch(self, ground: Ground, variables: Mapping[str, str], report: CargoReport) -> None:
        """Take, before the host's build begins, what it will tell; and give it what an earlier one has offered.

        Raises:
            EngineUnreachableError, NoSpaceError: as their names say.
        """
        self._seen = _Seen(ground=ground, variables=variables, report=report)
        if self._plan.made and ground.place.kind is PlaceKind.NAMESPACE and is_empty(ground.target):
            take_back(
                self._engine,
                self._plan.reference,
                target=ground.target,
                facts=_facts(self._seen),
                workspace=self._workspace,
            )
        self._began.set()

    def started(self, process: Process) -> None:
        """Take the running cargo; it gives way to the image's build once that has what it waits for, or at once."""
        self._host = process
        if self._host_is_behind:
            process.give_way()

    def ended(self, *, succeeded: bool, workspace: Workspace) -> None:
        """Take that the host's build is over; digests of what it finished are kept, unless `wait` keeps them."""
        self._succeeded = succeeded
        if self._seen is not None and (self._plan.made or not succeeded):
            ground = self._seen.ground
            keep_digests(self._seen.report, outside=ground.place.outside, target=ground.target, workspace=workspace)
        self._over.set()
        self._began.set()

    def wait(self, engine: Engine, *, workspace: Workspace, cancel: threading.Event) -> None:
        """Wait until the host has compiled the dependencies, and put them where the image build looks for them.

        Raises:
            InterruptedRunError: the host's build failed, or the run was ended.
            EngineUnreachableError, NoSpaceError: as their names say.
        """
        self._until(self._began, cancel)
        seen = self._seen
        if seen is None:
            self._end_with_host(cancel)
            raise run_ended()
        if seen.ground.place.kind is PlaceKind.REMAP:
            # Compiled under other paths, which the artifacts hold: the image's build begins now.
            self._put_host_behind()
            load_files(engine, self._plan.reference, _EMPTY, scratch=workspace.scratch)
            self._empty = True
            return
        local = self._plan.local
        tree, cargo = local.tree.absolute(), local.toolchain.cargo
        awaited = awaited_packages(
            cargo,
            tree / local.settings.manifest,
            self._plan.words,
            top=tree,
            environment={"PATH": str(cargo.parent), "CARGO_HOME": str(workspace.cargo_home.absolute())},
        )
        while not self._over.is_set() and not _all_done(awaited, seen.report):
            self._over.wait(_GLANCE_SECONDS)
            if cancel.is_set():
                raise run_ended()
        # What is left for the host is its own packages, which the image's build has yet to begin.
        self._put_host_behind()
        # Cargo tells of a crate just before it writes the crate's fingerprint.
        patience = time.monotonic() + _AFTER_SECONDS
        while time.monotonic() < patience and not all_written(seen.report, outside=seen.ground.place.outside):
            self._over.wait(_GLANCE_SECONDS)
        if self._over.is_set() and not self._succeeded:
            self._end_with_host(cancel)
        packages = hand_over(
            engine,
            self._plan.reference,
            seen.report,
            outside=seen.ground.place.outside,
            target=seen.ground.target,
            facts=_facts(seen),
            workspace=workspace,
            limit=local.settings.share_limit,
        )
        self._empty = not packages
        if not self._empty:
            self._keep(engine, seen, workspace)

    def settle(self, engine: Engine) -> None:
        """Take back an offer without content, so that a machine that shares this engine can make a better one."""
        if self._empty:
            engine.remove_image(self._plan.reference)

    def _keep(self, engine: Engine, seen: _Seen, workspace: Workspace) -> None:
        plan = self._plan
        outside = seen.ground.place.outside
        keep_environment(plan.key, seen.report, outside=outside, variables=plan.local.variables, workspace=workspace)
        retire(engine, plan.reference, workspace, limit=plan.local.settings.share_limit)

    def _put_host_behind(self) -> None:
        # Whichever thread comes second, this one or that of `started`, sees what the other one has set.
        self._host_is_behind = True
        if self._host is not None:
            self._host.give_way()

    def _end_with_host(self, cancel: threading.Event) -> None:
        """Wait until the run has been ended: its error is that of the build that failed, not this one's."""
        self._until(cancel, cancel)

    def _until(self, event: threading.Event, cancel: threading.Event) -> None:
        while not event.wait(_GLANCE_SECONDS):
            if cancel.is_set():
                break
        if cancel.is_set():
            raise run_ended()


def _all_done(awaited: frozenset[str] | None, report: CargoReport) -> bool:
    """Return whether cargo has finished the crate of each package; without a list only its end tells."""
    if awaited is None:
        return False
    return awaited <= {artifact.package for artifact in tuple(report.dependencies) if artifact.kind != "custom-build"}


def _facts(seen: _Seen) -> dict[str, str]:
    """Return what the shim compares, found out at the build's own place."""
    place = seen.ground.place
    asked = run(place.command(["sh", "-c", kin_script()], directory="/"), environment=seen.variables)
    pairs = (line.partition(" ")[::2] for line in asked.stdout.decode(errors="replace").splitlines())
    return {
        "build": place.inside(seen.ground.target),
        "home": seen.variables["CARGO_HOME"],
        **dict(pairs),
    }
