"""What in Rust sources makes a program depend on where, when or by whom it is compiled; read from the text.

A name that only looks like one of these may be reported; what a macro or a dependency does is not seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Dependence(StrEnum):
    """On what a program comes to depend."""

    CLOCK = "clock"
    COMMIT = "commit"
    MACHINE = "machine"
    RANDOM = "random"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impurity:
    """A place in a source. `found`: as it is written there; line and column are 1-based."""

    dependence: Dependence
    line: int
    column: int
    found: str


_READS_VARIABLE = r'(?:\benv::var(?:_os)?\s*\(\s*|\b(?:option_)?env!\s*\(\s*)"(?:{names})"'
_PROGRAM = r'\bCommand::new\s*\(\s*"(?:{names})"'
_EVERYWHERE = {
    Dependence.MACHINE: _READS_VARIABLE.format(names="USER|USERNAME|LOGNAME|HOSTNAME|HOST_NAME|COMPUTERNAME|HOME|PWD"),
}
_WHEN_COMPILING = {
    Dependence.CLOCK: r"\b(?:SystemTime|Utc|Local|OffsetDateTime|Timestamp|Zoned)::now(?:_utc|_local)?\b|"
    + _PROGRAM.format(names="date"),
    Dependence.COMMIT: r"\b(?:git2|gix)::\w+|" + _PROGRAM.format(names="git"),
    Dependence.MACHINE: _EVERYWHERE[Dependence.MACHINE]
    + r"|\bgethostname\b|\bhostname::get\b|\bwhoami::\w+|"
    + _PROGRAM.format(names="hostname|whoami|uname"),
    Dependence.RANDOM: r"\bthread_rng\b|\brand::(?:rng|random)\b|\bUuid::new_v4\b|\bRandomState::new\b|\bgetrandom\b",
    Dependence.FOLDER: r"\benv::current_dir\b",
}
_IN_THE_PROGRAM = {
    **_EVERYWHERE,
    Dependence.FOLDER: r'\b(?:option_)?env!\s*\(\s*"(?:CARGO_MANIFEST_DIR|OUT_DIR|CARGO_MANIFEST_PATH)"',
}
_COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|r(?P<fence>#*)".*?"(?P=fence)|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\\n]|\\.)\'', re.DOTALL
)
_TESTS = re.compile(r"#\[cfg\(test\)\]\s*(?:pub\s+)?mod\b")
_INCLUDED = re.compile(r"\binclude(?:_str|_bytes)?!\s*\(\s*(?:concat!\s*\(\s*)?\Z")
_BEFORE = 60  # characters in which `include_str!(concat!(` stands with room to spare
_HONOURS = "SOURCE_DATE_EPOCH"


def compile_time_impurities(text: str) -> tuple[Impurity, ...]:
    """Return what a build script (or a macro) asks that is not the same everywhere.

    A clock that is only asked where SOURCE_DATE_EPOCH is not set is taken to be in order: that variable is looked for
    by its name.
    """
    patterns = dict(_WHEN_COMPILING)
    if _HONOURS in text:
        del patterns[Dependence.CLOCK]
    return _found(text, patterns)


def program_impurities(text: str) -> tuple[Impurity, ...]:
    """Return what a crate takes into the program when it is compiled; its tests are left out."""
    tests = _TESTS.search(text)
    return _found(text[: tests.start()] if tests else text, _IN_THE_PROGRAM)


def _found(text: str, patterns: dict[Dependence, str]) -> tuple[Impurity, ...]:
    code = _COMMENT_OR_TEXT.sub(_blanked, text)
    found = []
    for dependence, pattern in patterns.items():
        for match in re.finditer(pattern, code):
            # What is included is read by the compiler and leaves no path behind.
            if _INCLUDED.search(code[max(0, match.start() - _BEFORE) : match.start()]):
                continue
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            shown = " ".join(match[0].split())
            closed = f"{shown})" if shown.count("(") > shown.count(")") else shown
            found.append(Impurity(dependence=dependence, line=line, column=column, found=closed))
    return tuple(sorted(found, key=lambda each: (each.line, each.column)))


def _blanked(match: re.Match[str]) -> str:
    """Return a comment as blanks, and a text as it is unless it looks like code."""
    text = match[0]
    if text.startswith(("//", "/*")) or "(" in text or "::" in text:
        return re.sub(r"[^\n]", " ", text)
    return text
