"""YAML text to plain values, every one of them with its place; mistakes of the text itself are collected on the way."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import yaml

Path = tuple[str | int, ...]
_MERGE = "tag:yaml.org,2002:merge"
_MOST_NODES = 10_000
_DEEPEST = 40
_LONGEST_KEY = 200
_LONGEST_TEXT = 64 * 1024
_SHOWN = 80
_STANDARD = "tag:yaml.org,2002:"
_TAGS = {
    yaml.MappingNode: frozenset({"map"}),
    yaml.SequenceNode: frozenset({"seq"}),
    # A date and a lone `=` are texts here, as they are in newer YAML; a `<<` that is no key, as well.
    yaml.ScalarNode: frozenset({"str", "null", "bool", "int", "float", "timestamp", "value", "merge"}),
}
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|>{7}) |^={7}$", re.MULTILINE)
"""What git writes around the two sides."""


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


def read_document(text: str, *, expected: str = "a mapping with `version: 1`") -> Document:
    """Return a text's values. `expected`: what a file that is empty ought to hold.

    Raises:
        UnreadableTextError: it is no YAML, empty, or more than one document.
    """
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is not None:
        before = text[: found.start()].splitlines() or [""]
        place = Place(line=len(before), column=len(before[-1]) + 1)
        what = f"the character U+{ord(found[0]):04X}, which YAML forbids"
        raise UnreadableTextError(Mistake(place=place, text=what))
    try:
        _measure(text)
        nodes = [node for node in yaml.compose_all(text, Loader=_LOADER) if node is not None]
    except yaml.MarkedYAMLError as error:
        raise UnreadableTextError(_not_yaml(error, text)) from error
    start = Place(line=1, column=1)
    if not nodes or (isinstance(nodes[0], yaml.ScalarNode) and not nodes[0].value):
        raise UnreadableTextError(Mistake(place=start, text=f"the file is empty; expected {expected}"))
    document = Document()
    document.value = _value(document, nodes[0], (), ())
    return document


def _measure(text: str) -> None:
    """Refuse absurd texts before they are composed: the composer recurses in C, and would end the process."""
    depth = count = documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        place = _place(event)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                what = "a second document begins here; expected one (no `---` within)"
                raise UnreadableTextError(Mistake(place=place, text=what))
        count += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        _limit(place, depth=depth, count=count)


def _limit(place: Place, *, depth: int, count: int) -> None:
    if depth > _DEEPEST or count > _MOST_NODES:
        what = "nested too deeply" if depth > _DEEPEST else f"more than {_MOST_NODES} values, aliases counted"
        raise UnreadableTextError(Mistake(place=place, text=f"{what}; this is no build spec"))


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    place = Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
    # A tab is refused where it stands, or breaks the line that it indents.
    line = "".join(text.splitlines()[place.line - 1 : place.line])
    tab = line.find("\t", 0, max(place.column, len(line) - len(line.lstrip())))
    if tab >= 0:
        place = Place(line=place.line, column=tab + 1)
        return Mistake(place=place, text="a tab where YAML takes only spaces (indentation, or after a dash)")
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        # The parser stumbles somewhere behind it.
        place = Place(line=text.count("\n", 0, conflict.start()) + 1, column=1)
        return Mistake(place=place, text="a merge conflict that nobody has resolved begins here")
    said = " ".join(part for part in (error.problem, error.context) if part)
    return Mistake(place=place, text=f"no YAML: {said}")


def _place(node: yaml.Node | yaml.Event) -> Place:
    mark = node.start_mark
    # Typed as optional for nodes that are made by hand; what was read has its mark.
    return Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)


def _value(document: Document, node: yaml.Node, path: Path, above: tuple[int, ...]) -> object:
    place = document.values[path] = _place(node)
    document.count += 1
    _limit(place, depth=len(above), count=document.count)
    if id(node) in above:
        document.mistakes.append(Mistake(place=place, text="a value that contains itself; expected a finite one"))
        return None
    _check_tag(document, node)
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, path, (*above, id(node)))
    if isinstance(node, yaml.SequenceNode):
        inner = (*above, id(node))
        return [_value(document, item, (*path, number), inner) for number, item in enumerate(node.value)]
    return _scalar(document, node, path)


def _check_tag(document: Document, node: yaml.Node) -> None:
    kind = node.tag.rpartition(":")[2]
    if not node.tag.startswith(_STANDARD) or kind not in _TAGS[type(node)]:
        shown = f"!!{kind}" if node.tag.startswith(_STANDARD) else node.tag
        text = f"the tag `{printable(shown)}`; expected a plain value without one"
        document.mistakes.append(Mistake(place=_place(node), text=text))


def _mapping(document: Document, node: yaml.MappingNode, path: Path, above: tuple[int, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    for mapping in (node, *_merged(document, node)):
        written: dict[str, Place] = {}
        for key, value in mapping.value:
            document.count += 1
            place = _place(key)
            _limit(place, depth=len(above), count=document.count)
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in written:
                text = f"the key `{printable(name)}` stands here a second time; first on line {written[name].line}"
                document.mistakes.append(Mistake(place=place, text=text))
                continue
            written[name] = place
            if key.tag == _MERGE:
                continue
            if not name or "\0" in name or len(name) > _LONGEST_KEY:
                document.mistakes.append(Mistake(place=place, text="a key that is no text; expected a short name"))
            elif name not in found:
                document.keys[*path, name] = place
                found[name] = _value(document, value, (*path, name), above)
    return found


def _merged(document: Document, node: yaml.MappingNode) -> list[yaml.MappingNode]:
    """Return the mappings that `<<` brings in, each once, nearest first: the first that has a key decides."""
    order: list[yaml.MappingNode] = []
    seen = {id(node)}
    waiting = _sources(document, node)
    while waiting:
        source = waiting.pop(0)
        if id(source) not in seen:
            seen.add(id(source))
            order.append(source)
            waiting = [*_sources(document, source), *waiting]
    return order


def _sources(document: Document, node: yaml.MappingNode) -> list[yaml.MappingNode]:
    merges = [value for key, value in node.value if key.tag == _MERGE]
    sources = [each for value in merges for each in (value.value if isinstance(value, yaml.SequenceNode) else [value])]
    for source in sources:
        if not isinstance(source, yaml.MappingNode):
            text = "`<<` merges mappings; expected one, or a list of them (`<<: *anchor`)"
            document.mistakes.append(Mistake(place=_place(source), text=text))
    return [source for source in sources if isinstance(source, yaml.MappingNode)]


def _scalar(document: Document, node: yaml.Node, path: Path) -> object:
    text = node.value
    document.raw[path] = text
    if len(text) > _LONGEST_TEXT:
        document.mistakes.append(Mistake(place=_place(node), text=f"a text of {len(text)} characters; that is absurd"))
    if "\0" in text:
        document.mistakes.append(
            Mistake(place=_place(node), text="a text with a NUL; no path or variable can hold one")
        )
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        # YAML 1.1 takes yes, no, on and off for booleans; only true and false are meant as such here.
        return text.lower() == "true" if text.lower() in {"true", "false"} else text
    try:
        if kind == "int":
            return int(text)
        if kind == "float" and math.isfinite(float(text)):
            return float(text)
    except ValueError:
        return text
    return text


def printable(text: str) -> str:
    """Return a text of the file's as it may be shown: short, and without what a terminal would obey."""
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode()
