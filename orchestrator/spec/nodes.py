"""YAML text to plain values, every one of them with its place; mistakes of the text itself are collected on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
_MERGE = "tag:yaml.org,2002:merge"
_MOST_NODES = 10_000
_DEEPEST = 40
_LONGEST_TEXT = 64 * 1024
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the text, 1-based."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something wrong, and where. `text`: what, found, expected, did you mean."""

    place: Place
    text: str


@dataclass(slots=True)
class Document:
    """A document's values.

    Attributes:
        value: dicts, lists, and scalars.
        values, keys: the place of each value, and of the key that leads to it, by path.
        raw: a scalar's text as written, by path.
        mistakes: what the text itself gets wrong.
    """

    value: object = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    count: int = 0


class UnreadableTextError(Exception):
    """The text is no YAML document; `mistake` says why and where."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.text)
        self.mistake = mistake


def read_document(text: str) -> Document:
    """Return a text's values.

    Raises:
        UnreadableTextError: it is no YAML, empty, or more than one document.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            place = Place(line=number, column=indent.index("\t") + 1)
            raise UnreadableTextError(Mistake(place=place, text="a tab in the indentation; YAML takes only spaces"))
    try:
        nodes = list(yaml.compose_all(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise UnreadableTextError(_not_yaml(error)) from error
    except yaml.YAMLError as error:
        # A character that YAML forbids; the reader gives its position only.
        before = text[: getattr(error, "position", 0)].count("\n")
        mistake = Mistake(place=Place(line=before + 1, column=1), text=f"no YAML: {error}".splitlines()[0])
        raise UnreadableTextError(mistake) from error
    nodes = [node for node in nodes if node is not None]
    start = Place(line=1, column=1)
    if not nodes or (isinstance(nodes[0], yaml.ScalarNode) and not nodes[0].value):
        raise UnreadableTextError(Mistake(place=start, text="the file is empty; expected a mapping with `version: 1`"))
    if len(nodes) > 1:
        raise UnreadableTextError(
            Mistake(place=_place(nodes[1]), text="a second document begins here; expected one (no `---` within)")
        )
    document = Document()
    document.value = _value(document, nodes[0], (), 0)
    return document


def _not_yaml(error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    place = Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
    said = " ".join(part for part in (error.problem, error.context) if part)
    return Mistake(place=place, text=f"no YAML: {said}")


def _place(node: yaml.Node) -> Place:
    return Place(line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _value(document: Document, node: yaml.Node, path: Path, depth: int) -> object:
    document.values[path] = _place(node)
    document.count += 1
    if document.count > _MOST_NODES or depth > _DEEPEST:
        what = "nested too deeply" if depth > _DEEPEST else f"more than {_MOST_NODES} values, aliases counted"
        raise UnreadableTextError(Mistake(place=_place(node), text=f"{what}; this is no build spec"))
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, path, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, item, (*path, number), depth + 1) for number, item in enumerate(node.value)]
    return _scalar(document, node, path)


def _mapping(document: Document, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    written: dict[str, Place] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            continue
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        place = _place(key)
        if not name:
            document.mistakes.append(Mistake(place=place, text="a key that is no text; expected a name"))
        elif name in written:
            text = f"the key `{name}` stands here a second time; first on line {written[name].line}"
            document.mistakes.append(Mistake(place=place, text=text))
        else:
            written[name] = document.keys[*path, name] = place
            found[name] = _value(document, value, (*path, name), depth + 1)
    for merged in _merged(node):
        for key, value in merged.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE and key.value not in found:
                document.keys[*path, key.value] = _place(key)
                found[key.value] = _value(document, value, (*path, key.value), depth + 1)
    return found


def _merged(node: yaml.MappingNode, depth: int = 0) -> Iterator[yaml.MappingNode]:
    """Yield the mappings that `<<` brings in, nearest first."""
    if depth > _DEEPEST:
        return
    for key, value in node.value:
        if key.tag == _MERGE:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(source, yaml.MappingNode):
                    yield source
                    yield from _merged(source, depth + 1)


def _scalar(document: Document, node: yaml.Node, path: Path) -> object:
    text = node.value
    document.raw[path] = text
    if len(text) > _LONGEST_TEXT:
        document.mistakes.append(Mistake(place=_place(node), text=f"a text of {len(text)} characters; that is absurd"))
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        # YAML 1.1 takes yes, no, on and off for booleans; only true and false are meant as such here.
        return text.lower() == "true" if text.lower() in {"true", "false"} else text
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError:
        return text
    return text
