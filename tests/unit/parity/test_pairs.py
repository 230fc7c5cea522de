"""Pairs of real programs, judged by their profiles alone: what is proven and named without looking at the contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.binary.content.unmatched import unmatched_code
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import Likelihood, diagnose
from orchestrator.parity.compare import compare
from orchestrator.parity.rung import Rung
from orchestrator.parity.worth_reading import worth_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.parity.cause import Suspicion
    from orchestrator.parity.difference import Comparison

    Compared = Callable[[Path, Path], Comparison]

pytestmark = pytest.mark.cargo


@pytest.fixture(scope="session")
def compared(profiled: Callable[[Path], BinaryProfile]) -> Compared:
    def both(local: Path, image: Path) -> Comparison:
        here, there = profiled(local), profiled(image)
        unmatched = unmatched_code(local, image) if worth_reading(here, there) else None
        return compare(here, there, own=("backend",), unmatched=unmatched)

    return both


def leading(comparison: Comparison) -> Suspicion:
    assert comparison.difference is not None
    return diagnose(comparison.difference)[0]


def summary(comparison: Comparison) -> tuple[Rung, str, Likelihood]:
    first = leading(comparison)
    return comparison.rung, first.cause, first.likelihood


def test_two_builds_of_the_same_source_are_identical(workshop: Any, compared: Compared) -> None:
    """The same compiler at the same paths gives the same bytes, and nothing more is said."""
    program = workshop.service()
    again = workshop.service("-C", "opt-level=3")  # what -O means
    comparison = compared(program, again)
    assert comparison.rung is Rung.IDENTICAL
    assert comparison.difference is None
    assert comparison.held_by == ""


def test_debug_information_that_one_side_has_compressed(
    workshop: Any, compared: Compared, profiled: Callable[[Path], BinaryProfile]
) -> None:
    """It is said so, instead of that the sources lay elsewhere; and both read the same of it."""
    program = workshop.service("-g")
    packed = workshop.changed(program, "packed", "objcopy", "--compress-debug-sections=zlib")
    comparison = compared(program, packed)
    assert summary(comparison) == (Rung.HASH_ONLY, "debug-info", Likelihood.LIKELY)
    assert "only the image's program's debug information is compressed" in leading(comparison).explanation
    assert profiled(packed).producers == profiled(program).producers != ()


def test_a_stub_is_certain(workshop: Any, compared: Compared, stub_source: str) -> None:
    """All own functions but `main` are gone, all dependencies too, and the rest is the standard library's."""
    comparison = compared(workshop.service(), workshop.plain(stub_source))
    assert summary(comparison) == (Rung.FOREIGN, "stub", Likelihood.CERTAIN)
    said = leading(comparison)
    assert "none of package `backend`'s own (main only)" in said.explanation
    functions = comparison.difference.functions
    assert f"{functions.common:,} of {functions.local:,} functions" in said.explanation
    evidence = {fact.label: fact.value for fact in said.evidence}
    assert "backend::server::run" in evidence["own functions missing"]
    assert evidence["dependencies missing"] == "tinydep 1.2.3"


def test_a_stub_of_a_program_without_dependencies_is_told_by_its_functions(
    workshop: Any, compared: Compared, stub_source: str
) -> None:
    """A small program shows no dependencies either; its own functions are enough."""
    assert summary(compared(workshop.plain(), workshop.plain(stub_source))) == (
        Rung.FOREIGN,
        "stub",
        Likelihood.LIKELY,
    )


def test_a_stripped_stub_is_told_by_its_dependencies(workshop: Any, compared: Compared, stub_source: str) -> None:
    """Without symbols on either side the source paths of dependencies are what is left."""
    local = workshop.changed(workshop.service(), "bare", "strip")
    image = workshop.changed(workshop.plain(stub_source), "bare", "strip")
    assert summary(compared(local, image)) == (Rung.FOREIGN, "stub", Likelihood.LIKELY)


def test_a_stripped_stub_without_dependencies_is_unknown(workshop: Any, compared: Compared, stub_source: str) -> None:
    """Nothing tells it from another build; size is no evidence, so no name is given."""
    local = workshop.changed(workshop.plain(), "bare", "strip")
    image = workshop.changed(workshop.plain(stub_source), "bare", "strip")
    assert leading(compared(local, image)).cause == "unknown"


def test_inlined_functions_are_no_stub(workshop: Any, compared: Compared) -> None:
    """Other compiler settings can leave `main` alone as well: then the rest differs, and no stub is claimed."""
    source = 'fn add(a: usize) -> usize { a + 1 }\nfn main() { println!("{}", add(std::env::args().count())); }'
    local, image = workshop.plain(source, "-C", "opt-level=0"), workshop.plain(source)
    assert leading(compared(local, image)).cause == "debug-profile"


def test_another_binary_of_the_workspace_is_another_program(
    workshop: Any, compared: Compared, stub_source: str
) -> None:
    """Its `main` belongs to another crate, which is named."""
    comparison = compared(workshop.service(), workshop.plain(stub_source, crate="backend_admin"))
    assert summary(comparison) == (Rung.FOREIGN, "other-program", Likelihood.CERTAIN)
    assert "`backend_admin`" in leading(comparison).explanation
    assert len(diagnose(comparison.difference)) == 1


def test_a_program_in_another_language_is_another_program(workshop: Any, compared: Compared) -> None:
    """Nothing in it shows the Rust compiler."""
    comparison = compared(workshop.service(), workshop.c())
    assert summary(comparison) == (Rung.FOREIGN, "other-program", Likelihood.LIKELY)


@pytest.mark.parametrize(
    ("content", "cause", "words"),
    [
        (b"#!/bin/sh\nexec sleep 1\n", "other-program", "a script for /bin/sh"),
        (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "other-program", "a macOS program"),
        (b"MZ", "other-program", "a Windows program"),
        (b"hello", "other-program", "no program"),
        (b"", "damaged-program", "it is empty"),
    ],
)
def test_a_file_that_is_no_elf_program_is_named(
    workshop: Any, compared: Compared, content: bytes, cause: str, words: str
) -> None:
    """Whatever lies at the program's path is said in plain words."""
    local = workshop.plain()
    image = workshop.edited(local, f"file{len(content)}", lambda _: content)
    comparison = compared(local, image)
    assert summary(comparison) == (Rung.FOREIGN, cause, Likelihood.CERTAIN)
    assert words in leading(comparison).explanation


def test_a_truncated_program_is_damaged(workshop: Any, compared: Compared) -> None:
    """A copy that was cut short is told by its own tables."""
    local = workshop.service()
    image = workshop.edited(local, "cut", lambda content: content[: len(content) // 3])
    assert summary(compared(local, image)) == (Rung.FOREIGN, "damaged-program", Likelihood.CERTAIN)


def test_a_damaged_local_program_is_no_difference_in_libraries(workshop: Any, compared: Compared) -> None:
    """Without its tables it names no libraries: that is no other link, and nothing in the image needs a repair."""
    image = workshop.service()
    for name, kept in (("stump", len(image.read_bytes()) // 3), ("header", 40), ("nothing", 0)):
        comparison = compared(workshop.edited(image, name, lambda content, kept=kept: content[:kept]), image)
        assert summary(comparison) == (Rung.FOREIGN, "damaged-program", Likelihood.CERTAIN)
        assert leading(comparison).explanation.startswith("the local file is damaged: ")
        assert "Dockerfile" not in leading(comparison).repair
    both = compared(
        workshop.edited(image, "stump", lambda content: content[:5000]),
        workshop.edited(image, "end", lambda content: content[:9000]),
    )
    assert "the local file is damaged" in leading(both).explanation
    assert "the image's file is damaged" in leading(both).explanation


def test_a_local_file_that_is_no_program_is_not_blamed_on_the_image(workshop: Any, compared: Compared) -> None:
    """The image's program is one: its path needs no correction."""
    image = workshop.plain()
    comparison = compared(workshop.edited(image, "start.sh", lambda _: b"#!/bin/sh\nexec sleep 1\n"), image)
    assert summary(comparison) == (Rung.FOREIGN, "other-program", Likelihood.CERTAIN)
    assert leading(comparison).explanation == "the local file is a script, and the image's is an ELF program"
    assert "COPY" not in leading(comparison).repair


def test_what_a_script_lacks_is_no_list_of_differences(workshop: Any, compared: Compared) -> None:
    """Sections, dependencies and functions of no program are not compared, and its toolchain is not called equal."""
    local = workshop.service()
    difference = compared(local, workshop.edited(local, "start.sh", lambda _: b"#!/bin/sh\nexec a\n")).difference
    assert difference is not None
    seen = {aspect.name: aspect.equal for aspect in look_at(difference)}
    assert (seen.pop("identity"), seen.pop("sizes")) == (False, False)
    assert set(seen.values()) == {None}


def test_strip_leaves_the_loaded_program(workshop: Any, compared: Compared) -> None:
    """`strip` in the Dockerfile: symbols gone, all that is mapped equal."""
    local = workshop.service()
    comparison = compared(local, workshop.changed(local, "bare", "strip"))
    assert summary(comparison) == (Rung.HASH_ONLY, "stripped", Likelihood.CERTAIN)


def test_strip_debug_leaves_the_symbols(workshop: Any, compared: Compared) -> None:
    """`strip --strip-debug`: only debug information is gone."""
    local = workshop.service()
    comparison = compared(local, workshop.changed(local, "nodebug", "strip", "--strip-debug"))
    assert summary(comparison) == (Rung.HASH_ONLY, "strip-debug", Likelihood.CERTAIN)


def test_two_ways_to_strip_differ_in_metadata(workshop: Any, compared: Compared) -> None:
    """`strip` after the link keeps the link's build-id; the linker's own stripping is another link."""
    local = workshop.changed(workshop.service(), "bare", "strip")
    assert compared(local, workshop.service("-C", "strip=symbols")).rung is Rung.METADATA


def test_another_linker_is_named(workshop: Any, compared: Compared) -> None:
    """rust-lld names itself in .comment, GNU ld does not."""
    comparison = compared(workshop.service(), workshop.service("-C", "linker-features=-lld"))
    assert summary(comparison) == (Rung.TOOLCHAIN, "linker", Likelihood.CERTAIN)
    assert "LLD" in leading(comparison).explanation
    assert "linker" in leading(comparison).repair


def test_another_version_of_a_dependency_is_named(workshop: Any, compared: Compared) -> None:
    """Two releases without a differing instruction look like a path; the version is what differs."""
    comparison = compared(workshop.service(), workshop.service(version="1.2.4"))
    assert comparison.rung is Rung.CODE
    assert summary(comparison)[1:] == ("dependency-version", Likelihood.CERTAIN)
    assert "tinydep 1.2.3 (local) 1.2.4 (image)" in leading(comparison).explanation


def test_a_library_that_one_side_needs_is_named(workshop: Any, compared: Compared) -> None:
    """NEEDED is decided by the link alone."""
    flags = ("-C", "link-arg=-Wl,--no-as-needed", "-C", "link-arg=-lm")
    comparison = compared(workshop.service(), workshop.service(*flags))
    assert summary(comparison)[1:] == ("needed-differs", Likelihood.LIKELY)
    assert "only image libm.so.6" in leading(comparison).explanation


def test_another_folder_of_sources_is_paths(workshop: Any, compared: Compared) -> None:
    """The folders are shown; the machine code moved with them, so the rung claims no more than is proven."""
    home = "a-cargo-home-with-a-much-longer-name"
    comparison = compared(workshop.service(), workshop.service(home=home))
    assert summary(comparison) == (Rung.CODE, "paths", Likelihood.LIKELY)
    assert comparison.held_by.endswith("no function is added, removed or resized")
    assert home in leading(comparison).explanation


def test_another_folder_of_the_same_length_is_paths(workshop: Any, compared: Compared) -> None:
    """Whether code moves is up to the order in which the linker meets equal strings; the cause stays the same."""
    comparison = compared(workshop.service(), workshop.service(home="home-nowx"))
    assert comparison.rung in {Rung.DATA, Rung.CODE}
    assert leading(comparison).cause == "paths"
    assert "home-nowx" in leading(comparison).explanation


def test_other_symbol_hashes_are_hash_only(workshop: Any, compared: Compared) -> None:
    """Other metadata for the compiler renames the functions and leaves the loaded program."""
    comparison = compared(workshop.service(), workshop.service("-C", "metadata=other"))
    assert summary(comparison) == (Rung.HASH_ONLY, "symbol-hash", Likelihood.CERTAIN)


def test_changed_data_are_no_changed_code(workshop: Any, compared: Compared) -> None:
    """An initial value: equal code, other data, and no cause that could be known."""
    local = workshop.service()
    image = workshop.service(source=workshop.source.replace("(92)", "(93)"))
    assert summary(compared(local, image)) == (Rung.DATA, "unknown", Likelihood.POSSIBLE)


def test_changed_code_is_unknown_and_says_what_was_ruled_out(workshop: Any, compared: Compared) -> None:
    """A constant in the code: no function was added or resized, and no cause is made up."""
    local = workshop.service()
    image = workshop.service(source=workshop.source.replace(" + 5 }", " + 6 }"))
    comparison = compared(local, image)
    assert summary(comparison) == (Rung.CODE, "unknown", Likelihood.POSSIBLE)
    assert "no function was added, removed or resized" in leading(comparison).explanation
    ruled_out = next(fact.value for fact in leading(comparison).evidence if fact.label == "ruled out")
    assert {"stub", "toolchain", "paths"} <= set(ruled_out.split(", "))


def test_bytes_behind_the_program_are_data(workshop: Any, compared: Compared) -> None:
    """What is appended to a program is mapped by nobody, and may still be read by it."""
    local = workshop.service()
    image = workshop.edited(local, "longer", lambda content: content + b"payload")
    assert compared(local, image).rung is Rung.DATA


def test_a_stub_linked_by_other_tools_is_still_a_stub(workshop: Any, compared: Compared, stub_source: str) -> None:
    """Of two causes that are both certain the one that explains more leads, and the other one is named too."""
    image = workshop.plain(stub_source, "-C", "linker-features=-lld")
    comparison = compared(workshop.service(), image)
    assert [suspicion.cause for suspicion in diagnose(comparison.difference)][:2] == ["stub", "linker"]
