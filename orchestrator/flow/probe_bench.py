"""Where the probes of one pair are made, remembered by all that went into them, and held against the pair."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.read import profile_of
from orchestrator.build.probe_build import build_under
from orchestrator.errors import InterruptedRunError, LocalBuildFailedError
from orchestrator.events import Lane, NoteEvent, OutputEvent, told
from orchestrator.flow.probe_factors import circumstances
from orchestrator.parity.compare import compare_files
from orchestrator.parity.probe import Factor, Outcome, Reach
from orchestrator.parity.same_places import covers
from orchestrator.version import VERSION
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.build.artifact import Artifact
    from orchestrator.build.local import LocalPlan
    from orchestrator.events import Emit, Event
    from orchestrator.parity.difference import Comparison
    from orchestrator.workspace import Workspace

_MEMO = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two programs of a run, as the workspace keeps them."""

    local: Artifact
    image: Artifact


@dataclass(slots=True)
class Bench:
    """Where the probes of one pair are made."""

    pair: Pair
    plan: LocalPlan
    epoch: int
    workspace: Workspace
    logs: Path
    environment: Mapping[str, str]
    emit: Emit

    def remembered(self, factor: Factor, number: int) -> Outcome | None:
        """Return the outcome of a build that was made before and whose program is still kept."""
        known = self.workspace.recall(_MEMO, self._key(factor, number))
        if not isinstance(known, dict):
            return None
        if known["sha256"] and not self.workspace.artifact(str(known["sha256"])).exists():
            return None
        return replace(self._outcome(factor, number, str(known["sha256"]), known["seconds"]), remembered=True)

    def built(self, factor: Factor, number: int, name: str, over: threading.Event) -> Outcome | None:
        """Build and remember; None where the time was over before the build was done.

        Raises:
            LocalBuildFailedError: the build fails with nothing changed.
        """
        began = time.monotonic()

        def tell(event: Event) -> None:
            # What cargo says belongs to the probe; that cargo runs is told by the probe itself.
            if isinstance(event, OutputEvent):
                self.emit(replace(event, step=name))
            elif isinstance(event, NoteEvent):
                self.emit(event)

        sha256 = ""
        try:
            with told(self.emit, Lane.LOCAL, name):
                sha256 = build_under(
                    circumstances(factor, self.plan, self.epoch),
                    self.plan,
                    workspace=self.workspace,
                    log=self.logs / f"probe-{factor.value.replace(' ', '-')}-{number}.log",
                    environment=self.environment,
                    emit=tell,
                    cancel=over,
                ).artifact.sha256
        except InterruptedRunError:
            return None
        except LocalBuildFailedError:
            if factor is Factor.AGAIN:
                raise
        seconds = round(time.monotonic() - began, 3)
        self.workspace.remember(_MEMO, self._key(factor, number), {"sha256": sha256, "seconds": seconds})
        return self._outcome(factor, number, sha256, seconds)

    def _outcome(self, factor: Factor, number: int, sha256: str, seconds: float) -> Outcome:
        return Outcome(factor=factor, number=number, sha256=sha256, reach=self._reach(sha256), seconds=seconds)

    def _reach(self, sha256: str) -> Reach:
        local, image = self.pair.local.sha256, self.pair.image.sha256
        if not sha256:
            return Reach.FAILED
        if sha256 in {local, image}:
            return Reach.NONE if sha256 == local else Reach.MEETS
        return Reach.COVERS if covers(self._compared(sha256), self._compared(image)) else Reach.ELSEWHERE

    def _compared(self, sha256: str) -> Comparison:
        """Compare the local program with another one that the workspace keeps."""
        return compare_files(
            self.pair.local.sha256,
            sha256,
            size=self.pair.local.size,
            profile=lambda digest: profile_of(self.workspace.artifact(digest), digest, workspace=self.workspace),
            own=[member.name.replace("-", "_") for member in self.plan.project.members],
            content=lambda here, there: explain_difference(
                self.workspace.artifact(here), self.workspace.artifact(there)
            ),
        )

    def _key(self, factor: Factor, number: int) -> str:
        plan = self.plan
        return memo_key(
            {
                "tool": VERSION,
                "files": [(file.path, file.sha256) for file in plan.files],
                "settings": plan.settings.model_dump(mode="json"),
                "toolchain": plan.toolchain.verbose,
                "paths": asdict(plan.paths),
                "variables": dict(plan.variables),
                "selection": plan.selection,
                "changed": asdict(circumstances(factor, plan, self.epoch)),
                "factor": factor.value,
                "number": number,
                # A build that does not repeat itself must not be remembered for another program.
                "local": self.pair.local.sha256,
            }
        )
