"""What was found about starting an image's program: plain values with a versioned JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

LOAD_FACTS_VERSION = 3
"""Belongs into the key under which facts are remembered; goes up when a fact is added or changes its meaning."""


class Presence(StrEnum):
    """What lies at a path."""

    FILE = "file"
    DIRECTORY = "directory"
    SPECIAL = "special"
    DANGLING = "dangling"
    MISSING = "missing"


class Form(StrEnum):
    """What the kernel makes of a file by its first bytes."""

    ELF = "elf"
    SCRIPT = "script"
    EMPTY = "empty"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A path looked up in the image.

    Attributes:
        path: as asked.
        real: where it ends after the links of its last component; for a dangling link, the place that is missing.
        presence: what lies there.
        mode: POSIX mode of what lies there; 0 where nothing does.
        size: bytes.
    """

    path: str
    real: str
    presence: Presence
    mode: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whether the image's user may do something with a file.

    Attributes:
        allowed: None when the file's owner matters and cannot be read.
        blocker: the file or folder whose mode forbids it; empty when allowed.
        mode: POSIX permission bits of the blocker.
        owner: `uid:gid` of the blocker, where it was read.
    """

    allowed: bool | None
    blocker: str = ""
    mode: int = 0
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFacts:
    """A shared library that the loader does not find.

    Attributes:
        name: as asked for (DT_NEEDED).
        needed_by: the file that asks for it.
        searched: where the loader looks, in its order.
        passed_over: files of that name which it skips, being for another processor.
        chain: the files from the program to the one that asks, each asked for by the one before.
    """

    name: str
    needed_by: str
    searched: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionGap:
    """A symbol version that a library does not define.

    Attributes:
        version: what is asked for (`GLIBC_2.38`).
        library: the library's file in the image.
        needed_by: the file that asks.
        newest: the newest version of the same family that the library defines; None when it has none.
        chain: as in `LibraryFacts`.
    """

    version: str
    library: str
    needed_by: str
    newest: str | None
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFacts:
    """One file that is to be executed, with all that it needs for that.

    Attributes:
        word: as the image writes it.
        found: the file that the word means; the last place looked at when there is none.
        tried: every path looked at, in order.
        execute: whether the image's user may execute it; None when there is no file.
        read: for scripts, whether the user may read it.
        form: None when there is no file to look into.
        damage: why an ELF file cannot be loaded.
        machine: ELF machine number; None for scripts.
        bits: 32 or 64 for ELF files.
        shebang: a script's first line without `#!`, as it stands there.
        interpreter: what a script's first line names, and what `env` starts.
        loader: the ELF interpreter, looked up; None for static programs.
        loader_machine: its ELF machine number, where it is an ELF file.
        libraries: those that are not found.
        gaps: symbol versions that are not there.
        resolved: the library files that were found, in the loader's order.
    """

    word: str
    found: Found
    tried: tuple[str, ...] = ()
    execute: Access | None = None
    read: Access | None = None
    form: Form | None = None
    damage: str | None = None
    machine: int | None = None
    bits: int | None = None
    shebang: str | None = None
    interpreter: tuple[ProgramFacts, ...] = ()
    loader: Found | None = None
    loader_machine: int | None = None
    libraries: tuple[LibraryFacts, ...] = ()
    gaps: tuple[VersionGap, ...] = ()
    resolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """All that was read about starting an image.

    Attributes:
        command: ENTRYPOINT and CMD as the engine joins them.
        architecture: of the image's configuration, in Go's words.
        user: as the image's configuration says.
        user_known: whether the image's passwd and group files know it.
        entry: the command's first word, and the program that a plain shell-form text starts.
        binary: the shipped program.
        not_judged: what this reading cannot tell, in sentences.
        other_program: whether what is started surely is another program than the shipped one, and does not start it.
    """

    command: tuple[str, ...]
    architecture: str
    user: str
    user_known: bool
    entry: tuple[ProgramFacts, ...]
    binary: ProgramFacts
    not_judged: tuple[str, ...] = ()
    other_program: bool = False


def load_facts_to_json(facts: LoadFacts) -> dict[str, Any]:
    """Return the facts as a value that JSON can hold."""
    return {"version": LOAD_FACTS_VERSION, **asdict(facts)}


def load_facts_from_json(value: Any) -> LoadFacts | None:
    """Return the facts that `load_facts_to_json` made; None for another version or a damaged value."""
    try:
        if value["version"] != LOAD_FACTS_VERSION:
            return None
        plain = {name: value[name] for name in ("architecture", "user", "user_known")}
        return LoadFacts(
            command=tuple(value["command"]),
            entry=tuple(_program(program) for program in value["entry"]),
            binary=_program(value["binary"]),
            not_judged=tuple(value["not_judged"]),
            other_program=bool(value["other_program"]),
            **plain,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _program(value: Any) -> ProgramFacts:
    plain = {name: value[name] for name in ("word", "damage", "machine", "bits", "shebang", "loader_machine")}
    return ProgramFacts(
        found=_found(value["found"]),
        tried=tuple(value["tried"]),
        execute=_access(value["execute"]),
        read=_access(value["read"]),
        form=None if value["form"] is None else Form(value["form"]),
        interpreter=tuple(_program(program) for program in value["interpreter"]),
        loader=None if value["loader"] is None else _found(value["loader"]),
        libraries=tuple(_library(library) for library in value["libraries"]),
        gaps=tuple(VersionGap(**{**gap, "chain": tuple(gap["chain"])}) for gap in value["gaps"]),
        resolved=tuple(value["resolved"]),
        **plain,
    )


def _found(value: Any) -> Found:
    return Found(**{**value, "presence": Presence(value["presence"])})


def _access(value: Any) -> Access | None:
    return None if value is None else Access(**value)


def _library(value: Any) -> LibraryFacts:
    lists = {name: tuple(value[name]) for name in ("searched", "passed_over", "chain")}
    return LibraryFacts(name=value["name"], needed_by=value["needed_by"], **lists)
