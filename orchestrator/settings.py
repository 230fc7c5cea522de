"""The base of every slice of `buildspec.yaml`. A capability owns its slice; `spec/` only composes them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(?P<number>\d+)(?P<unit>B|KiB|MiB|GiB)")
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


class Settings(BaseModel):
    """Frozen, and closed: a key that nobody knows is a mistake to report, not a wish to ignore."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def _duration(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            msg = "expected a duration such as 500ms, 10s, 5m or 30d"
            raise ValueError(msg)
        return float(match["number"]) * _SECONDS[match["unit"]]
    msg = "expected a duration with its unit, such as 500ms, 10s, 5m or 30d"
    raise ValueError(msg)


def _size(value: object) -> object:
    if isinstance(value, str):
        match = _SIZE.fullmatch(value)
        if match is None:
            msg = "expected a size such as 64MiB or 1GiB"
            raise ValueError(msg)
        return int(match["number"]) * _BYTES[match["unit"]]
    msg = "expected a size with its unit, such as 64MiB or 1GiB"
    raise ValueError(msg)


def _inside(value: str) -> str:
    # Only the text is judged here; whether a link leads out of the root is seen when the path is used.
    parts = value.split("/")
    if value.startswith("/") or ".." in parts or "\x00" in value or not value:
        msg = "expected a path inside the spec's folder, relative to it, without '..'"
        raise ValueError(msg)
    return value


def _absolute(value: str) -> str:
    if not value.startswith("/") or ".." in value.split("/") or value.endswith("/"):
        msg = "expected an absolute path of a file inside the image"
        raise ValueError(msg)
    return value


Seconds = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_DURATION.pattern.replace('?P<number>', '').replace('?P<unit>', '')}$"}
    ),
]
"""A duration, written `500ms`, `10s`, `5m`, `30d`; seconds once read."""

Bytes = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_SIZE.pattern.replace('?P<number>', '').replace('?P<unit>', '')}$"}
    ),
]
"""A size, written `64MiB`; bytes once read."""

RelativePath = Annotated[str, AfterValidator(_inside)]
"""A path inside the spec's folder, relative to it, with forward slashes."""

ImagePath = Annotated[str, AfterValidator(_absolute)]
"""An absolute path inside the image's file system."""
