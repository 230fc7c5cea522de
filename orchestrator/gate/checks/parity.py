"""Parity: is the image's program the one that was built on the host?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from orchestrator.parity.rung import Rung, accepts
from orchestrator.parity.suspicion import Likelihood
from orchestrator.parity.waiver import Waived, waive
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.location import Location
    from orchestrator.parity.difference import Comparison, Difference
    from orchestrator.parity.policy import WaiverSettings
    from orchestrator.parity.suspicion import Suspicion

ID = "parity"
_PREFIX = 12
_SHOWN = 4


def judge(
    comparison: Comparison | None,
    *,
    accept: Rung,
    waivers: Sequence[WaiverSettings] = (),
    today: date | None = None,
    location: Location | None = None,
    seconds: float = 0.0,
    remembered: bool = False,
    damaged: Sequence[str] = (),
) -> CheckResult:
    """Judge a comparison by the worst rung that is accepted, and by what is waived for a while.

    Args:
        comparison: None when there is no program at the image's path, so that nothing could be compared.
        accept: `parity.accept` of the spec.
        waivers: `parity.waivers` of the spec.
        today: for telling which waivers are over; needed where there are any.
        location: the line that brings the program into the image, for the report.
        seconds: what profiling and comparing took.
        remembered: the profiles were known from an earlier run.
        damaged: artifacts that the host may have linked and that are no longer what was compiled there.
    """
    if comparison is None:
        return CheckResult(
            id=ID,
            status=Status.UNKNOWN,
            cause="binary-missing-in-image",
            message="the image has no program to compare with the local one",
            location=location,
            repair="correct `image.binary` in the spec, or the COPY that should bring the program there",
            seconds=seconds,
        )
    accepted = accepts(accept, comparison.rung)
    # Only identical files have no difference, and identical is accepted by every policy.
    suspicions = _diagnosed(comparison.difference) if comparison.difference is not None and not accepted else ()
    waived = waive(waivers, rung=comparison.rung, suspicions=suspicions, today=today or date.max)
    evidence = (*_evidence(comparison, accept, suspicions), *_waivers(waived))
    if accepted or waived.passes:
        return CheckResult(
            id=ID,
            status=Status.PASSED,
            message=_passed(comparison, accept) if accepted else _let_pass(comparison, waived),
            evidence=evidence,
            seconds=seconds,
            remembered=remembered,
        )
    refused = CheckResult(
        id=ID,
        status=Status.FAILED,
        cause=suspicions[0].cause,
        message=_failed(comparison, accept, suspicions)
        + "".join(f"; its waiver ended on {waiver.until.isoformat()}" for waiver in waived.expired[:1]),
        evidence=evidence,
        location=location,
        repair=suspicions[0].repair,
        seconds=seconds,
        remembered=remembered,
    )
    return _by_damage(refused, damaged) if damaged else refused


def _by_damage(refused: CheckResult, damaged: Sequence[str]) -> CheckResult:
    """Return the answer where the host's own side is what cannot be trusted, whatever the bytes look like."""
    more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    return replace(
        refused,
        cause="damaged-artifact",
        message=f"the image's program is not the local one, and the local one may be wrong: {damaged[0]}{more} in the "
        "host's target directory is no longer what was compiled there, which cargo does not see",
        evidence=(*(Evidence(label="damaged", value=path) for path in damaged[:_SHOWN]), *refused.evidence),
        repair="`invoke clean`, and build again; look after the disk and the memory of this machine if it comes back",
    )


def _diagnosed(difference: Difference) -> tuple[Suspicion, ...]:
    from orchestrator.parity.cause import diagnose  # noqa: PLC0415 - forty modules, which an equal pair need not load

    return diagnose(difference)


def _let_pass(comparison: Comparison, waived: Waived) -> str:
    reasons = "; ".join(f"{waiver.cause} until {waiver.until.isoformat()} ({waiver.reason})" for waiver in waived.used)
    return f"the programs differ (rung {comparison.rung.value}), which is waived: {reasons}"


def _waivers(waived: Waived) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            label=label,
            value=f"{waiver.cause} down to {waiver.down_to.value} until {waiver.until.isoformat()}: {waiver.reason}",
        )
        for label, waivers in (
            ("waiver", waived.used),
            ("waiver that is over", waived.expired),
            ("waiver without use", waived.unused),
        )
        for waiver in waivers
    )


def _passed(comparison: Comparison, accept: Rung) -> str:
    if comparison.rung is Rung.IDENTICAL:
        return f"the image's program is the local one, byte for byte (sha256 {comparison.image_sha256[:_PREFIX]})"
    return (
        f"the programs differ within what the spec accepts: rung {comparison.rung.value}, "
        f"accepted down to {accept.value}; {comparison.held_by} (sha256 of the image's "
        f"{comparison.image_sha256[:_PREFIX]})"
    )


def _failed(comparison: Comparison, accept: Rung, suspicions: tuple[Suspicion, ...]) -> str:
    sizes = f"{megabytes(comparison.image_size)} against {megabytes(comparison.local_size)}"
    others = [suspicion.cause for suspicion in suspicions[1:] if suspicion.likelihood >= Likelihood.LIKELY]
    more = f" (also: {', '.join(others)})" if others else ""
    return (
        f"the image's program is not the local one (rung {comparison.rung.value}, "
        f"accepted {accept.value}; {sizes}): {suspicions[0].explanation}{more}"
    )


def _evidence(comparison: Comparison, accept: Rung, suspicions: tuple[Suspicion, ...]) -> tuple[Evidence, ...]:
    facts = [
        Evidence(label="local program", value=_program(comparison.local_sha256, comparison.local_size)),
        Evidence(label="image's program", value=_program(comparison.image_sha256, comparison.image_size)),
        Evidence(label="rung", value=f"{comparison.rung.value} (accepted: {accept.value})"),
    ]
    if comparison.difference is not None:
        from orchestrator.parity.extent import extent  # noqa: PLC0415 - as for `diagnose`

        facts.append(Evidence(label="held by", value=comparison.held_by))
        facts.append(Evidence(label="concerns", value=extent(comparison.difference)))
        facts.append(Evidence(label="size ratio", value=_ratio(comparison)))
        facts += _differences(comparison.difference)
    for suspicion in suspicions:
        facts.append(Evidence(label=f"cause, {suspicion.likelihood.name.lower()}", value=_cause(suspicion)))
        facts += suspicion.evidence
    return tuple(facts)


def _cause(suspicion: Suspicion) -> str:
    return f"{suspicion.cause}: {suspicion.explanation}"


def _differences(difference: Difference) -> list[Evidence]:
    from orchestrator.parity.compare import section_names  # noqa: PLC0415 - as for `diagnose`

    facts = []
    if difference.sections:
        facts.append(Evidence(label="sections that differ", value=section_names(difference.sections)))
    functions = difference.functions
    if functions is not None:
        facts.append(
            Evidence(
                label="functions",
                value=f"{functions.local:,} local, {functions.image:,} in the image, {functions.common:,} in both "
                f"by name, {len(functions.resized):,} of another size",
            )
        )
    return facts


def _program(sha256: str, size: int) -> str:
    return f"sha256 {sha256[:_PREFIX]}, {size:,} bytes"


def _ratio(comparison: Comparison) -> str:
    if comparison.local_size == 0:
        return "the local file is empty"
    return f"{comparison.image_size / comparison.local_size:.3f} (image / local)"


def megabytes(size: int) -> str:
    """Return a size as people compare it: megabytes with one decimal, or bytes when that would say nothing."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size:,} bytes"  # noqa: PLR2004 - a tenth of a megabyte
