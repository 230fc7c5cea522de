"""What stops a file from being executed: from the facts about one program to faults with their repair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.loading import Form, Presence
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.loading import Access, LibraryFacts, LoadFacts, ProgramFacts, VersionGap

# ELF machine numbers of what an image's architecture may execute. The kernel of a 64-bit x86 machine runs 32-bit
# programs as well.
_MACHINES = {
    "amd64": {62: 64, 3: 32},
    "386": {3: 32},
    "arm64": {183: 64},
    "arm": {40: 32},
    "riscv64": {243: 64},
    "s390x": {22: 64},
    "ppc64le": {21: 64},
    "loong64": {258: 64},
    "mips64le": {8: 64},
}
_MACHINE_NAMES = {
    3: "386",
    8: "mips",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "amd64",
    183: "arm64",
    243: "riscv64",
    258: "loong64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that stops the start."""

    cause: str
    message: str
    repair: str
    evidence: tuple[Evidence, ...] = ()


def execution_faults(program: ProgramFacts, facts: LoadFacts, *, what: str, refused: str) -> Iterator[Fault]:
    """Yield what stops a file that is there from being executed.

    Args:
        program: the file.
        facts: the image that it is in.
        what: how to speak of it (`the entrypoint`).
        refused: the cause when the image's user may not execute it.
    """
    name = f"{what} {program.found.real}"
    if program.execute is not None and program.execute.allowed is False:
        yield _refused(name, program.execute, facts, cause=refused)
    if program.form is Form.SCRIPT:
        yield from _script(program, facts, name=name, refused=refused)
    elif program.form is Form.ELF:
        yield from _elf(program, facts, name=name)
    elif program.form is Form.EMPTY:
        yield Fault(
            cause="not-a-program",
            message=f"{name} is empty",
            repair="look at what writes the file: the build, a redirection, a COPY from the wrong stage",
        )
    elif program.form is Form.OTHER:
        yield Fault(
            cause="not-a-program",
            message=f"{name} is neither an ELF program nor a script: its first bytes are not those of either",
            repair="a script needs `#!/bin/sh` as its very first bytes (no byte order mark, no empty line); "
            "a program must be built for Linux",
        )


def _refused(name: str, access: Access, facts: LoadFacts, *, cause: str) -> Fault:
    owner = f", owner {access.owner}" if access.owner else ""
    user = facts.user or "root"
    return Fault(
        cause=cause,
        message=f"{name} may not be executed by user {user}: {access.blocker} has mode {access.mode:04o}{owner}",
        repair=f"`COPY --chmod=0755 …`, or `RUN chmod a+x {access.blocker}` in the shipped stage",
        evidence=(Evidence(label="mode", value=f"{access.blocker} {access.mode:04o}{owner}"),),
    )


def _script(program: ProgramFacts, facts: LoadFacts, *, name: str, refused: str) -> Iterator[Fault]:
    line = program.shebang or ""
    if line.endswith("\r") and not line.partition(" ")[2].startswith("-S"):
        yield Fault(
            cause="crlf-in-script",
            message=f"{name} has Windows line ends: the kernel looks for an interpreter that ends in a carriage return",
            repair="convert it (`sed -i 's/\\r$//'`) and keep it so: `*.sh text eol=lf` in .gitattributes",
            evidence=(Evidence(label="first line", value=repr(f"#!{line}")),),
        )
        return
    if program.read is not None and program.read.allowed is False:
        yield _refused(name, program.read, facts, cause=refused)
    if not program.interpreter:
        yield Fault(
            cause="interpreter-missing",
            message=f"{name} names no interpreter that can be followed: its first line is {f'#!{line}'!r}",
            repair="begin the script with `#!/bin/sh`",
        )
    for interpreter in program.interpreter:
        if interpreter.found.presence is not Presence.FILE:
            yield Fault(
                cause="interpreter-missing",
                message=f"{name} needs {interpreter.word}, which the image does not have",
                repair=f"install {interpreter.word} in the shipped stage, begin the script with an interpreter that "
                "is there, or make the program itself the entrypoint",
                evidence=(Evidence(label="first line", value=f"#!{line}"),),
            )
        else:
            yield from execution_faults(
                interpreter,
                facts,
                what=f"the interpreter of {program.found.real},",
                refused=refused,
            )


def _elf(program: ProgramFacts, facts: LoadFacts, *, name: str) -> Iterator[Fault]:
    allowed = _MACHINES.get(facts.architecture)
    foreign = allowed is not None and allowed.get(program.machine or 0) != program.bits
    # Without a readable header there is no processor to speak of; that is the damage below.
    if foreign and program.bits:
        yield _wrong_architecture(program, facts, name=name)
        return
    if program.damage is not None:
        yield Fault(
            cause="damaged-program",
            message=f"{name} is damaged: {program.damage}",
            repair="look at what touches the file after it was linked (strip, a packer, a copy that was cut short)",
        )
        return
    yield from _loader(program, name=name)
    for library in program.libraries:
        yield _library_missing(library, name=name)
    if program.gaps:
        yield _version_gap(program.gaps, name=name)


def _wrong_architecture(program: ProgramFacts, facts: LoadFacts, *, name: str) -> Fault:
    machine = _MACHINE_NAMES.get(program.machine or 0, f"ELF machine {program.machine}")
    return Fault(
        cause="wrong-architecture",
        message=f"{name} is a {program.bits}-bit {machine} program, the image is for {facts.architecture}",
        repair="build it for the image's processor: the toolchain's target and the platform of FROM must agree",
    )


def _loader(program: ProgramFacts, *, name: str) -> Iterator[Fault]:
    loader = program.loader
    if loader is None:
        return
    musl = "musl" in loader.path
    repair = (
        "ship it on Alpine, or build it for the `-gnu` target"
        if musl
        else "ship it on a base with glibc (debian:…-slim, distroless/cc), or build it statically (`-musl` target)"
    )
    if loader.presence is not Presence.FILE:
        dangling = f" (a link to {loader.real})" if loader.presence is Presence.DANGLING else ""
        yield Fault(
            cause="interpreter-missing",
            message=f"{name} asks for the loader {loader.path}{dangling}, which the image does not have; "
            "the start would fail with `no such file or directory`",
            repair=repair,
        )
    elif program.loader_machine is None:
        yield Fault(
            cause="interpreter-missing",
            message=f"{name} asks for the loader {loader.path}, and what the image has there is no ELF file",
            repair=repair,
        )
    elif program.loader_machine != program.machine:
        yield Fault(
            cause="wrong-architecture",
            message=f"{name} asks for the loader {loader.path}, and the one in the image is for another processor",
            repair="build the program and the image for the same processor",
        )


def _library_missing(library: LibraryFacts, *, name: str) -> Fault:
    asked = _asked_for(name, library.needed_by, library.chain)
    skipped = (
        f"; passed over, being for another processor: {', '.join(library.passed_over)}" if library.passed_over else ""
    )
    return Fault(
        cause="library-missing",
        message=f"{name} needs {library.name}{asked}, which the image does not have{skipped}",
        repair=f"install the package that holds {library.name} in the shipped stage, or link it statically",
        evidence=(Evidence(label=f"searched for {library.name}", value=", ".join(library.searched)),),
    )


def _asked_for(name: str, needed_by: str, chain: tuple[str, ...]) -> str:
    """Return who asks, and by way of which other libraries; nothing where the program itself does."""
    if name.endswith(needed_by):
        return ""
    between = "".join(f", which {path} asks for" for path in reversed(chain[1:-1]))
    return f" (asked for by {needed_by}{between})"


def _version_gap(gaps: tuple[VersionGap, ...], *, name: str) -> Fault:
    gap = gaps[0]
    newest = f"up to {gap.newest}" if gap.newest else "no version of that family"
    asked = _asked_for(name, gap.needed_by, gap.chain)
    glibc = any(gap.version.startswith("GLIBC_") for gap in gaps)
    return Fault(
        cause="glibc-too-old" if glibc else "library-too-old",
        message=f"{name} needs {gap.version}{asked}, and {gap.library} in the image has {newest}",
        repair="give the builder stage and the shipped stage the same release of the distribution, "
        "or build on the older one of the two",
        evidence=tuple(
            Evidence(label="version missing", value=f"{gap.version} in {gap.library}, for {gap.needed_by}")
            for gap in gaps
        ),
    )
