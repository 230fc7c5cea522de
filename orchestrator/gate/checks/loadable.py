"""Loadable: can the image's entrypoint and its program be started at all?

Judged from the image's own files, without running it. What reading cannot tell (a library opened at run time, what a
script starts) is listed as not judged; the smoke run must show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.loading import Form, Presence
from orchestrator.gate.execution import Fault, execution_faults
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.loading import LoadFacts, ProgramFacts
    from orchestrator.location import Location

ID = "loadable"
OTHER_PROGRAM = "starts-another-program"


def judge(
    facts: LoadFacts,
    *,
    location: Location | None = None,
    launch_line: Location | None = None,
    launcher: str | None = None,
    seconds: float = 0.0,
    remembered: bool = False,
) -> CheckResult:
    """Judge what was read about starting an image.

    Args:
        facts: what `read_loadable` found.
        location: the Dockerfile line to show on failure, where one is known.
        launch_line: the line that says what the image starts, where one is known.
        launcher: a program that is known to start the image's own.
        seconds: what the reading took.
        remembered: the facts were known from an earlier run on the same image.
    """
    faults = [*_faults(facts), *_other_program(facts, launcher)]
    notes = tuple(Evidence(label="not judged", value=text) for text in facts.not_judged)
    if not faults:
        return CheckResult(
            id=ID,
            status=Status.PASSED,
            message=_passed(facts),
            evidence=(*_resolved(facts), *notes),
            seconds=seconds,
            remembered=remembered,
        )
    first, *others = faults
    further = tuple(Evidence(label=f"also {fault.cause}", value=fault.message) for fault in others)
    return CheckResult(
        id=ID,
        status=Status.FAILED,
        cause=first.cause,
        message=first.message,
        evidence=(*first.evidence, *further, *notes),
        location=(launch_line if first.cause == OTHER_PROGRAM else None) or location,
        repair=first.repair,
        seconds=seconds,
        remembered=remembered,
    )


def _passed(facts: LoadFacts) -> str:
    started = facts.entry[-1].found.real
    shipped = facts.binary
    kind = "static" if shipped.form is Form.ELF and shipped.loader is None else _count(shipped)
    if started == shipped.found.real:
        return f"the entrypoint {started} can start ({kind})"
    return f"the entrypoint {started} and the program {shipped.found.real} can start ({kind})"


def _count(program: ProgramFacts) -> str:
    if program.loader is None:
        return "a script"
    count = len(program.resolved)
    return f"loader and {count} {'library' if count == 1 else 'libraries'} found in the image"


def _resolved(facts: LoadFacts) -> Iterator[Evidence]:
    yield Evidence(label="command", value=" ".join(facts.command))
    for program in (*facts.entry, facts.binary):
        if program.loader is not None:
            yield Evidence(label=f"loader of {program.found.real}", value=program.loader.real)
        if program.resolved:
            yield Evidence(label=f"libraries of {program.found.real}", value=", ".join(program.resolved))


def _faults(facts: LoadFacts) -> Iterator[Fault]:
    if not facts.user_known:
        yield Fault(
            cause="user-unknown",
            message=f"the image is to run as user {facts.user!r}, which its /etc/passwd or /etc/group does not know",
            repair="create the user before USER (`RUN useradd …`), or give numbers (`USER 1000:1000`)",
        )
    if not facts.command:
        yield Fault(
            cause="entrypoint-missing",
            message="the image has neither ENTRYPOINT nor CMD, so it cannot be started",
            repair='add ENTRYPOINT ["…"] to the shipped stage',
        )
    seen = set()
    for program in facts.entry:
        seen.add(program.found.real)
        yield from _entry(program, facts)
    if facts.binary.found.presence is not Presence.FILE:
        yield _binary_missing(facts.binary)
    elif facts.binary.found.real not in seen:
        yield from execution_faults(facts.binary, facts, what="the program", refused="binary-not-executable")


def _entry(program: ProgramFacts, facts: LoadFacts) -> Iterator[Fault]:
    found = program.found
    if found.presence is Presence.MISSING:
        where = f" (looked in {', '.join(program.tried)})" if "/" not in program.word else ""
        yield Fault(
            cause="entrypoint-missing",
            message=f"the image has no {program.word}, with which it is to be started{where}",
            repair="copy the file to that path in the shipped stage, or correct ENTRYPOINT and CMD",
        )
    elif found.presence is Presence.DANGLING:
        yield Fault(
            cause="entrypoint-missing",
            message=f"the entrypoint {found.path} is a link to {found.real}, which is not in the image",
            repair="copy what the link points to, or the file itself, into the shipped stage",
        )
    elif found.presence is not Presence.FILE:
        yield Fault(
            cause="entrypoint-not-executable",
            message=f"the entrypoint {found.path} is a {found.presence.value}, not a program",
            repair="name the program inside it in ENTRYPOINT; a COPY of a folder copies its content",
        )
    else:
        yield from execution_faults(program, facts, what="the entrypoint", refused="entrypoint-not-executable")


def _other_program(facts: LoadFacts, launcher: str | None) -> Iterator[Fault]:
    if not facts.other_program:
        return
    started, shipped = facts.entry[-1].found, facts.binary.found
    if launcher in {started.path, started.real}:
        return
    yield Fault(
        cause=OTHER_PROGRAM,
        message=f"the image starts {started.real}, which is not the program that it is for ({shipped.path})",
        evidence=(
            Evidence(label="command", value=" ".join(facts.command)),
            Evidence(label="starts", value=f"{started.real}, {started.size:,} bytes"),
            Evidence(label="is for", value=f"{shipped.real}, {shipped.size:,} bytes"),
        ),
        repair=f"let ENTRYPOINT or CMD name {shipped.path}, or correct `image.binary`; if {started.real} starts it, "
        f"say so: `image: {{launcher: {started.path}}}`",
    )


def _binary_missing(binary: ProgramFacts) -> Fault:
    found = binary.found
    what = {
        Presence.MISSING: "is not there",
        Presence.DANGLING: f"is a link to {found.real}, which is not there",
        Presence.DIRECTORY: "is a directory",
        Presence.SPECIAL: "is no regular file",
    }.get(found.presence, "is no file")
    return Fault(
        cause="binary-missing-in-image",
        message=f"the image has no program at {found.path}: it {what}",
        repair="correct `image.binary` in the spec, or the COPY that should bring the program there",
    )
