"""What the schema check found wrong, in this tool's words and at the place in the file."""

from __future__ import annotations

import difflib
import json
import types
import typing
from typing import TYPE_CHECKING, Any

from orchestrator.settings import Settings, meanings
from orchestrator.spec.model import BuildSpec
from orchestrator.spec.nodes import Mistake, Place, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from orchestrator.spec.nodes import Document, Path

_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list ([a, b] or one `- item` a line)",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "finite_number": "a finite number",
}
_WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def mistake_of(error: Mapping[str, Any], document: Document, top: type[Settings] = BuildSpec) -> Mistake:
    """Return the mistake for one of pydantic's errors.

    Args:
        error: as pydantic tells it.
        document: the text's values with their places.
        top: the model that the whole document was checked against.
    """
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    kind = str(error["type"])
    name = ".".join(printable(str(part)) for part in path) or ("the spec" if top is BuildSpec else "the file")
    if "[key]" in error["loc"]:
        place = document.keys.get(path) or _nearest(path, document)
        return Mistake(place=place, text=f"the key `{name}`; expected {_expected(error)}")
    if kind == "missing":
        return Mistake(place=_nearest(path[:-1], document), text=_missing(path, name, top))
    if kind == "extra_forbidden":
        place = document.keys.get(path) or _nearest(path, document)
        return Mistake(place=place, text=_unknown(path, name, top))
    expected = _expected(error)
    if not path and kind == "value_error":
        return Mistake(place=_nearest(path, document), text=f"expected {expected}")
    return Mistake(place=_nearest(path, document), text=f"`{name}`{_found(path, error, document, expected)}")


def _missing(path: Path, name: str, top: type[Settings]) -> str:
    description = _description(path, top)
    return f"`{name}` is missing" + (f"; expected: {description}" if description else "")


def _unknown(path: Path, name: str, top: type[Settings]) -> str:
    model = _model_at(path[:-1], top)
    known = list(_fields(model)) if model else []
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"unknown key `{name}`; expected one of {', '.join(known) or 'no keys'}{hint}"


def _expected(error: Mapping[str, Any]) -> str:
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in {"enum", "literal_error"}:
        choices = str(context["expected"])
        return f"one of {choices}" if " or " in choices else choices
    if kind == "value_error":
        return str(context["error"]).removeprefix("expected ")
    if kind == "string_pattern_mismatch":
        return f"a text that matches {context['pattern']}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{words} {context[key]}"
    return str(error["msg"])


def _found(path: Path, error: Mapping[str, Any], document: Document, expected: str) -> str:
    value, raw = error.get("input"), document.raw.get(path)
    shown = _shown(value, raw)
    text = f" is {shown}; expected {expected}"
    if expected == _KINDS["string_type"] and raw is not None and value is not None:
        return f"{text}: write {json.dumps(printable(raw))}"
    if expected == _KINDS["bool_type"] and raw is not None and raw.lower() in _WORDS:
        return f"{text}: write {_WORDS[raw.lower()]}"
    choices = [word.strip("'") for word in expected.removeprefix("one of ").replace(" or ", ", ").split(", ")]
    listed = error["type"] in {"enum", "literal_error"} or expected.startswith("one of ")
    close = difflib.get_close_matches(str(raw), choices, n=1) if listed else []
    return f"{text}; did you mean `{close[0]}`?" if close else text


def _shown(value: object, raw: str | None) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool | int | float):
        text = printable(str(value) if raw is None else raw)
        return text if isinstance(value, bool) else f"the number {text}"
    return repr(printable(str(value) if raw is None else raw)).replace("\\\\", "\\")


def _nearest(path: Path, document: Document) -> Place:
    while path and path not in document.values:
        path = path[:-1]
    return document.values.get(path) or Place(line=1, column=1)


def _description(path: Path, top: type[Settings]) -> str | None:
    model = _model_at(path[:-1], top)
    if model is None:
        return None
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    meaning = meanings(model).get(names.get(str(path[-1]), ""))
    return meaning.splitlines()[0].rstrip(".") if meaning else None


def _model_at(path: Path, top: type[Settings]) -> type[Settings] | None:
    """Return the slice that describes the mapping at a path."""
    model: type[Settings] | None = top
    skip = False
    for part in path:
        if skip:
            # The key of a free mapping (`bases`) or the number of an entry: the slice of it was found already.
            skip = False
            continue
        if model is None or part not in _fields(model):
            return None
        annotation = _fields(model)[str(part)].annotation
        skip = _is_collection(annotation)
        model = next(_slices(annotation), None)
    return model


def _fields(model: type[Settings]) -> dict[str, FieldInfo]:
    """Return a slice's fields by the names that are written."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_collection(annotation: Any) -> bool:
    """Return whether a value holds its slices one step further down, behind a key or a number."""
    return typing.get_origin(annotation) in {dict, tuple}


def _slices(annotation: Any) -> Iterator[type[Settings]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, Settings):
            yield annotation
        return
    for argument in typing.get_args(annotation):
        yield from _slices(argument)
