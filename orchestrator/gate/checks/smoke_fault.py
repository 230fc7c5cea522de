"""What a rule of the smoke check finds wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.location import Location
    from orchestrator.smoke.transcript import Transcript

_SIGNALLED = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong. `may_lack_a_grant`: a grant that the plan denies may be why. `location`: who expects else."""

    cause: str
    message: str
    repair: str
    may_lack_a_grant: bool = False
    location: Location | None = None


def lines_of(count: int) -> str:
    """Return a number of lines in words."""
    return "1 line" if count == 1 else f"{count} lines"


def code_of(transcript: Transcript) -> str:
    """Return the exit code in words, with the signal that it stands for."""
    code = transcript.exit_code
    if code is not None and code > _SIGNALLED:
        return f"exit code {code} (signal {code - _SIGNALLED})"
    return f"exit code {code}"
