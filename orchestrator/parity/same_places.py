"""Whether one change of a program reaches everything that another one does; both are of the same local program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.parity.evidence.texts import differing_texts

if TYPE_CHECKING:
    from orchestrator.parity.difference import Comparison

_WORD = re.compile(r"[\w:.+@-]")


class _Span(NamedTuple):
    """The part of a text of the local program that the other one has differently."""

    text: str
    start: int
    end: int

    def meets(self, other: _Span) -> bool:
        """Return whether both lie in the same text and have something in common; an insertion has no length."""
        return self.text == other.text and self.start <= other.end and other.start <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    names: frozenset[str | bytes]
    spans: frozenset[_Span]


def covers(wide: Comparison, narrow: Comparison) -> bool:
    """Return whether `wide` differs from the local program wherever `narrow` does.

    Functions, folders and constants count by name or content, and a text by the part of it that differs: two values in
    one text are two places. Where contents were not compared, sections are all that is known.
    """
    made, wanted = _places(wide), _places(narrow)
    if not (wanted.names or wanted.spans):
        return False
    return wanted.names <= made.names and all(any(span.meets(other) for other in made.spans) for span in wanted.spans)


def _places(comparison: Comparison) -> _Places:
    difference = comparison.difference
    if difference is None:
        return _Places(names=frozenset(), spans=frozenset())
    content = difference.content
    if content is None:
        loaded = (section.name for section in difference.sections if section.loaded)
        return _Places(names=frozenset(name for name in loaded if not name.startswith(".note")), spans=frozenset())
    spans = frozenset(_span(pair.local_text, pair.image_text) for pair in differing_texts(difference))
    told = [span.text.encode() for span in spans]
    names: set[str | bytes] = {pair.local.name for pair in content.bodies.changed}
    names |= {body.name for body in content.bodies.only_local} | {pair.local for pair in content.folders}
    # Constants whose text is among the spans are told by these, the part that differs alone.
    names |= {constant for constant in content.constants.only_local if not any(text in constant for text in told)}
    return _Places(names=frozenset(names), spans=spans)


def _span(local: str, image: str) -> _Span:
    head = _alike(local, image)
    end = len(local) - _alike(local[head:][::-1], image[head:][::-1])
    # To whole words: two values of one place may begin or end alike.
    while head and _WORD.match(local, head - 1):
        head -= 1
    while _WORD.match(local, end):
        end += 1
    return _Span(local, head, end)


def _alike(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
