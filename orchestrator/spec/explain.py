"""`invoke spec`: the spec in force, each value with where it came from; and the JSON schema for editors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from orchestrator.settings import Settings
from orchestrator.spec.model import BuildSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.spec.load import LoadedSpec
    from orchestrator.spec.nodes import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveValue:
    """A value in force. `origin`: `file:line:column`, or `default`."""

    path: Path
    value: object
    origin: str


def effective(loaded: LoadedSpec) -> tuple[EffectiveValue, ...]:
    """Return all values in force, in the order of the format."""
    return tuple(_values(loaded, loaded.spec, ()))


def render_effective(loaded: LoadedSpec) -> str:
    """Return the effective spec as YAML, with the origin of each value behind it."""
    lines: list[tuple[str, str]] = []
    open_keys: Path = ()
    for entry in effective(loaded):
        *folders, key = entry.path
        for depth, folder in enumerate(folders):
            if tuple(folders[: depth + 1]) != open_keys[: depth + 1]:
                lines.append((f"{'  ' * depth}{folder}:", ""))
        open_keys = tuple(folders)
        lines.append((f"{'  ' * len(folders)}{key}: {json.dumps(entry.value, ensure_ascii=False)}", entry.origin))
    width = min(60, max(len(text) for text, _ in lines) + 2)
    return "\n".join(f"{text:{width}}# {origin}" if origin else text for text, origin in lines) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `buildspec.yaml`, for editors."""
    made = BuildSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Twinbuild build spec"}


def _values(loaded: LoadedSpec, value: object, path: Path) -> Iterator[EffectiveValue]:
    if isinstance(value, Settings):
        for name in type(value).model_fields:
            yield from _values(loaded, getattr(value, name), (*path, name))
        return
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _values(loaded, inner, (*path, name))
        return
    place = loaded.document.values.get(path)
    origin = f"{loaded.path}:{place.line}:{place.column}" if place else "default"
    yield EffectiveValue(path=path, value=_plain(value), origin=origin)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
