"""Text from programs as Markdown shows it, and never takes it for its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.report.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&@:])")
"""What Markdown, GitHub's extensions of it (mentions, maths, emoji names) or a table would take for its own."""

TEXT_KEPT, FACT_KEPT = 1000, 500
"""Characters of a message and of a fact."""


def fenced(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    """Yield lines as a block of code, with a fence longer than any run of backticks in it."""
    kept = [line[:FACT_KEPT] for text in lines for line in text.split("\n")]
    longest = max((len(run) for line in kept for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"\n{fence}text"
    yield from kept
    yield f"{fence}\n"


def plain(text: str) -> str:
    """Return a text that is shown as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", one_line(text.replace("\n", " "))[:TEXT_KEPT])


def prose(text: str) -> str:
    """Return a message on one line, what stands between backticks as code."""
    parts = one_line(text.replace("\n", " "))[:TEXT_KEPT].split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(code(part) if number % 2 else _SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))


def code(text: str) -> str:
    """Return a short text as code; HTML is used since a table cell may not hold every backtick."""
    return f"<code>{_SPECIAL.sub(lambda found: f'&#{ord(found[0])};', one_line(text)[:FACT_KEPT])}</code>"
