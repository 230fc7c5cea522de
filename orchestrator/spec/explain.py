"""`invoke spec`: the spec in force, each value with where it came from; and the JSON schema for editors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.settings import WRITERS
from orchestrator.spec.model import BuildSpec
from orchestrator.spec.nodes import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.spec.load import LoadedSpec
    from orchestrator.spec.nodes import Document, Path, Place

_PLAIN = re.compile(r"(?!(?i:y|n|yes|no|on|off|true|false|null)$)[A-Za-z_][\w./-]*(?::[\w./-]+)*", re.ASCII)
"""Keys that every YAML reader takes for a text without quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveValue:
    """A value in force. `origin`: `file:line:column`, or `default`."""

    path: Path
    value: object
    origin: str


def effective(loaded: LoadedSpec) -> tuple[EffectiveValue, ...]:
    """Return all values in force, in the order of the format."""
    return tuple(_values(loaded, loaded.spec.model_dump(mode="json"), ()))


def render_effective(loaded: LoadedSpec) -> str:
    """Return the effective spec as YAML, with the origin of each value behind it."""
    lines: list[tuple[str, str]] = []
    open_keys: Path = ()
    for entry in effective(loaded):
        *folders, key = entry.path
        for depth, folder in enumerate(folders):
            if tuple(folders[: depth + 1]) != open_keys[: depth + 1]:
                lines.append((f"{'  ' * depth}{_key(folder)}:", ""))
        open_keys = tuple(folders)
        lines.append((f"{'  ' * len(folders)}{_key(key)}: {_text(entry.value)}", entry.origin))
    width = min(60, max(len(text) for text, _ in lines) + 1)
    return "\n".join(f"{text:{width}} # {origin}" if origin else text for text, origin in lines) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `buildspec.yaml`, for editors."""
    made = _for_editors(BuildSpec.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Twinbuild build spec"}


def _for_editors(entry: Any) -> Any:
    """Give defaults the form in which a person writes them (`1h`, where pydantic says 3600.0), and close mappings.

    The default of a whole slice goes: those of its keys say the same.
    """
    if isinstance(entry, list):
        return [_for_editors(each) for each in entry]
    if not isinstance(entry, dict):
        return entry
    made = {name: _for_editors(inner) for name, inner in entry.items()}
    writer = WRITERS.get(entry.get("pattern", ""))
    if writer is not None and isinstance(entry.get("default"), int | float):
        made["default"] = writer(entry["default"])
    whole_slice = "$ref" in entry and isinstance(entry.get("default"), dict)
    nothing = entry.get("type") is not None and entry.get("default", "") is None
    if whole_slice or nothing:
        del made["default"]
    if "patternProperties" in entry:
        made.setdefault("additionalProperties", False)
    return made


def _values(loaded: LoadedSpec, value: object, path: Path) -> Iterator[EffectiveValue]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _values(loaded, inner, (*path, name))
        return
    place = _written(loaded.document, path)
    origin = f"{printable(str(loaded.path))}:{place.line}:{place.column}" if place else "default"
    yield EffectiveValue(path=path, value=value, origin=origin)


def _written(document: Document, path: Path) -> Place | None:
    """Return where a value was written: itself, or the short form that stands for the mapping that holds it."""
    if path in document.values:
        return document.values[path]
    short = path
    while short and short not in document.values:
        short = short[:-1]
    return document.values[short] if short in document.raw else None


def _key(name: str | int) -> str:
    return str(name) if _PLAIN.fullmatch(str(name)) else _text(name)


def _text(value: object) -> str:
    """Return a value in YAML's flow style: JSON, and what YAML forbids in it escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
