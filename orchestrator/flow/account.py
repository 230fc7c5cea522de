"""The account that a run gives of itself: from the stages' values to what its record keeps of them."""

from __future__ import annotations

import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.layers import layer_instruction
from orchestrator.gate.checks.smoke_cases import cases_of
from orchestrator.gate.checks.stub_free.sources import differing
from orchestrator.location import Location
from orchestrator.record import (
    AnswerFacts,
    CallFacts,
    CaseFacts,
    ExcerptFacts,
    LeftoverFacts,
    LineFacts,
    LocalFacts,
    OffenceFacts,
    ReachedFacts,
    RunRecord,
    ServiceFacts,
    TranscriptFacts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestrator.build.leftovers import Leftover
    from orchestrator.build.local import LocalBuild
    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.engine.step_traffic import Traffic
    from orchestrator.gate.checks.stub_free import ShippedFacts
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Line, ServiceRun, Transcript

_LINES_KEPT = 200
"""Of a transcript, this many lines from its start and as many from its end; the logs hold more."""

_LINE_KEPT = 1000
"""Characters of a line that are kept."""

_WRITTEN_KEPT = 200
"""Paths that a container wrote outside of the declared places."""

_DIFFERING_KEPT = 20
"""Paths of differing inputs that are kept of a call."""

_BEFORE, _AFTER = 2, 3
"""Lines of a file that are quoted around the one that a finding points at."""

_LARGEST_QUOTED = 1_000_000
"""Bytes; a larger file is no Dockerfile and no source that a person would want quoted."""


def local_facts(build: LocalBuild) -> LocalFacts:
    """Return how the host's program was built."""
    return LocalFacts(command=build.command, flags=build.flags, compiled=build.compiled, fresh=build.fresh)


def leftover_facts(found: Sequence[Leftover], dockerfile: Dockerfile, target: str | None) -> tuple[LeftoverFacts, ...]:
    """Return what the build host left in the image's layers, each with the line that made the layer."""
    facts = []
    for each in found:
        made_by = layer_instruction(dockerfile, target, keyword=each.keyword, after=each.after)
        facts.append(
            LeftoverFacts(
                kind=each.kind,
                name=each.name,
                count=each.count,
                size=each.size,
                paths=each.paths,
                repair=each.repair,
                removed=each.removed,
                location=dockerfile.location(made_by.line) if made_by else None,
            )
        )
    return tuple(facts)


def reached_facts(
    shipped: ShippedFacts, traffic: Mapping[int, Traffic], dockerfile: Dockerfile
) -> tuple[ReachedFacts, ...]:
    """Return the steps that have reached for the network, in the order of their lines.

    Args:
        shipped: cargo's calls tell what their steps had sent by then.
        traffic: of executed steps, with or without a call, by line of the text that was planned with.
        dockerfile: what was planned with.
    """
    counts: dict[tuple[int | None, int], tuple[int, int]] = {}
    for placed in shipped.calls:
        if any(placed.call.reached) and not placed.call.earlier:
            # What they tell is counted from the step's beginning, so the last one tells all.
            step = (placed.line, placed.call.stage)
            counts[step] = max(counts.get(step, (0, 0)), placed.call.reached)
    passed: dict[int | None, Traffic] = {}
    for planned, each in traffic.items():
        told = dockerfile.lines.told(planned)
        passed[told] = each + passed[told] if told in passed else each
    called = {line for line, _ in counts}
    steps = [*counts, *((line, 0) for line in passed if line not in called)]
    found = []
    for line, stage in sorted(steps, key=lambda step: (step[0] or 0, step[1])):
        connections, datagrams = counts.get((line, stage), (0, 0))
        through = passed.get(line)
        found.append(
            ReachedFacts(
                connections=connections,
                datagrams=datagrams,
                location=Location(file=dockerfile.file, line=line) if line is not None else None,
                sent=through.sent if through else None,
                received=through.received if through else None,
            )
        )
    return tuple(found)


def transcript_facts(transcript: Transcript, plan: SmokeSettings, *, remembered: bool) -> TranscriptFacts:
    """Return what a record keeps of a smoke run under a plan."""
    head, tail = _ends(transcript)
    return TranscriptFacts(
        side=transcript.side,
        remembered=remembered,
        head=head,
        tail=tail,
        line_count=transcript.line_count,
        start_error=transcript.start_error,
        ready_after=transcript.ready_after,
        stop_seconds=transcript.stop_seconds,
        seconds=round(transcript.seconds, 3),
        exit_code=transcript.exit_code,
        killed=transcript.killed,
        oom_killed=transcript.oom_killed,
        found=tuple(path for path, there in transcript.files.items() if there),
        missing=tuple(path for path, there in transcript.files.items() if not there),
        forbidden=transcript.forbidden,
        unmeetable=transcript.unmeetable,
        waiting=tuple(f"{name}: {saw}" for name, saw in transcript.waiting.items()),
        hopeless=transcript.hopeless,
        not_judged=transcript.not_judged,
        ended_by_itself=transcript.ended_by_itself,
        flooded=transcript.flooded,
        stop_signal=transcript.stop_signal,
        answers=tuple(AnswerFacts(request=a.request, status=a.status, problem=a.problem) for a in transcript.answers),
        offences=tuple(OffenceFacts(what=offence.what, line=offence.line) for offence in transcript.offences),
        services=tuple(_service(service) for service in transcript.services),
        written=None if transcript.written is None else transcript.written[:_WRITTEN_KEPT],
        zombies=transcript.zombies,
        growth=transcript.growth,
        restart_problem=transcript.restart_problem,
        cases=tuple(
            CaseFacts(name=case.name, status=case.status, detail=case.detail[:_LINE_KEPT], location=case.location)
            for case in (cases_of(transcript, plan) if transcript.side == "image" else ())
        ),
    )


def _service(service: ServiceRun) -> ServiceFacts:
    return ServiceFacts(
        name=service.name,
        image=service.image,
        ready_after=service.ready_after,
        problem=service.problem,
        tail=tuple(_line(line) for line in service.lines),
    )


def excerpts(record: RunRecord, roots: Sequence[Path]) -> tuple[ExcerptFacts, ...]:
    """Return the lines that a record's findings point at, with those around them.

    Args:
        record: its checks, verdict and failure name the places.
        roots: folders that files are looked for in, the first that has one wins: the snapshot as it was built, then
            the spec's folder. Nothing outside them is read.
    """
    found: dict[tuple[str, int], ExcerptFacts] = {}
    for place in _places(record):
        if place.line is None or (place.file, place.line) in found:
            continue
        lines = next((lines for root in roots if (lines := _lines(root, place.file)) is not None), None)
        if lines is not None and 1 <= place.line <= len(lines):
            first = max(1, place.line - _BEFORE)
            quoted = tuple(line[:_LINE_KEPT] for line in lines[first - 1 : place.line + _AFTER])
            found[place.file, place.line] = ExcerptFacts(file=place.file, first=first, lines=quoted)
    return tuple(found.values())


def log_paths(folder: Path) -> tuple[str, ...]:
    """Return the logs of a run, relative to its folder."""
    return tuple(sorted(str(path.relative_to(folder)) for path in (folder / "logs").rglob("*") if path.is_file()))


def _places(record: RunRecord) -> Iterator[Location]:
    for told in (*record.checks, record.verdict, record.failure):
        if told is not None and told.location is not None:
            yield told.location


def _lines(root: Path, file: str) -> list[str] | None:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        return None
    place = root / path
    try:
        facts = place.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST_QUOTED:
            return None
        return place.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        # The quotation is for convenience; the place itself stands in the finding.
        return None


def _ends(transcript: Transcript) -> tuple[tuple[LineFacts, ...], tuple[LineFacts, ...]]:
    lines = transcript.lines
    if len(lines) >= transcript.line_count and len(lines) <= 2 * _LINES_KEPT:
        return tuple(_line(line) for line in lines), ()
    # What the run itself did not keep lies between the two halves of its allowance (smoke/output.py).
    half, size, gap = sum(len(line.text) for line in lines) / 2, 0, 0
    while gap < len(lines) and size + len(lines[gap].text) <= half:
        size += len(lines[gap].text)
        gap += 1
    head, tail = lines[:gap][:_LINES_KEPT], lines[gap:][-_LINES_KEPT:]
    return tuple(_line(line) for line in head), tuple(_line(line) for line in tail)


def _line(line: Line) -> LineFacts:
    return LineFacts(stream=line.stream, text=line.text[:_LINE_KEPT], at=line.at)


def call_facts(shipped: ShippedFacts, stages: Sequence[str]) -> tuple[CallFacts, ...]:
    """Return what a record keeps of cargo's witnessed calls. `stages`: their names by index."""
    return tuple(
        CallFacts(
            stage=stages[placed.call.stage],
            line=placed.line,
            command=" ".join(("cargo", *placed.call.arguments)),
            exit_code=placed.call.exit_code,
            refreshed=placed.call.refreshed,
            earlier=placed.call.earlier,
            differing=tuple(differing(placed.call, shipped)[:_DIFFERING_KEPT]),
            made=dict(placed.call.made),
            kept=dict(placed.call.kept),
            handed=placed.call.handed,
            trigger=placed.trigger,
        )
        for placed in shipped.calls
    )
