"""Reads BuildKit's status messages: a protobuf reader for the few field types they use.

Source of the field numbers: moby/buildkit, api/services/control/control.proto, messages StatusResponse, Vertex,
VertexStatus, VertexLog; checked against engines 20.10 and 28.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT_BITS = 70
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One step of the build graph. Times are seconds since the epoch; None while not yet known."""

    digest: str
    name: str
    cached: bool
    started: float | None
    completed: float | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexLog:
    """Output of a step. `stream`: 1 standard output, 2 standard error."""

    vertex: str
    stream: int
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStatus:
    """One status message."""

    vertexes: tuple[Vertex, ...]
    logs: tuple[VertexLog, ...]


class MalformedMessageError(ValueError):
    """The bytes are no protobuf message."""


def read_status(message: bytes) -> BuildStatus:
    """Return a StatusResponse.

    Raises:
        MalformedMessageError: the bytes are no such message.
    """
    vertexes, logs = [], []
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            vertexes.append(_vertex(value))
        elif number == 3 and isinstance(value, bytes):  # noqa: PLR2004 - field number of `logs`
            logs.append(_log(value))
    return BuildStatus(vertexes=tuple(vertexes), logs=tuple(logs))


def _vertex(message: bytes) -> Vertex:
    fields = dict(_fields(message))
    return Vertex(
        digest=_text(fields.get(1)),
        name=_text(fields.get(3)),
        cached=bool(fields.get(4)),
        started=_time(fields.get(5)),
        completed=_time(fields.get(6)),
        error=_text(fields.get(7)),
    )


def _log(message: bytes) -> VertexLog:
    fields = dict(_fields(message))
    stream, content = fields.get(3), fields.get(4)
    return VertexLog(
        vertex=_text(fields.get(1)),
        stream=stream if isinstance(stream, int) else 1,
        message=content if isinstance(content, bytes) else b"",
    )


def _text(value: int | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _time(value: int | bytes | None) -> float | None:
    """Return a google.protobuf.Timestamp as seconds."""
    if not isinstance(value, bytes):
        return None
    fields = dict(_fields(value))
    seconds, nanos = fields.get(1, 0), fields.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        msg = "a time whose parts are no numbers"
        raise MalformedMessageError(msg)
    return seconds + nanos / 1e9


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) pairs; a number for varints, bytes for everything else."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            msg = f"wire type {kind} at byte {place}"
            raise MalformedMessageError(msg)
        if place + length > len(message):
            msg = f"{length} bytes wanted at byte {place} of {len(message)}"
            raise MalformedMessageError(msg)
        yield key >> 3, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, place
        shift += 7
        if shift >= _VARINT_BITS:
            msg = f"a number of more than 64 bits at byte {place}"
            raise MalformedMessageError(msg)
    msg = "a number is cut off at the end"
    raise MalformedMessageError(msg)
