"""What is known about one program: facts only, as plain values with a versioned JSON form.

Nothing here reads a program (see `read.py`) or compares two (see `parity/`). A remembered profile is made of these
values alone, so whoever finds one in the workspace pays neither for reading nor for holding the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

PROFILE_VERSION = 5
"""Part of the key under which profiles are remembered; goes up when a fact is added or changes its meaning."""


LOCAL = " (local)"
"""Stands behind packages that came from no registry or repository: the project's own."""


class Format(StrEnum):
    """What a file is by its first bytes."""

    ELF = "elf"
    PE = "pe"
    MACH_O = "mach-o"
    SCRIPT = "script"
    EMPTY = "empty"
    OTHER = "other"


class Function(NamedTuple):
    """One entry of the symbol table.

    Attributes:
        name: without what changes although the function does not (crate hash, `.llvm.` suffix); see `names.py`.
        size: bytes of machine code, as the symbol table says.
    """

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionFacts:
    """One section.

    Attributes:
        size: bytes in memory for a section without content (`.bss`), else bytes in the file.
        flags: `A` loaded, `W` writable, `X` executable, `C` compressed, in this order.
        sha256: hex digest of the content; None where there is none to digest.
    """

    name: str
    size: int
    flags: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryProfile:
    """Facts about one program. What only ELF files have is empty or None for the others.

    Attributes:
        sha256: hex digest of the whole file.
        size: bytes.
        damage: why the file cannot be what its first bytes say (cut off, say); None when nothing was found.
        machine: processor, in LIEF's lower-case name (`x86_64`).
        kind: `executable` (fixed address), `pie`, `shared-object`, `object` or `core`.
        interpreter: the loader that the program asks for, or the interpreter in a script's first line.
        needed: names of the shared libraries it asks for, in its order.
        versions: `library VERSION` for each symbol version it asks for.
        search: folders that it tells the loader to look in first (RPATH, RUNPATH).
        build_id: hex; None when the linker left none.
        notes: `owner type digest` of each note that is mapped.
        comment: the tools that the compiler and linker name in `.comment`, in its order.
        producers: compilers that the debug information names, C compilers with their flags, sorted.
        code_sha256: over what is mapped executable: addresses and bytes.
        data_sha256: over everything else that is mapped, with two things blanked that say nothing about how the
            program runs: the bytes of the build-id and the position of the section table.
        overlay_sha256: over what follows the last part that the file's own tables name; None when nothing does.
        functions: by name; None when there is no symbol table to read them from.
        units: `crate count`: how many units of code generation the compiler named in the symbol table.
        hardening: protections that its tables show, in the words of `checksec` for ELF (`pie`, `relro`, `full-relro`,
            `bind-now`, `canary`, `nx`, `fortify`); for PE also `high-entropy` and `control-flow-guard`, where `pie` is
            DYNAMIC_BASE; for Mach-O also `nx-heap`.
        debug_info: whether it carries DWARF.
        debug_files: names of files beside it that hold debug information: `.dwo` (split), or one it was taken off to.
        stripped: whether the symbol table is gone.
        crates: `name version` of dependencies, from the source paths that panics would print. A dependency that
            cannot panic leaves no trace, so absence alone proves nothing.
        audited: `name version` of the packages that `cargo auditable` listed, ` (local)` behind the project's own.
        go: what `go version -m` shows of a Go program: its version, then `path`, `mod`, `dep` and `build` lines.
        rustc_commits: of the standard library's sources, from the same strings.
        roots: folders that the crates' sources were compiled in, as far as those strings tell.
    """

    sha256: str
    size: int
    format: Format
    damage: str | None = None
    machine: str | None = None
    kind: str | None = None
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    build_id: str | None = None
    notes: tuple[str, ...] = ()
    comment: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    sections: tuple[SectionFacts, ...] = ()
    code_sha256: str | None = None
    data_sha256: str | None = None
    overlay_sha256: str | None = None
    functions: tuple[Function, ...] | None = None
    units: tuple[str, ...] = ()
    hardening: tuple[str, ...] = ()
    debug_info: bool = False
    debug_files: tuple[str, ...] = ()
    stripped: bool = True
    crates: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    go: tuple[str, ...] = ()
    rustc_commits: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()


_TEXTS = (
    *("needed", "versions", "search", "notes", "comment", "producers", "debug_files"),
    *("units", "hardening", "crates", "audited", "go", "rustc_commits", "roots"),
)
_PLAIN = (
    *("sha256", "size", "damage", "machine", "kind", "interpreter", "build_id"),
    *("code_sha256", "data_sha256", "overlay_sha256", "debug_info", "stripped"),
)


def profile_to_json(profile: BinaryProfile) -> dict[str, Any]:
    """Return the profile as a value that JSON can hold.

    Function names go as one text: a large program has a hundred thousand, and one long string is read back several
    times faster than as many short ones.
    """
    functions = profile.functions
    return {
        "version": PROFILE_VERSION,
        "format": profile.format.value,
        **{name: getattr(profile, name) for name in _PLAIN},
        **{name: list(getattr(profile, name)) for name in _TEXTS},
        "sections": [[part.name, part.size, part.flags, part.sha256] for part in profile.sections],
        "functions": functions
        if functions is None
        else {
            "names": "\n".join(function.name for function in functions),
            "sizes": [function.size for function in functions],
        },
    }


def profile_from_json(value: Any) -> BinaryProfile | None:
    """Return the profile that `profile_to_json` made; None for another version or a damaged value."""
    try:
        if value["version"] != PROFILE_VERSION:
            return None
        plain: dict[str, Any] = {name: value[name] for name in _PLAIN}
        texts: dict[str, Any] = {name: tuple(value[name]) for name in _TEXTS}
        return BinaryProfile(
            format=Format(value["format"]),
            sections=tuple(
                SectionFacts(name=name, size=size, flags=flags, sha256=sha256)
                for name, size, flags, sha256 in value["sections"]
            ),
            functions=_functions_from_json(value["functions"]),
            **plain,
            **texts,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _functions_from_json(value: Any) -> tuple[Function, ...] | None:
    if value is None:
        return None
    names = value["names"].split("\n") if value["sizes"] else []
    return tuple(Function(name, size) for name, size in zip(names, value["sizes"], strict=True))
