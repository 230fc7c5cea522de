"""The words of a run record for the two smoke runs; part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.location import Location
from orchestrator.verdict import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """A line of a program's output. `at`: seconds after its start; `stream`: stdout or stderr."""

    stream: str
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """What a listed request was answered with. `problem`: what is wrong with the answer, or why none came."""

    request: str
    status: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffenceFacts:
    """A line that must not have been printed. `what`: the forbidden text, or which secret (masked in `line`)."""

    what: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """A service beside the program. `problem`: why it did not do its part; `tail`: its last lines."""

    name: str
    image: str
    ready_after: float = 0.0
    problem: str | None = None
    tail: tuple[LineFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """One thing that the plan, or another tool's file, asks of the run.

    Attributes:
        name: what, in the spec's words.
        status: unknown where the run did not get that far, skipped where it is not judged; neither counts as passed.
        detail: what was found.
        location: where it is asked for, where that is a file of its own.
    """

    name: str
    status: Status
    detail: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFacts:
    """One smoke run, as far as a reader wants it.

    Attributes:
        side: `local` or `image`.
        remembered: it is of an earlier run of the very same content.
        head, tail: the first and the last lines of its output; `tail` is empty where `head` holds all of them.
        line_count: how many lines it printed in all.
        start_error: why it could not be started at all.
        ready_after, stop_seconds, seconds: until it was ready, from the stop signal to its end, and from start to end.
        exit_code: 128 + n for a signal n; None where it never started.
        killed, oom_killed: it had to be killed after the stop signal's time; the kernel killed it for its memory.
        found, missing, forbidden: expected files that were there and were not, and files that must not be there.
        unmeetable: why its readiness can never be met; it was not started then.
        waiting: what was last seen of each probe that did not hold, as `probe: what`.
        hopeless: a probe said that it will never hold.
        not_judged: probes that could not be asked on this side.
        ended_by_itself, flooded: it ended before it was asked to; it was ended for printing too much.
        stop_signal: the signal that asked it to end; None where none was sent.
        answers, offences, services: to the listed requests; lines that must not be; what ran beside it.
        written: files outside of the declared places; None where nobody looked.
        zombies: dead processes that nobody had collected.
        growth: bytes of memory that it took while it was idle; None where nobody looked.
        restart_problem: what was wrong with the second start; None where it was well or not asked for.
        cases: everything that was asked of the image, one by one; empty for the host's program.
    """

    side: str
    remembered: bool = False
    head: tuple[LineFacts, ...] = ()
    tail: tuple[LineFacts, ...] = ()
    line_count: int = 0
    start_error: str | None = None
    ready_after: float | None = None
    stop_seconds: float | None = None
    seconds: float = 0.0
    exit_code: int | None = None
    killed: bool = False
    oom_killed: bool = False
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    unmeetable: str | None = None
    waiting: tuple[str, ...] = ()
    hopeless: bool = False
    not_judged: tuple[str, ...] = ()
    ended_by_itself: bool = False
    flooded: bool = False
    stop_signal: str | None = None
    answers: tuple[AnswerFacts, ...] = ()
    offences: tuple[OffenceFacts, ...] = ()
    services: tuple[ServiceFacts, ...] = ()
    written: tuple[str, ...] | None = None
    zombies: int = 0
    growth: int | None = None
    restart_problem: str | None = None
    cases: tuple[CaseFacts, ...] = ()
