"""Evidence in, answers out: gives each check what it needs, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.gate.checks import behaviour, loadable, parity, smoke, stub_free

if TYPE_CHECKING:
    from orchestrator.binary.loading import LoadFacts
    from orchestrator.build.settings import ImageSettings
    from orchestrator.gate.checks.stub_free import ShippedFacts
    from orchestrator.location import Location
    from orchestrator.parity.difference import Comparison
    from orchestrator.parity.policy import ParitySettings
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript
    from orchestrator.verdict import CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvidence:
    """All that a run found out about a candidate.

    Attributes:
        shipped: the program's way into the image.
        comparison: of the image's program with the host's; None where the image has none.
        loading: what starting the image takes.
        image_run, local_run: the two smoke runs.
        copy_line: where the program comes into the image.
        launch_line: which says what the image starts.
        damaged: artifacts below the host's target directory that are no longer what was compiled there.
        remembered: ids of checks whose evidence is from an earlier run on the very same content.
    """

    shipped: ShippedFacts
    comparison: Comparison | None
    loading: LoadFacts
    image_run: Transcript
    local_run: Transcript
    copy_line: Location | None
    launch_line: Location | None
    remembered: frozenset[str]
    damaged: tuple[str, ...] = ()


def run_checks(
    evidence: GateEvidence,
    *,
    image_settings: ImageSettings,
    parity_settings: ParitySettings,
    smoke_settings: SmokeSettings,
) -> tuple[CheckResult, ...]:
    """Return the answer of every check, in the order in which they are shown."""
    remembered = evidence.remembered
    return (
        stub_free.judge(evidence.shipped),
        parity.judge(
            evidence.comparison,
            accept=parity_settings.accept,
            waivers=parity_settings.waivers,
            today=datetime.now(UTC).date(),
            location=evidence.copy_line,
            remembered=parity.ID in remembered,
            damaged=evidence.damaged,
        ),
        loadable.judge(
            evidence.loading,
            location=evidence.copy_line,
            launch_line=evidence.launch_line,
            launcher=image_settings.launcher,
            remembered=loadable.ID in remembered,
        ),
        smoke.judge(evidence.image_run, smoke_settings, remembered=smoke.ID in remembered),
        behaviour.judge(
            evidence.local_run,
            evidence.image_run,
            volatile=smoke_settings.volatile,
            remembered=behaviour.ID in remembered,
            same_program=evidence.comparison is not None and evidence.comparison.difference is None,
        ),
    )
