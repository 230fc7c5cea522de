"""Everything that a smoke run was asked for, one by one: what of it held, what did not, and what nobody got to see.

The check's answer leads with the one fault that explains the others. This is the whole list, for reports that show one
case each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.gate.checks.smoke_fault import code_of
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.location import Location
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript

_MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that was asked for.

    Attributes:
        name: what, in the spec's words (`ready.log 'listening'`).
        status: unknown where the run did not get that far, skipped where this tool does not judge it.
        detail: what was found; empty where it holds and there is no more to say.
        location: where it is asked for, where that is a file of its own.
    """

    name: str
    status: Status
    detail: str = ""
    location: Location | None = None


def cases_of(seen: Transcript, plan: SmokeSettings) -> tuple[Case, ...]:
    """Return a case for each service, probe, request, expected line and file, and for each end that a plan asks for."""
    return (
        *_services(seen, plan),
        *_readiness(seen, plan),
        *_output(seen, plan),
        *_left(seen, plan),
        *_end(seen, plan),
        *_others(seen),
    )


def _started(seen: Transcript) -> bool:
    return seen.start_error is None and seen.unmeetable is None and seen.failed_service is None


def _case(name: str, fault: str | None, *, seen: bool = True, good: str = "") -> Case:
    """Return the case for something. `fault`: what is wrong with it. `seen`: the run got that far."""
    if not seen:
        return Case(name=name, status=Status.UNKNOWN, detail="the run did not get that far")
    if fault is None:
        return Case(name=name, status=Status.PASSED, detail=good)
    return Case(name=name, status=Status.FAILED, detail=fault)


def _services(seen: Transcript, plan: SmokeSettings) -> Iterator[Case]:
    told = {service.name: service for service in seen.services}
    for name in plan.services:
        service = told.get(name)
        # What a service does is nobody's fault but its own, and shuts the gate as unknown.
        status = Status.PASSED if service and service.problem is None else Status.UNKNOWN
        up = f"up after {service.ready_after:.2f} s" if service else "it was not started"
        yield Case(name=f"services.{name}", status=status, detail=(service.problem if service else None) or up)


def _readiness(seen: Transcript, plan: SmokeSettings) -> Iterator[Case]:
    if not _started(seen):
        problem = seen.start_error or seen.unmeetable
        status = Status.FAILED if problem else Status.UNKNOWN
        yield Case(name="start", status=status, detail=problem or "a service failed first")
    for name, probe in plan.ready.probes().items():
        title = f"ready.{name}: {probe.sought()}"
        if name in seen.not_judged:
            yield Case(name=title, status=Status.SKIPPED, detail="it cannot be asked of the host's program")
            continue
        held = name not in seen.waiting and (seen.ready_after is not None or bool(seen.waiting))
        yield _case(title, None if held else seen.waiting.get(name) or "it never held", seen=_started(seen))
    if plan.kind == "service":
        fault = f"it ended by itself with {code_of(seen)}" if seen.ended_by_itself else None
        yield _case(f"stays_up {plan.stays_up:g} s", fault, seen=seen.ready_after is not None or seen.ended_by_itself)


def _output(seen: Transcript, plan: SmokeSettings) -> Iterator[Case]:
    looked = _started(seen)
    for number, line in enumerate(plan.expect.stdout):
        fault = "it did not come" if number == seen.matched else "not looked for: the one before did not come"
        yield _case(f"expect.stdout {line!r}", None if number < seen.matched else fault, seen=looked)
    offences = {offence.what: offence.line for offence in seen.offences}
    for text in plan.expect.no_output:
        yield _case(f"expect.no_output {text!r}", offences.get(text), seen=looked)
    for name in plan.secrets:
        yield _case(f"secrets {name}", offences.get(f"the secret {name}"), seen=looked)


def _left(seen: Transcript, plan: SmokeSettings) -> Iterator[Case]:
    for path in plan.expect.files:
        yield _case(f"expect.files {path}", None if seen.files.get(path) else "missing", seen=path in seen.files)
    for pattern in plan.expect.no_files:
        folder = pattern.rpartition("/")[0]
        found = ", ".join(path for path in seen.forbidden if path.rpartition("/")[0] == folder)
        yield _case(f"expect.no_files {pattern}", found or None, seen=_started(seen))
    answers = {answer.request: answer for answer in seen.answers}
    for request in plan.requests:
        name, answer = request.name(), answers.get(request.name())
        good = str(answer.status) if answer and answer.status else ""
        yield _case(f"requests {name}", answer.problem if answer else None, seen=answer is not None, good=good)


def _end(seen: Transcript, plan: SmokeSettings) -> Iterator[Case]:
    stopped, up = seen.stop_signal is not None, seen.ready_after is not None and plan.kind == "service"
    if plan.kind == "service":
        fault = f"it had to be killed after {plan.stop.within:g} s" if seen.killed else None
        good = f"after {seen.stop_seconds or 0:.2f} s"
        yield _case(f"stop {seen.stop_signal or ''}".strip(), fault, seen=stopped, good=good)
    fault = None if seen.exit_code in plan.stop.exit else f"it ended with {code_of(seen)}"
    allowed = " or ".join(str(code) for code in plan.stop.exit)
    yield _case(f"stop.exit {allowed}", fault, seen=seen.exit_code is not None)
    if plan.restart:
        yield _case("restart", seen.restart_problem, seen=stopped and not seen.killed)
    most = plan.limits.zombies
    yield _case(f"limits.zombies {most}", f"{seen.zombies} dead processes" if seen.zombies > most else None, seen=up)
    growth = plan.expect.idle_growth
    if growth is not None:
        taken = f"{(seen.growth or 0) / _MEBIBYTE:+.1f} MiB"
        fault = taken if (seen.growth or 0) > growth else None
        yield _case(f"expect.idle_growth {growth / _MEBIBYTE:g} MiB", fault, seen=seen.growth is not None, good=taken)
    if not plan.read_only:
        yield _case("writable", ", ".join(seen.written or ()) or None, seen=seen.written is not None)


def _others(seen: Transcript) -> Iterator[Case]:
    for each in seen.expectations:
        status = Status.SKIPPED if not each.judged else Status.FAILED if each.failed else Status.PASSED
        yield Case(name=each.name, status=status, detail=each.problem or "", location=each.location)
