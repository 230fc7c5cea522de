"""Symbol names of Rust programs: what of them is stable, which crate they belong to, how a person reads them.

Editing one constant renames nearly every function of a Rust program, because a hash over the whole crate is part of
each name. Without it, names say what was added and what is gone. Two spellings occur in one program: the legacy one
(`_ZN7backend4main17h0123456789abcdefE`) and v0 (`_RNvCs1234_7backend4main`, rust-lang RFC 2603), which the standard
library has used since 1.95 at the latest. C and C++ names are left as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.binary.profile import BinaryProfile

_LEGACY_HASH = re.compile(r"17h[0-9a-f]{16}E")
_LLVM_SUFFIX = re.compile(r"\.llvm\.\d+")
_V0_DISAMBIGUATOR = re.compile(r"Cs[0-9A-Za-z]*_")
# A back reference counts bytes of the mangled name, so it moves when a disambiguator gets longer.
_V0_BACK_REFERENCE = re.compile(r"B[0-9A-Za-z]*_")
_STANDS_FOR = {_LEGACY_HASH: "E", _V0_DISAMBIGUATOR: "C", _V0_BACK_REFERENCE: "B_"}
# Lengths are bounded: these names come out of files that anybody may have made.
_V0_CRATE = re.compile(r"C(\d{1,5})_?")
_LENGTH = re.compile(r"(\d{1,5})_?")
# Between identifiers: a number that tells two blocks `impl` apart (`s2_`), or the length of an identifier.
_V0_STEP = re.compile(r"s[0-9A-Za-z]{0,3}_|(\d{1,5})_?")
_CRATE_IN_TYPE = re.compile(r"(?:^|[^A-Za-z0-9_:.])([A-Za-z_][A-Za-z0-9_]*)(?=::)")
_ESCAPE = re.compile(r"\$(SP|BP|RF|LT|GT|LP|RP|C|u[0-9a-f]{1,6})\$")
_ESCAPED = {"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ","}


def hash_free(name: str) -> str:
    """Return a symbol's name without the parts that change when other code of the crate does.

    Different generic instances may fall onto one name, so names are compared as multisets.
    """
    name = _LLVM_SUFFIX.sub("", name)
    if name.startswith("_R"):
        name = _V0_DISAMBIGUATOR.sub(_STANDS_FOR[_V0_DISAMBIGUATOR], name)
        return _V0_BACK_REFERENCE.sub(_STANDS_FOR[_V0_BACK_REFERENCE], name)
    if name.startswith("_ZN"):
        return _LEGACY_HASH.sub(_STANDS_FOR[_LEGACY_HASH], name)
    return name


def hash_free_all(names: Sequence[str]) -> list[str]:
    """Return what `hash_free` returns for each of many names, several times faster than one by one."""
    if any("\n" in name for name in names):
        return [hash_free(name) for name in names]
    found = _LLVM_SUFFIX.sub("", "\n".join(names)).split("\n") if names else []
    for start, patterns in (("_R", (_V0_DISAMBIGUATOR, _V0_BACK_REFERENCE)), ("_ZN", (_LEGACY_HASH,))):
        places = [place for place, name in enumerate(found) if name.startswith(start)]
        text = "\n".join([found[place] for place in places])
        for pattern in patterns:
            text = pattern.sub(_STANDS_FOR[pattern], text)
        for place, name in zip(places, text.split("\n"), strict=False):
            found[place] = name
    return found


@lru_cache(maxsize=1 << 16)  # the same names are asked for by many; a large program has a few ten thousand
def crate_of(name: str) -> str | None:
    """Return the crate that a function (by its hash-free name) was written in; None when it is no Rust name.

    For a method of a trait it is the crate of the type, as far as the name tells.
    """
    if name.startswith("_R"):
        found = _V0_CRATE.search(name)
        return name[found.end() : found.end() + int(found[1])] if found else None
    first = next(_legacy_parts(name), None)
    if first is None or first.isidentifier():
        return first
    found = _CRATE_IN_TYPE.search(first)
    return found[1] if found else None


def readable(name: str) -> str:
    """Return a hash-free name as a person would write it (`backend::server::run`)."""
    if name.startswith("_R"):
        return "::".join(_v0_identifiers(name)) or name
    return "::".join(_legacy_parts(name)) or name


def entry_crate(name: str) -> str | None:
    """Return the crate whose `main` this hash-free name is; None when it is no `main` of a crate."""
    crate = crate_of(name)
    return crate if crate is not None and readable(name) == f"{crate}::main" else None


def entry_crates(profile: BinaryProfile) -> tuple[str, ...]:
    """Return the crates whose `main` the program holds (one, for a Rust program that is not stripped)."""
    found = {entry_crate(function.name) for function in profile.functions or () if "4main" in function.name}
    return tuple(sorted(crate for crate in found if crate is not None))


def function_size(profile: BinaryProfile, name: str) -> int | None:
    """Return how many bytes a function takes, by its readable name; None where the program names none so."""
    return next((each.size for each in profile.functions or () if readable(each.name) == name), None)


def own_functions(profile: BinaryProfile, crate: str) -> tuple[str, ...] | None:
    """Return the readable names of the functions that come from a crate, sorted; repeated names stay repeated.

    Args:
        profile: the program.
        crate: a crate or package name; `-` counts as `_`, as it does for the compiler.

    Returns:
        None when the program has no symbol table, which is not the same as having none of the functions.
    """
    if profile.functions is None:
        return None
    wanted = crate.replace("-", "_")
    # The cheap test first: of 40,000 names a few hundred are worth taking apart.
    mine = (function.name for function in profile.functions if wanted in function.name)
    return tuple(sorted(readable(name) for name in mine if crate_of(name) == wanted))


def _legacy_parts(name: str) -> Iterator[str]:
    if not name.startswith("_ZN"):
        return
    position = 3
    while position < len(name) and name[position].isdigit():
        digits = _LENGTH.match(name, position)
        if digits is None:
            return
        start = position + len(digits[1])
        position = start + int(digits[1])
        yield _unescaped(name[start:position])


def _unescaped(part: str) -> str:
    # `..` stands for `::`; a leading `_` only keeps the part from starting with `$`.
    text = part.removeprefix("_") if part.startswith("_$") else part
    return _ESCAPE.sub(_escaped, text.replace("..", "::"))


def _escaped(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPED:
        return _ESCAPED[code]
    number = int(code[1:], 16)
    return chr(number) if number < 0x110000 else match[0]  # noqa: PLR2004 - the end of Unicode


def _v0_identifiers(name: str) -> Iterator[str]:
    position = 2
    while (found := _V0_STEP.search(name, position)) is not None:
        if found[1] is None:
            position = found.end()
            continue
        position = found.end() + int(found[1])
        if int(found[1]) and position <= len(name):
            yield name[found.end() : position]


def code_by_crate(profile: BinaryProfile) -> dict[str, int]:
    """Return how many bytes of code come from each crate, the largest first; `other` is what has no Rust name."""
    sizes: Counter[str] = Counter()
    for function in profile.functions or ():
        sizes[crate_of(function.name) or "other"] += function.size
    return dict(sizes.most_common())
