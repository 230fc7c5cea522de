"""Texts that one program has and the other has differently: the part of them that differs, side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.parity.difference import Difference

_MOST = 100
_SHORTEST_SHARE = 4  # characters that two texts must have in common to be versions of each other
_WORD = re.compile(rb"[\w:.+@-]")
_TEXT = re.compile(rb"[\x20-\x7e\t\n]{4,}")


class TextPair(NamedTuple):
    """Two versions of one text: what differs, widened to whole words, and the texts around it."""

    local: str
    image: str
    local_text: str
    image_text: str


def lone_texts(difference: Difference) -> tuple[list[bytes], list[bytes]]:
    """Return texts that only the local and only the image's program has; empty where contents were not looked at."""
    content = difference.content
    if content is None:
        return [], []
    here, there = (_printable(side) for side in (content.constants.only_local, content.constants.only_image))
    shared = set(here) & set(there)
    here, there = ([text for text in side if text not in shared][:_MOST] for side in (here, there))
    return here, there


def differing_texts(difference: Difference) -> tuple[TextPair, ...]:
    """Return the texts that differ; empty where the contents were not looked at."""
    here, there = lone_texts(difference)
    found = []
    for text in here:
        other = max(there, key=lambda candidate: _shared(text, candidate), default=None)
        if other is not None and (_shared(text, other) >= _SHORTEST_SHARE or len(here) == len(there) == 1):
            found.append(_pair(text, other))
    return tuple(dict.fromkeys(found))


def texts_alone(difference: Difference) -> bool:
    """Return whether code is equal but for the lengths of texts that differ, which are numbers in instructions."""
    content = difference.content
    if difference.code_equal or content is None:
        return difference.code_equal
    if content.bodies.only_local or content.bodies.only_image or not content.instructions.immediates:
        return False
    grown = {len(pair.image_text) - len(pair.local_text) for pair in differing_texts(difference)} - {0}
    # A length stands as it is, or doubled: `core::fmt::Arguments` of a text alone keeps a mark in the lowest bit.
    changes = {there - here for here, there in content.instructions.immediates}
    return changes <= {times * grew for grew in grown for times in (1, 2)}


def _printable(constants: Sequence[bytes]) -> list[bytes]:
    return list(dict.fromkeys(match[0] for constant in constants for match in _TEXT.finditer(constant)))


def _shared(one: bytes, other: bytes) -> int:
    head = _alike(one, other)
    return head + _alike(one[head:][::-1], other[head:][::-1])


def _alike(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _pair(one: bytes, other: bytes) -> TextPair:
    head = _alike(one, other)
    tail = _alike(one[head:][::-1], other[head:][::-1])
    while head and _WORD.match(one, head - 1):
        head -= 1
    while tail and _WORD.match(one, len(one) - tail):
        tail -= 1
    return TextPair(
        one[head : len(one) - tail].decode(errors="replace"),
        other[head : len(other) - tail].decode(errors="replace"),
        one.decode(errors="replace"),
        other.decode(errors="replace"),
    )
