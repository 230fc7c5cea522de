"""What was seen of one run of the program: values only, the same for both sides."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of output. `at`: seconds after the start."""

    stream: str
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One run, from start to end.

    Attributes:
        side: `local` or `image`.
        start_error: the engine's or system's words where the program could not be started at all.
        ready_after: seconds until it was ready; None if it never was.
        ended_by_itself: it ended before it was asked to.
        lines: head and tail of its output, terminal codes taken out.
        line_count: how many lines it printed in all.
        dropped: bytes of output between head and tail that were not kept.
        exit_code: 128 + n for a signal n; None where it never started.
        stop_seconds: from the stop signal to its end; None where none was sent.
        killed: it had to be killed after the stop signal's time.
        oom_killed: the kernel killed it for its memory.
        files: whether each expected file was there; empty where files could not be looked at.
        forbidden: files that were there and must not be.
    """

    side: str
    start_error: str | None = None
    ready_after: float | None = None
    ended_by_itself: bool = False
    lines: tuple[Line, ...] = ()
    line_count: int = 0
    dropped: int = 0
    exit_code: int | None = None
    stop_seconds: float | None = None
    killed: bool = False
    oom_killed: bool = False
    files: Mapping[str, bool]
    forbidden: tuple[str, ...] = ()
    seconds: float = 0.0

    def texts(self, stream: str | None = None) -> list[str]:
        """Return the kept lines of one stream, or of both in the order in which they came."""
        return [line.text for line in self.lines if stream is None or line.stream == stream]


def to_json(transcript: Transcript) -> dict[str, Any]:
    """Return the transcript as JSON values."""
    return {"version": VERSION, **asdict(transcript)}


def from_json(value: object) -> Transcript | None:
    """Return a transcript from JSON values, or None where they are of another version."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return None
    facts = {key: fact for key, fact in value.items() if key != "version"}
    facts["lines"] = tuple(Line(**line) for line in facts["lines"])
    facts["forbidden"] = tuple(facts["forbidden"])
    return Transcript(**facts)
