"""docs/reference/spec.md, made from the slices themselves: `python -m orchestrator.spec.reference` prints it.

A test compares the two, so the page cannot fall behind the format.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.settings import WRITERS
from orchestrator.spec.explain import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEAD = """\
# The build spec

Every key of `buildspec.yaml`, with its type, its default and what it means. All paths are relative to the folder of the
file. Durations are written `500ms`, `10s`, `5m`, `1h`, `30d`; sizes `512KiB`, `64MiB`, `1GiB`. YAML anchors and merge
keys (`<<`) work; tags and a second document do not. `invoke spec` prints the spec in force with where each value came
from, `invoke spec --schema` the JSON schema that this page is made from
(`python -m orchestrator.spec.reference > docs/reference/spec.md`).
"""


def render_reference() -> str:
    """Return the page."""
    made = schema()
    return "\n".join((_HEAD, *_section(made, "", made["$defs"], set()))) + "\n"


def _section(described: Mapping[str, Any], path: str, definitions: Mapping[str, Any], told: set[str]) -> Iterator[str]:
    """Yield a mapping's heading and table, then the sections of the mappings in it; each kind is told once."""
    yield from (f"## `{path}`" if path else "## The file", "", _line(described), "")
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    needed, inner = set(described.get("required", ())), []
    for name, entry in described.get("properties", {}).items():
        default = "**needed**" if name in needed else _default(entry, definitions)
        meaning = _line(entry) or _meaning(entry, definitions)
        yield f"| `{name}` | {_cell(_kind(entry, definitions))} | {default} | {_cell(meaning)} |"
        inner += [(f"{path}.{name}" if path else name, suffix, ref) for suffix, ref in _mappings(entry, "")]
    yield ""
    for place, suffix, ref in inner:
        if ref not in told and "properties" in definitions[ref]:
            told.add(ref)
            yield from _section(definitions[ref], place + suffix, definitions, told)


def _line(entry: Mapping[str, Any]) -> str:
    return " ".join(str(entry.get("description", "")).split())


def _meaning(entry: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return what a slice says of itself, where the key says no more."""
    return next((_line(definitions[ref]) for _, ref in _mappings(entry, "")), "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(entry: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "default" not in entry or (isinstance(entry["default"], dict) and list(_mappings(entry, ""))):
        return "as below" if any("properties" in definitions[ref] for _, ref in _mappings(entry, "")) else "none"
    return "none" if entry["default"] is None else f"`{_cell(json.dumps(entry['default'], ensure_ascii=False))}`"


def _kind(entry: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in entry:
        found = definitions[_name(entry)]
        return "mapping" if "properties" in found else _kind(found, definitions)
    if "anyOf" in entry or "oneOf" in entry:
        kinds = [_kind(each, definitions) for each in entry.get("anyOf", entry.get("oneOf", ()))]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    if "const" in entry or "enum" in entry:
        return " or ".join(f"`{each}`" for each in entry.get("enum", [entry.get("const")]))
    if entry.get("type") == "array":
        return f"list of {_kind(entry.get('items', {}), definitions)}"
    if entry.get("type") == "object":
        values = next(iter(entry.get("patternProperties", {}).values()), entry.get("additionalProperties"))
        return f"mapping of {_kind(values, definitions)}" if isinstance(values, dict) else "mapping"
    return _SCALARS.get(str(entry.get("pattern")), _TYPES.get(str(entry.get("type")), "anything"))


_SCALARS = dict(zip(WRITERS, ("duration", "size"), strict=True))
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["$ref"]).rpartition("/")[2]


def _mappings(entry: Mapping[str, Any], suffix: str) -> Iterator[tuple[str, str]]:
    """Yield (what its path gets appended, name) of the slices in an entry, however they are wrapped."""
    if "$ref" in entry:
        yield suffix, _name(entry)
    for each in (*entry.get("anyOf", ()), *entry.get("oneOf", ())):
        yield from _mappings(each, suffix)
    if isinstance(entry.get("items"), dict):
        yield from _mappings(entry["items"], f"{suffix}[]")
    if isinstance(entry.get("additionalProperties"), dict):
        yield from _mappings(entry["additionalProperties"], f"{suffix}.<name>")
    for each in entry.get("patternProperties", {}).values():
        yield from _mappings(each, f"{suffix}.<name>")


if __name__ == "__main__":
    sys.stdout.write(render_reference())
