"""The base of every slice of `buildspec.yaml`. A capability owns its slice; `spec/` only composes them."""

from __future__ import annotations

import ast
import inspect
import posixpath
import re
import textwrap
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_DURATION = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,9})?)(?P<unit>ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(?P<number>\d{1,12})(?P<unit>B|KiB|MiB|GiB)")
_LONGEST_DURATION = 366 * 86400.0
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LONGEST_NAME, _LONGEST_PATH = 255, 4000  # NAME_MAX, and PATH_MAX with room for the spec's folder
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


class Settings(BaseModel):
    """Frozen, and closed: a key that nobody knows is a mistake to report, not a wish to ignore."""

    # A slice's validator is built when it is first needed: most are only ever checked as a part of the whole spec.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the slice's JSON schema, with what its source says of each key."""
        made = handler(core_schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, meaning in meanings(cls).items():
            described = properties.get(cls.model_fields[name].alias or name)
            if described is not None:
                described.setdefault("description", meaning)
        return made


@cache
def meanings(model: type[Settings]) -> Mapping[str, str]:
    """Return what stands below each field of a slice in its source, by the field's name.

    pydantic can do this itself (`use_attribute_docstrings`), but then does it in every process, and most never ask:
    it reads and parses the source of each slice, which was a tenth of the start of a run that has nothing to do.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Settings) and base is not Settings:
            (written,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            for field, below in pairwise(written.body if isinstance(written, ast.ClassDef) else ()):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = inspect.cleandoc(text)
    return {name: text for name, text in found.items() if name in model.model_fields}


def _duration(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            msg = "expected a duration such as 500ms, 10s, 5m or 30d"
            raise ValueError(msg)
        seconds = round(float(match["number"]) * _SECONDS[match["unit"]], 9)
        if seconds > _LONGEST_DURATION:
            msg = "expected a duration of at most 366d"
            raise ValueError(msg)
        return seconds
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
    if len(value.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
        msg = f"expected a path that can exist: at most {_LONGEST_NAME} bytes a name and {_LONGEST_PATH} in all"
        raise ValueError(msg)
    # `./a//b/` and `a/b` are one path, and paths are compared as texts.
    return posixpath.normpath(value)


def _variable(value: str) -> str:
    if _VARIABLE.fullmatch(value) is None:
        msg = "expected the name of a variable: letters, digits and underscores, no digit first"
        raise ValueError(msg)
    return value


def _duration_text(seconds: float) -> str:
    """Return a duration as the spec writes it; reading it again gives the very same number."""
    for unit, size in reversed(_SECONDS.items()):
        if size >= 1 and seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{Decimal(repr(seconds)):f}s"


def _size_text(size: int) -> str:
    unit = max((unit for unit, factor in _BYTES.items() if size % factor == 0), key=_BYTES.__getitem__)
    return f"{size // _BYTES[unit]}{unit}"


def _absolute(value: str) -> str:
    if not value.startswith("/") or ".." in value.split("/") or value.endswith("/"):
        msg = "expected an absolute path of a file inside the image"
        raise ValueError(msg)
    return value


_SECONDS_PATTERN, _BYTES_PATTERN = (
    f"^{re.sub(r'[?]P<[a-z]+>', '', expression.pattern)}$" for expression in (_DURATION, _SIZE)
)

WRITERS: Mapping[str, Callable[[Any], str]] = {_SECONDS_PATTERN: _duration_text, _BYTES_PATTERN: _size_text}
"""What writes a value as the spec does, by the pattern that its JSON schema has."""

Seconds = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(_duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _SECONDS_PATTERN}, mode="validation"),
]
"""A duration, written `500ms`, `10s`, `5m`, `30d`; seconds once read."""

Bytes = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(_size_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _BYTES_PATTERN}, mode="validation"),
]
"""A size, written `64MiB`; bytes once read."""

RelativePath = Annotated[str, AfterValidator(_inside)]
"""A path inside the spec's folder, relative to it, with forward slashes."""

VariableName = Annotated[
    str, AfterValidator(_variable), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE.pattern}$"})
]
"""The name of an environment variable or build argument."""

ImagePath = Annotated[str, AfterValidator(_absolute)]
"""An absolute path inside the image's file system."""
