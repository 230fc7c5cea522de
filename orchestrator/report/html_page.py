"""The run report as one HTML file: nothing is loaded from elsewhere, and there is no script in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.report.figures import duration, short, size
from orchestrator.report.html_document import document, key
from orchestrator.report.html_findings import check_sections, failure_section, verdict_section
from orchestrator.report.html_pictures import sizes, timeline
from orchestrator.report.html_transcripts import transcripts
from orchestrator.report.lanes import NO_NETWORK, sent, steps_of
from orchestrator.report.markup import Markup, element, joined
from orchestrator.report.untrusted import one_line, visible_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.record import RunRecord, StepFacts

_LANES = ("source", "bases", "local", "image", "checks")


def render(record: RunRecord) -> bytes:
    """Return the report."""
    record = visible_record(record)
    title = f"{record.project}: {_outcome(record)}, run {record.run}"
    return document(title, _header(record), element("main", _sections(record)), _footer(record))


def _outcome(record: RunRecord) -> str:
    return record.verdict.status.value if record.verdict is not None else "no verdict"


def _header(record: RunRecord) -> Markup:
    facts = [f"run {record.run}", record.started.replace("T", " ").replace("+00:00", " UTC"), duration(record.seconds)]
    if record.source is not None:
        commit = short(record.source.commit) if record.source.commit else "no commit"
        facts.append(f"{commit}{' with uncommitted changes' if record.source.dirty else ''}")
    return element("header", element("h1", record.project), element("p", " · ".join(facts)))


def _sections(record: RunRecord) -> Iterator[Markup]:
    if record.failure is not None:
        yield failure_section(record.failure, record.excerpts)
    elif record.verdict is not None:
        yield verdict_section(record)
    if record.programs:
        yield element("section", element("h2", "Programs"), _programs(record))
    if record.checks:
        yield element("section", element("h2", "Checks"), check_sections(record.checks, record.excerpts))
    if record.steps:
        yield element("section", element("h2", "Timeline"), _timeline(record))
    runs = transcripts(record.transcripts)
    if runs is not None:
        yield element("section", element("h2", "Smoke runs"), runs)
    yield element("section", element("h2", "What was built, and with what"), _facts(record))


def _programs(record: RunRecord) -> Markup:
    rows = [
        element(
            "tr",
            element("th", program.side, scope="row"),
            element("td", f"{program.size:,}" if program.size is not None else "-", class_="number"),
            element("td", element("code", program.sha256 or "no such file")),
            element("td", element("code", program.origin), class_="wide"),
        )
        for program in record.programs
    ]
    head = element(
        "tr",
        element("th", "program", scope="col"),
        element("th", "bytes", scope="col", class_="number"),
        element("th", "sha256", scope="col"),
        element("th", "where it was", scope="col", class_="wide"),
    )
    return joined(
        sizes(record.programs),
        key(("same", "byte for byte the local one"), ("other", "another one")),
        element("table", element("thead", head), element("tbody", rows), class_="programs"),
    )


def _timeline(record: RunRecord) -> Markup:
    picture = timeline(record)
    steps = [step for lane in _LANES for step in steps_of(record, lane)]
    heads = {"lane": None, "step": None, "line": "number", "time": "number"}
    head = element("tr", [element("th", name, scope="col", class_=kind) for name, kind in heads.items()])
    table = element("table", element("thead", head), element("tbody", [_step(step) for step in steps]), class_="steps")
    told = key(
        ("done", "executed"),
        ("cached", "cached"),
        ("own", "this tool's own"),
        ("failed", "failed"),
        ("cut-off", "cut off"),
    )
    return joined(
        picture, told if picture else None, element("details", element("summary", f"All {len(steps)} steps"), table)
    )


_UNUSUAL = {"failed": " (failed)", "cut-off": " (cut off)"}


def _step(step: StepFacts) -> Markup:
    line = str(step.location.line) if step.location is not None and step.location.line is not None else ""
    took = "cached" if step.state == "cached" else duration(step.seconds)
    return element(
        "tr",
        element("td", step.lane),
        element("td", element("code", one_line(step.name)), _UNUSUAL.get(step.state)),
        element("td", line, class_="number"),
        element("td", took, class_="number"),
    )


def _facts(record: RunRecord) -> Markup:
    told = [entry for entry in _told(record) if entry[1]]
    facts = element("dl", [joined(element("dt", label), element("dd", element("code", text))) for label, text in told])
    return (
        joined(facts, _crates("compiled", record.local.compiled), _crates("fresh", record.local.fresh))
        if record.local
        else facts
    )


def _crates(what: str, crates: Sequence[str]) -> Markup:
    summary = element("summary", f"{len(crates)} crates {what} on the host")
    return element("details", summary, element("p", element("code", ", ".join(crates)))) if crates else joined()


def _told(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "spec", f"{record.spec.path} ({short(record.spec.digest)})"
    yield "stub guard", record.guard
    if record.policy:
        yield "parity policy", record.policy
    if record.source is not None:
        yield "source", f"{record.source.files} files, {record.source.digest}"
        yield "epoch", str(record.source.epoch)
    for base in record.bases:
        yield "base", f"{base.reference} ({base.origin}, {base.image_id})"
    yield from (("not the same on both sides", sentence) for sentence in record.unlike)
    if record.lock is not None:
        yield "lock", f"{record.lock.path} ({short(record.lock.digest)}), {len(record.lock.drift)} changes since"
        yield from (("not as locked", change.text) for change in record.lock.drift)
    for left in record.leftovers:
        place = f", made at {left.location}" if left.location else ""
        done = "removed" if left.removed else left.repair
        yield "left by the build host", f"{left.name}: {left.count} files as {left.paths[0]}{place}; {done}"
    for step in record.reached:
        yield "reached for the network", f"{step.location or 'a step'}: {sent(step)}; {NO_NETWORK}"
    yield "paths of the host's build", record.place or ""
    if record.local is not None:
        yield "command on the host", " ".join(record.local.command)
        yield "compiler flags", " ".join(record.local.flags) or "none"
    if record.image is not None:
        yield "candidate", record.image.candidate_id
        yield "as the engine calls it", record.image.engine_id or record.image.candidate_id
        yield "as the engine built it", record.image.raw_id
    yield "toolchain", record.tool.toolchain or ""
    yield "engine", record.tool.engine or ""
    yield "logs", ", ".join(record.logs)


def _footer(record: RunRecord) -> Markup:
    made = f"Made by twinbuild {record.tool.version} with Python {record.tool.python}."
    total = sum(program.size or 0 for program in record.programs)
    return element("footer", made, f" Programs of {size(total)} compared." if total else None)
