"""The program is up once it says so: a line of its output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator

from orchestrator.engine.lines import Stream
from orchestrator.smoke.output import LineMatch
from orchestrator.smoke.probes.probe import Look, Probe

if TYPE_CHECKING:
    from orchestrator.smoke.probes.probe import Target


class LogProbe(Probe):
    """A line that holds a text, or that a regular expression matches. Terminal codes in it do not count."""

    interval: ClassVar[float] = 0.005

    text: str | None = None
    """What the line holds."""

    regex: str | None = None
    """What matches somewhere in the line."""

    stream: Literal["any", "stdout", "stderr"] = "any"
    """Where the line must come."""

    @model_validator(mode="after")
    def _can_match(self) -> LogProbe:
        if (self.text is None) == (self.regex is None):
            msg = "expected exactly one of 'text' and 'regex'"
            raise ValueError(msg)
        if self.text is not None and (not self.text.strip() or "\n" in self.text):
            msg = "expected a text within one line; an empty one, or one with a line end, is never seen in a line"
            raise ValueError(msg)
        if self.regex is not None:
            compiled(self.regex)
        return self

    def look(self, target: Target) -> Look:
        """See whether the line has come."""
        if target.output.found.is_set():
            return Look(holds=True)
        count, last = target.output.count, target.output.last_line()
        return Look(
            holds=False,
            saw=f"{count} other line{'' if count == 1 else 's'} came, the last was {last[:200]!r}" if count else "",
        )

    def sought(self) -> str:
        """Return what is waited for."""
        where = "" if self.stream == "any" else f" on {self.stream}"
        return f"a line with {self.text!r}{where}" if self.text else f"a line that /{self.regex}/ matches{where}"

    def match(self) -> LineMatch:
        """Return what the output is searched for."""
        return LineMatch(
            text=self.text,
            regex=compiled(self.regex) if self.regex else None,
            stream=None if self.stream == "any" else Stream(self.stream),
        )


def compiled(regex: str) -> re.Pattern[str]:
    """Return a regular expression of the spec, for use on lines.

    Raises:
        ValueError: it is none; the message fits behind what was found.
    """
    try:
        return re.compile(regex, re.MULTILINE)
    except re.error as error:
        msg = f"expected a regular expression; {error}"
        raise ValueError(msg) from error
