"""goss's `semver-constraint`: whether a version lies in a range, by the rules of the library that goss uses.

https://github.com/blang/semver: comparators joined by blanks must all hold, `||` joins alternatives, and the last part
of a version may be `x`. Versions have three parts; what follows `-` makes one older, what follows `+` does not count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Key = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]

_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
_COMPARATOR = re.compile(r"(?P<sign>[<>]=?|==?|!=?|) *(?P<version>[0-9][0-9A-Za-z.+-]*)(?: +|$)", re.ASCII)
_WILDCARD = re.compile(rf"(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER}))?(?:\.x)+", re.ASCII)
_SIGNS: dict[str, Callable[[Key, Key], bool]] = {
    "": lambda found, bound: found == bound,
    "!": lambda found, bound: found != bound,
    ">": lambda found, bound: found > bound,
    ">=": lambda found, bound: found >= bound,
    "<": lambda found, bound: found < bound,
    "<=": lambda found, bound: found <= bound,
}


def satisfies(version: str, constraint: str) -> bool:
    """Return whether a version lies in a range.

    Raises:
        ValueError: one of them is not written as such.
    """
    within, found = parsed_constraint(constraint), _key(version)
    return any(all(holds(found) for holds in alternative) for alternative in within)


def parsed_constraint(text: str) -> list[list[Callable[[Key], bool]]]:
    """Return a range as alternatives, each of comparisons that must all hold.

    Raises:
        ValueError: it is not one.
    """
    return [_alternative(part.strip(), text) for part in text.split("||")]


def _alternative(part: str, whole: str) -> list[Callable[[Key], bool]]:
    made: list[Callable[[Key], bool]] = []
    at = 0
    while at < len(part) or not made:
        match = _COMPARATOR.match(part, at)
        if match is None:
            msg = f"expected a range of versions such as `>=1.2.0 <2.0.0 || 3.x`, found {whole!r}"
            raise ValueError(msg)
        made += _comparisons({"=": "", "==": "", "!=": "!"}.get(match["sign"], match["sign"]), match["version"])
        at = match.end()
    return made


def _comparisons(sign: str, version: str) -> list[Callable[[Key], bool]]:
    wildcard = _WILDCARD.fullmatch(version)
    if wildcard is None:
        return [_comparison(sign, _key(version))]
    if sign == "!":
        msg = f"`!={version}` never holds in goss, whatever the version; name the versions on both sides of it"
        raise ValueError(msg)
    major, minor = int(wildcard["major"]), int(wildcard["minor"] or 0)
    first = _release(major, minor)
    after = _release(major, minor + 1) if wildcard["minor"] else _release(major + 1, 0)
    if not sign:
        return [_comparison(">=", first), _comparison("<", after)]
    # `>1.2.x` begins where 1.2 ends, and `<=1.2.x` reaches to there.
    return [_comparison({">": ">=", "<=": "<"}.get(sign, sign), after if sign in {">", "<="} else first)]


def _comparison(sign: str, bound: Key) -> Callable[[Key], bool]:
    return lambda found: _SIGNS[sign](found, bound)


def _release(major: int, minor: int) -> Key:
    return (major, minor, 0, True, ())


def _key(version: str) -> Key:
    match = _VERSION.fullmatch(version)
    if match is None:
        msg = f"expected a version of three parts such as 1.2.0, found {version!r}"
        raise ValueError(msg)
    early = match[4].split(".") if match[4] else []
    # Numbers come before words, and by their size.
    order = tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in early)
    return (int(match[1]), int(match[2]), int(match[3]), not early, order)
