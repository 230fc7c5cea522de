"""What was seen of one run of the program: values only, the same for both sides."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.location import Location

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of output. `at`: seconds after the start."""

    stream: str
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """A line that must not have been printed. `what`: the forbidden text, or which secret."""

    what: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one of the listed requests was answered with.

    Attributes:
        request: method, port and path (`GET :8080/health`).
        status: None where no answer came; `problem` then says why.
        kind: the Content-Type.
        body: at most 64 KiB of it, as text.
    """

    request: str
    status: int | None = None
    kind: str = ""
    body: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One expectation that a peer's file states, and what became of it.

    Attributes:
        name: kind and name of it (`file /etc/passwd: mode`).
        file, line, column: where it stands.
        problem: what was found instead, or why nobody judged it; None where it holds.
        judged: false where this tool does not judge it; it is listed then, and counts for nothing.
    """

    name: str
    file: str
    line: int
    column: int
    problem: str | None = None
    judged: bool = True

    @property
    def location(self) -> Location:
        """Return where it stands."""
        return Location(file=self.file, line=self.line, column=self.column)

    @property
    def failed(self) -> bool:
        """Return whether it was judged and does not hold."""
        return self.judged and self.problem is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRun:
    """A service beside the program.

    Attributes:
        image: as the spec names it.
        ready_after: seconds from its start until it was up.
        problem: why it never was, or that it ended meanwhile; None where all is well.
        lines: the last ones of its output, its password masked.
    """

    name: str
    image: str
    ready_after: float = 0.0
    problem: str | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One run, from start to end.

    Attributes:
        side: `local` or `image`.
        unmeetable: why its readiness can never be met; it was not started then.
        start_error: the engine's or system's words where the program could not be started at all.
        ready_after: seconds until it was ready; None if it never was.
        waiting: for each probe that did not hold, what was last seen of it.
        hopeless: a probe said that it will never hold (the HEALTHCHECK is `unhealthy`).
        not_judged: probes that could not be asked on this side.
        ended_by_itself: it ended before it was asked to.
        lines: head and tail of its output, terminal codes taken out, secrets masked.
        line_count: how many lines it printed in all.
        dropped: characters of output between head and tail that were not kept.
        size: bytes of output in all.
        flooded: it printed more than the limit, and was ended for it.
        matched: how many of the expected lines came, in their order.
        offences: lines that must not have been printed, the first for each forbidden text.
        exit_code: 128 + n for a signal n; None where it never started.
        stop_signal: the signal that asked it to end; None where none was sent.
        stop_seconds: from the stop signal to its end.
        killed: it had to be killed after the stop signal's time.
        process_one: command lines of process 1 and of its children where it had to be killed.
        oom_killed: the kernel killed it, or a process of it, for its memory.
        files: whether each expected file was there; empty where files could not be looked at.
        forbidden: files that were there and must not be.
        left: files in the writable folders when it was asked to end; None where nobody looked, or there were too many.
        written: files written outside of the declared places; None where nobody looked.
        zombies: dead processes that nobody had collected when it was asked to end.
        growth: bytes of memory that it took while it was idle; None where nobody looked.
        answers: to the listed requests, in their order.
        restart_problem: what was wrong with the second start; None where it was well or not asked for.
        container: the container's id where it was kept.
        expectations: what peers' files expect, of the image alone.
        daemonised: it ended well at once, and what it had started went on: seen in a second run.
        services: what ran beside it; where one has a problem, nothing here says anything about the program.
    """

    side: str
    unmeetable: str | None = None
    start_error: str | None = None
    ready_after: float | None = None
    waiting: Mapping[str, str]
    hopeless: bool = False
    not_judged: tuple[str, ...] = ()
    ended_by_itself: bool = False
    lines: tuple[Line, ...] = ()
    line_count: int = 0
    dropped: int = 0
    size: int = 0
    flooded: bool = False
    matched: int = 0
    offences: tuple[Offence, ...] = ()
    exit_code: int | None = None
    stop_signal: str | None = None
    stop_seconds: float | None = None
    killed: bool = False
    process_one: tuple[str, ...] = ()
    oom_killed: bool = False
    files: Mapping[str, bool]
    forbidden: tuple[str, ...] = ()
    left: tuple[str, ...] | None = None
    written: tuple[str, ...] | None = None
    zombies: int = 0
    growth: int | None = None
    answers: tuple[Answer, ...] = ()
    restart_problem: str | None = None
    seconds: float = 0.0
    container: str | None = None
    expectations: tuple[Expectation, ...] = ()
    daemonised: bool = False
    services: tuple[ServiceRun, ...] = ()

    @property
    def failed_service(self) -> ServiceRun | None:
        """Return the first service that did not do its part; None where all did."""
        return next((service for service in self.services if service.problem is not None), None)

    def texts(self, stream: str | None = None) -> list[str]:
        """Return the kept lines of one stream, or of both in the order in which they came."""
        return [line.text for line in self.lines if stream is None or line.stream == stream]


def to_json(transcript: Transcript) -> dict[str, Any]:
    """Return the transcript as JSON values."""
    return {"version": VERSION, **asdict(transcript)}


def from_json(value: object) -> Transcript | None:
    """Return a transcript from JSON values, or None where they are of another version or damaged."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return None
    facts: dict[str, Any] = {
        key: tuple(fact) if isinstance(fact, list) else fact for key, fact in value.items() if key != "version"
    }
    try:
        facts["lines"] = tuple(Line(**line) for line in facts["lines"])
        facts["offences"] = tuple(Offence(**offence) for offence in facts["offences"])
        facts["answers"] = tuple(Answer(**answer) for answer in facts["answers"])
        facts["expectations"] = tuple(Expectation(**each) for each in facts["expectations"])
        facts["services"] = tuple(_service(service) for service in facts["services"])
        return Transcript(**facts)
    except (KeyError, TypeError):
        return None


def _service(value: dict[str, Any]) -> ServiceRun:
    return ServiceRun(**{**value, "lines": tuple(Line(**line) for line in value["lines"])})
