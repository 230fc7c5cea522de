"""goss's matchers: whether a value is as a gossfile says. https://goss.readthedocs.io, "Matchers"."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.smoke.peers.file import go_regex
from orchestrator.smoke.peers.gjson import checked_path, value_at
from orchestrator.smoke.peers.semver import parsed_constraint, satisfies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SHOWN = 200
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda found, bound: found > bound,
    "ge": lambda found, bound: found >= bound,
    "lt": lambda found, bound: found < bound,
    "le": lambda found, bound: found <= bound,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "have-prefix": str.startswith,
    "have-suffix": str.endswith,
    "contain-substring": lambda found, part: part in found,
    "match-regexp": lambda found, pattern: go_regex(pattern).search(found) is not None,
}


@dataclass(frozen=True, slots=True)
class Lines:
    """A text that goss reads line by line: a list about it holds patterns, each for any of the lines."""

    text: str


def checked(expected: Any) -> Any:
    """Return what a gossfile expects of a value, if every matcher in it is known.

    Raises:
        ValueError: one is not.
    """
    if isinstance(expected, list | tuple):
        for each in expected:
            checked(each)
    elif isinstance(expected, dict):
        for name, inner in expected.items():
            if name not in KNOWN:
                msg = f"expected one of the matchers {', '.join(KNOWN)}; `{name}` is not supported here"
                raise ValueError(msg)
            _check_argument(name, inner)
    elif isinstance(expected, str):
        _check_pattern(expected)
    return expected


def _check_argument(name: str, inner: Any) -> None:
    if name == "match-regexp":
        go_regex(str(inner))
    elif name in _NUMERIC and (isinstance(inner, bool) or not isinstance(inner, int | float)):
        msg = f"expected a number for `{name}`"
        raise ValueError(msg)
    elif name in {"and", "or", "contain-elements", "consist-of"} and not isinstance(inner, list):
        msg = f"expected a list for `{name}`"
        raise ValueError(msg)
    elif name == "semver-constraint":
        parsed_constraint(str(inner))
    elif name == "gjson":
        _check_paths(inner)
    elif name not in {"equal", "have-len", "have-key", *_TEXTUAL, *_NUMERIC}:
        checked(inner)


def _check_paths(inner: Any) -> None:
    if not isinstance(inner, dict) or not inner:
        msg = "expected paths, each with what is expected there, for `gjson`"
        raise ValueError(msg)
    for path, expected in inner.items():
        checked_path(str(path))
        checked(expected)


def _check_pattern(text: str) -> None:
    pattern = text.removeprefix("!")
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        go_regex(pattern[1:-1])


def mismatch(found: Any, expected: Any) -> str | None:
    """Return in words how a value differs from what is expected of it; None where it is as expected."""
    if isinstance(found, Lines) and isinstance(expected, list | tuple):
        broken = next((pattern for pattern in expected if not _pattern_holds(found, pattern)), None)
        return None if broken is None else f"{_shown(broken)} does not hold of {_shown(found)}"
    try:
        holds = _matches(found, expected)
    except ValueError as error:
        # A value of another kind than a matcher is for: not even its opposite holds.
        return f"{error}; it is {_shown(found)}, expected {_shown(expected)}"
    return None if holds else f"it is {_shown(found)}, expected {_shown(expected)}"


def _matches(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return all(_holds(name, found, inner) for name, inner in expected.items())
    if isinstance(expected, list | tuple):
        if isinstance(found, Lines):
            return all(_pattern_holds(found, pattern) for pattern in expected)
        return _covers(_elements(found), expected)
    return _equals(found, expected)


def _holds(name: str, found: Any, inner: Any) -> bool:
    if name in _TEXTUAL:
        return _TEXTUAL[name](_text(found), str(inner))
    if name in _NUMERIC:
        number = _number(found)
        return number is not None and _NUMERIC[name](number, float(inner))
    if name in _COMBINED:
        return _COMBINED[name](_matches(found, each) for each in inner)
    return _STRUCTURAL[name](found, inner)


def _equal(found: Any, inner: Any) -> bool:
    return _elements(found) == inner if isinstance(inner, list) else _equals(found, inner)


def _in_range(found: Any, constraint: Any) -> bool:
    versions = [_text(each).removesuffix("\n") for each in (found if isinstance(found, list | tuple) else [found])]
    # All are looked at, so that one that is no version is told even where another lies outside.
    inside = [satisfies(version, str(constraint)) for version in versions]
    return bool(inside) and all(inside)


_COMBINED: dict[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
_STRUCTURAL: dict[str, Callable[[Any, Any], bool]] = {
    "equal": _equal,
    "not": lambda found, inner: not _matches(found, inner),
    "have-key": lambda found, inner: isinstance(found, dict) and inner in found,
    "have-len": lambda found, inner: len(found if isinstance(found, str | dict) else _elements(found)) == inner,
    "contain-element": lambda found, inner: any(_matches(each, inner) for each in _elements(found)),
    "contain-elements": lambda found, inner: _covers(_elements(found), inner),
    "semver-constraint": _in_range,
    "gjson": lambda found, inner: all(_matches(value_at(_text(found), path), each) for path, each in inner.items()),
    "consist-of": lambda found, inner: len(_elements(found)) == len(inner) and _covers(_elements(found), inner),
}
KNOWN = (*_STRUCTURAL, *_COMBINED, *_TEXTUAL, *_NUMERIC)


def _covers(elements: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Return whether each of the wanted finds an element of its own."""
    if not wanted:
        return True
    first, *rest = wanted
    return any(
        _matches(element, first) and _covers([*elements[:number], *elements[number + 1 :]], rest)
        for number, element in enumerate(elements)
    )


def _pattern_holds(found: Lines, pattern: Any) -> bool:
    lines = found.text.splitlines()
    if not isinstance(pattern, str):
        return any(_matches(line, pattern) for line in lines)
    wanted = not pattern.startswith("!")
    text = pattern if wanted else pattern[1:]
    if text.startswith("\\!"):
        text = text[1:]
    if len(text) > 1 and text.startswith("/") and text.endswith("/"):
        regex = go_regex(text[1:-1])
        return any(regex.search(line) for line in lines) is wanted
    return any(text in line for line in lines) is wanted


def _equals(found: Any, expected: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(expected, int | float):
        return _number(found) == expected
    if isinstance(expected, str) and not isinstance(found, list | tuple | dict):
        return expected in {_text(found), _text(found).removesuffix("\n")}
    return bool(found == expected)


def _elements(found: Any) -> list[Any]:
    if isinstance(found, Lines):
        return found.text.splitlines()
    if isinstance(found, str):
        return found.split("\n")
    return list(found) if isinstance(found, list | tuple) else [found]


def _text(found: Any) -> str:
    if isinstance(found, Lines):
        return found.text
    return found if isinstance(found, str) else json.dumps(found)


def _number(found: Any) -> float | None:
    if isinstance(found, bool):
        return None
    try:
        return float(_text(found).strip())
    except ValueError:
        return None


def _shown(value: Any) -> str:
    text = repr(value.text.strip()) if isinstance(value, Lines) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
