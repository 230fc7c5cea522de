"""The loadable check: which cause leads, and what the sentence says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.binary.loading import (
    Access,
    Form,
    Found,
    LibraryFacts,
    LoadFacts,
    Presence,
    ProgramFacts,
    VersionGap,
)
from orchestrator.gate.checks.loadable import judge
from orchestrator.location import Location
from orchestrator.verdict import Status

APP = "/usr/local/bin/app"
START = "/entrypoint.sh"
LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
ALLOWED = Access(allowed=True)


def file(path: str, presence: Presence = Presence.FILE, real: str | None = None) -> Found:
    return Found(path=path, real=real or path, presence=presence, mode=0o100755, size=1)


PROGRAM = ProgramFacts(
    word=APP,
    found=file(APP),
    tried=(APP,),
    execute=ALLOWED,
    form=Form.ELF,
    machine=62,
    bits=64,
    loader=file(LOADER),
    loader_machine=62,
    resolved=(LIBC,),
)
SHELL = replace(PROGRAM, word="/bin/sh", found=file("/bin/sh", real="/usr/bin/dash"))
LOCKED = replace(SHELL, execute=Access(allowed=False, blocker="/usr/bin/dash", mode=0o700))
SCRIPT = ProgramFacts(
    word=START,
    found=file(START),
    tried=(START,),
    execute=ALLOWED,
    read=ALLOWED,
    form=Form.SCRIPT,
    shebang="/bin/sh",
    interpreter=(SHELL,),
)
SOUND = LoadFacts(
    command=(START, "app"),
    architecture="amd64",
    user="app",
    user_known=True,
    entry=(SCRIPT,),
    binary=PROGRAM,
    not_judged=(f"what the script {START} starts",),
)
BARE = replace(SOUND, command=(APP,), entry=(PROGRAM,), not_judged=())


def with_program(**change: Any) -> LoadFacts:
    program = replace(PROGRAM, **change)
    return replace(BARE, entry=(program,), binary=program)


def with_script(**change: Any) -> LoadFacts:
    return replace(SOUND, entry=(replace(SCRIPT, **change),))


def test_a_sound_image_passes_and_says_what_was_not_judged() -> None:
    """Entrypoint and program can start; what a script does is for the smoke run to show."""
    result = judge(SOUND, seconds=0.3)
    assert (result.id, result.status, result.cause, result.seconds) == ("loadable", Status.PASSED, None, 0.3)
    assert result.message == (
        f"the entrypoint {START} and the program {APP} can start (loader and 1 library found in the image)"
    )
    assert ("not judged", f"what the script {START} starts") in [(fact.label, fact.value) for fact in result.evidence]


def test_a_program_that_is_its_own_entrypoint_is_said_once() -> None:
    """A static program on scratch."""
    result = judge(with_program(loader=None, resolved=()))
    assert result.message == f"the entrypoint {APP} can start (static)"


@pytest.mark.parametrize(
    ("facts", "cause", "words"),
    [
        (replace(SOUND, user_known=False), "user-unknown", "'app'"),
        (replace(SOUND, command=(), entry=()), "entrypoint-missing", "neither ENTRYPOINT nor CMD"),
        (with_script(found=file(START, Presence.MISSING)), "entrypoint-missing", START),
        (with_script(found=file(START, Presence.DANGLING, "/gone")), "entrypoint-missing", "a link to /gone"),
        (with_script(found=file(START, Presence.DIRECTORY)), "entrypoint-not-executable", "is a directory"),
        (
            with_script(execute=Access(allowed=False, blocker=START, mode=0o644)),
            "entrypoint-not-executable",
            "mode 0644",
        ),
        (
            with_script(read=Access(allowed=False, blocker=START, mode=0o711, owner="0:0")),
            "entrypoint-not-executable",
            "owner 0:0",
        ),
        (with_script(shebang="/bin/sh\r", interpreter=()), "crlf-in-script", "Windows line ends"),
        (with_script(shebang="/bin/sh -e\r"), "crlf-in-script", "Windows line ends"),
        (with_script(shebang="", interpreter=()), "interpreter-missing", "names no interpreter"),
        (
            with_script(interpreter=(replace(SHELL, found=file("/bin/sh", Presence.MISSING)),)),
            "interpreter-missing",
            "needs /bin/sh",
        ),
        (with_script(form=Form.OTHER), "not-a-program", "neither an ELF program nor a script"),
        (with_script(form=Form.EMPTY), "not-a-program", "is empty"),
        (replace(SOUND, binary=replace(PROGRAM, found=file(APP, Presence.MISSING))), "binary-missing-in-image", APP),
        (
            replace(SOUND, binary=replace(PROGRAM, found=file(APP, Presence.DIRECTORY))),
            "binary-missing-in-image",
            "is a directory",
        ),
        (
            replace(SOUND, binary=replace(PROGRAM, execute=Access(allowed=False, blocker=APP, mode=0o644))),
            "binary-not-executable",
            "user app",
        ),
        (
            replace(SOUND, binary=replace(SCRIPT, word=APP, found=file(APP), interpreter=(LOCKED,))),
            "binary-not-executable",
            "the interpreter of /usr/local/bin/app, /usr/bin/dash may not be executed by user app",
        ),
        (with_script(interpreter=(LOCKED,)), "entrypoint-not-executable", "the interpreter of /entrypoint.sh"),
        (with_program(machine=183, damage=None), "wrong-architecture", "64-bit arm64 program, the image is for amd64"),
        (with_program(damage="it is cut off"), "damaged-program", "cut off"),
        (with_program(machine=0, bits=0, damage="it ends"), "damaged-program", "it ends"),
        (with_program(loader=file(LOADER, Presence.MISSING)), "interpreter-missing", LOADER),
        (with_program(loader=file(LOADER, Presence.DANGLING, "/x")), "interpreter-missing", "a link to /x"),
        (with_program(loader_machine=183), "wrong-architecture", "for another processor"),
        (with_program(loader_machine=None), "interpreter-missing", "is no ELF file"),
    ],
)
def test_each_obstacle_has_its_cause_and_its_sentence(facts: LoadFacts, cause: str, words: str) -> None:
    """The cause is the catalogue's id; the sentence names the file."""
    result = judge(facts)
    assert (result.status, result.cause) == (Status.FAILED, cause)
    assert words in result.message
    assert result.repair


def test_a_missing_library_names_the_chain_and_the_folders() -> None:
    """Which file asks, and where the loader looks."""
    missing = LibraryFacts(name="libz.so.1", needed_by="/lib/libouter.so", searched=("/etc/ld.so.cache", "/lib"))
    result = judge(with_program(libraries=(missing,)), location=Location(file="Dockerfile", line=9))
    assert (result.cause, result.location) == ("library-missing", Location(file="Dockerfile", line=9))
    assert result.message == (
        f"the entrypoint {APP} needs libz.so.1 (asked for by /lib/libouter.so), which the image does not have"
    )
    assert [(fact.label, fact.value) for fact in result.evidence] == [
        ("searched for libz.so.1", "/etc/ld.so.cache, /lib")
    ]


def test_a_longer_chain_is_told_link_by_link() -> None:
    """From the one that asks back to the program."""
    chain = (APP, "/lib/liba.so", "/lib/libb.so")
    missing = LibraryFacts(name="libz.so.1", needed_by="/lib/libb.so", searched=(), chain=chain)
    result = judge(with_program(libraries=(missing,)))
    assert "needs libz.so.1 (asked for by /lib/libb.so, which /lib/liba.so asks for), which" in result.message


@pytest.mark.parametrize(
    ("version", "newest", "cause", "words"),
    [
        ("GLIBC_2.38", "GLIBC_2.36", "glibc-too-old", "needs GLIBC_2.38, and /lib/x has up to GLIBC_2.36"),
        ("GLIBC_ABI_DT_RELR", None, "glibc-too-old", "has no version of that family"),
        ("GLIBCXX_3.4.32", "GLIBCXX_3.4.30", "library-too-old", "up to GLIBCXX_3.4.30"),
    ],
)
def test_a_missing_symbol_version_names_both_sides(version: str, newest: str | None, cause: str, words: str) -> None:
    """What is needed and what the image has; glibc has its own cause."""
    gap = VersionGap(version=version, library="/lib/x", needed_by=APP, newest=newest)
    result = judge(with_program(gaps=(gap,)))
    assert result.cause == cause
    assert words in result.message.replace("/lib/x in the image", "/lib/x")


def test_the_first_obstacle_leads_and_the_others_are_kept() -> None:
    """Everything that was found is in the evidence."""
    broken = replace(PROGRAM, libraries=(LibraryFacts(name="libz.so.1", needed_by=APP, searched=()),))
    facts = replace(with_script(found=file(START, Presence.MISSING)), binary=broken)
    result = judge(facts)
    assert result.cause == "entrypoint-missing"
    assert "also library-missing" in [fact.label for fact in result.evidence]


@pytest.mark.parametrize(
    ("architecture", "machine", "bits", "fits"),
    [
        ("amd64", 62, 64, True),
        ("amd64", 3, 32, True),
        ("amd64", 62, 32, False),
        ("arm64", 183, 64, True),
        ("arm64", 62, 64, False),
        ("something-new", 999, 64, True),
    ],
)
def test_the_processor_must_fit_the_image(*, architecture: str, machine: int, bits: int, fits: bool) -> None:
    """An architecture that is not known is not judged."""
    facts = replace(with_program(machine=machine, bits=bits, loader_machine=machine), architecture=architecture)
    assert (judge(facts).status is Status.PASSED) is fits


def test_env_that_splits_its_words_takes_a_carriage_return() -> None:
    """`env -S` drops it, so the script does start."""
    assert judge(with_script(shebang="/usr/bin/env -S sh\r")).status is Status.PASSED


OTHER = replace(PROGRAM, word="app", found=file("/usr/local/sbin/app"))
STARTS_OTHER = replace(BARE, command=("app",), entry=(OTHER,), other_program=True)


def test_a_program_that_is_not_the_shipped_one_is_named_with_the_line_that_starts_it() -> None:
    """The right file lies where the spec says; what runs is another one."""
    copied, started = Location(file="Dockerfile", line=7), Location(file="Dockerfile", line=9)
    result = judge(STARTS_OTHER, location=copied, launch_line=started)
    assert (result.status, result.cause, result.location) == (Status.FAILED, "starts-another-program", started)
    assert "/usr/local/sbin/app" in result.message
    assert "launcher: /usr/local/sbin/app" in (result.repair or "")


def test_a_launcher_that_the_spec_names_is_no_other_program() -> None:
    """An init that reads what it starts from a file of its own."""
    assert judge(STARTS_OTHER, launcher="/usr/local/sbin/app").status is Status.PASSED


def test_a_program_that_cannot_start_leads() -> None:
    """Two causes: the one without which nothing runs is the first."""
    damaged = replace(STARTS_OTHER, binary=replace(PROGRAM, damage="cut short"))
    result = judge(damaged)
    assert result.cause != "starts-another-program"
    assert "also starts-another-program" in [evidence.label for evidence in result.evidence]
