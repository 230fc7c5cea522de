"""The comparison as a pure function of two profiles: what it proves, and what it does not claim."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.profile import BinaryProfile, Format, Function, SectionFacts
from orchestrator.binary.read import read_profile
from orchestrator.parity.cause import CAUSES, Likelihood, diagnose
from orchestrator.parity.compare import compare, compare_files, section_names
from orchestrator.parity.difference import SectionDifference
from orchestrator.parity.evidence.blame import blame
from orchestrator.parity.rung import Rung

if TYPE_CHECKING:
    from pathlib import Path

TEXT = SectionFacts(name=".text", size=100, flags="AX", sha256="t" * 64)
LOCAL = BinaryProfile(
    sha256="a" * 64,
    size=1000,
    format=Format.ELF,
    machine="x86_64",
    kind="pie",
    code_sha256="c" * 64,
    data_sha256="d" * 64,
    sections=(TEXT,),
    functions=(Function("_ZN7backend4mainE", 10), Function("_ZN7backend3runE", 20)),
    stripped=False,
)
IMAGE = replace(LOCAL, sha256="b" * 64)


def read_never(sha256: str) -> BinaryProfile:
    raise AssertionError(sha256)


def test_identical_files_are_never_profiled() -> None:
    """Equal digests are the answer; nothing is read for it."""
    comparison = compare_files("a" * 64, "a" * 64, size=5, profile=read_never)
    assert (comparison.rung, comparison.local_size, comparison.difference) == (Rung.IDENTICAL, 5, None)


def test_differing_files_are_profiled_once_each() -> None:
    """Each side is asked for once."""
    asked = []

    def read(sha256: str) -> BinaryProfile:
        asked.append(sha256)
        return LOCAL if sha256 == LOCAL.sha256 else IMAGE

    assert compare_files(LOCAL.sha256, IMAGE.sha256, size=5, profile=read).rung is not Rung.IDENTICAL
    assert asked == [LOCAL.sha256, IMAGE.sha256]


@pytest.mark.parametrize(
    ("change", "rung"),
    [
        ({}, Rung.METADATA),
        ({"sections": (TEXT, SectionFacts(name=".comment", size=1, flags="", sha256="x"))}, Rung.METADATA),
        ({"sections": (TEXT, SectionFacts(name=".symtab", size=1, flags="", sha256="x"))}, Rung.HASH_ONLY),
        ({"overlay_sha256": "o"}, Rung.DATA),
        ({"data_sha256": "x"}, Rung.DATA),
        ({"data_sha256": "x", "roots": ("/app",)}, Rung.DATA),
        ({"code_sha256": "x"}, Rung.CODE),
        ({"code_sha256": "x", "kind": "executable"}, Rung.CODE),
        ({"machine": "aarch64"}, Rung.FOREIGN),
        ({"damage": "it is cut off"}, Rung.FOREIGN),
        ({"format": Format.SCRIPT}, Rung.FOREIGN),
        ({"code_sha256": "x", "functions": (LOCAL.functions or ())[:1]}, Rung.FOREIGN),
    ],
)
def test_the_rung_is_the_best_that_is_proven(change: dict[str, object], rung: Rung) -> None:
    """Each rung by the one fact that keeps the pair from the next better one, which is said."""
    comparison = compare(LOCAL, replace(IMAGE, **change))
    assert comparison.rung is rung
    assert comparison.held_by


def test_other_tools_make_a_code_difference_a_toolchain_difference() -> None:
    """Named on both sides, and differently."""
    local = replace(LOCAL, comment=("rustc version 1.95.0",))
    image = replace(IMAGE, comment=("rustc version 1.94.0",), code_sha256="x")
    comparison = compare(local, image)
    assert comparison.rung is Rung.TOOLCHAIN
    assert comparison.difference is not None
    assert diagnose(comparison.difference)[0].cause == "toolchain"


def test_a_side_that_names_no_tools_proves_no_other_toolchain() -> None:
    """A removed .comment, or a program without panic locations, is no other compiler."""
    local = replace(LOCAL, comment=("rustc version 1.95.0",), rustc_commits=("0" * 40,))
    comparison = compare(local, replace(IMAGE, code_sha256="x"))
    assert comparison.rung is Rung.CODE
    assert comparison.difference is not None
    assert not comparison.difference.toolchains


def test_functions_are_matched_as_bags() -> None:
    """Functions that share a name may swap places; one more or one larger is told apart."""
    twice = (Function("f", 1), Function("f", 2))
    swapped = compare(replace(LOCAL, functions=twice), replace(IMAGE, functions=twice[::-1], code_sha256="x"))
    assert swapped.difference is not None
    assert swapped.difference.functions is not None
    assert swapped.difference.functions.same_shape
    larger = (Function("f", 1), Function("f", 3), Function("g", 1))
    changed = compare(replace(LOCAL, functions=twice), replace(IMAGE, functions=larger, code_sha256="x"))
    assert changed.difference is not None
    functions = changed.difference.functions
    assert functions is not None
    assert (functions.common, functions.only_local, functions.only_image, functions.resized) == (2, (), ("g",), ("f",))


def test_own_crates_are_counted_one_by_one() -> None:
    """Given names take the place of what the local program's `main` tells; hyphens are the compiler's underscores."""
    local = replace(LOCAL, functions=(*(LOCAL.functions or ()), Function("_ZN8app_core4workE", 5)))
    comparison = compare(local, replace(IMAGE, code_sha256="x"), own=("backend", "app-core"))
    assert comparison.difference is not None
    backend, library = comparison.difference.own
    assert (backend.local, backend.local_beyond_main, backend.image_beyond_main, backend.missing) == (2, 1, 1, ())
    assert (library.crate, library.local, library.image, library.missing) == ("app_core", 1, 0, ("app_core::work",))
    assert comparison.rung is Rung.CODE, "one real crate is left, so the program is not foreign"


def test_a_library_of_the_project_that_is_empty_is_likely_a_partial_stub() -> None:
    """The library stub of a workspace: main is real, one member is a placeholder."""
    local = replace(LOCAL, functions=(*(LOCAL.functions or ()), Function("_ZN8app_core4workE", 5)))
    comparison = compare(local, replace(IMAGE, code_sha256="x"), own=("backend", "app_core"))
    assert comparison.difference is not None
    first = diagnose(comparison.difference)[0]
    assert first.cause == "partial-stub"
    assert "`app_core`" in first.explanation


def test_sections_are_listed_loaded_ones_first() -> None:
    """A long list is cut, and says so."""
    sections = [SectionDifference(name=f".debug_{n}", local_size=1, image_size=2, loaded=False) for n in range(9)]
    sections.append(SectionDifference(name=".text", local_size=1, image_size=2, loaded=True))
    assert section_names(sections, most=2) == ".text, .debug_0, 8 more"
    assert section_names(()) == "none of its sections"


def test_every_cause_answers_under_its_own_name() -> None:
    """The registry's key is the id that goes into the record, and each file explains itself."""
    for cause, weigh in CAUSES.items():
        assert weigh.__module__.rpartition(".")[2].replace("_", "-") == cause
        assert weigh.__doc__


def test_causes_hold_on_any_pair_of_profiles() -> None:
    """No combination of missing facts makes a cause raise: bare profiles of every format against each other."""
    bare = [BinaryProfile(sha256=kind.value, size=0, format=kind) for kind in Format]
    for local in [*bare, LOCAL]:
        for image in [*bare, LOCAL]:
            comparison = compare(local, image)
            assert comparison.difference is None or diagnose(comparison.difference)


@pytest.mark.cargo
def test_a_generic_function_of_a_dependency_changes_with_the_sources_that_use_it(tmp_path: Path) -> None:
    """It is compiled with them: one body in sixty is no setting of the compiler. Two in sixty are no longer few."""
    library = "".join(f"#[inline(never)] pub fn f{n}(x: u64) -> u64 {{ x * {n + 3} + {n} }}\n" for n in range(60))
    library += "#[inline(never)] pub fn apply<F: Fn(u64) -> u64>(f: F, x: u64) -> u64 { f(x) ^ f(x + 1) }\n"
    library += "#[inline(never)] pub fn twice<F: Fn(u64) -> u64>(f: F, x: u64) -> u64 { f(f(x)) }\n"
    (tmp_path / "shelf.rs").write_text(library)
    calls = " + ".join(f"shelf::f{n}(count)" for n in range(60))
    rustc = ["rustc", "--edition", "2021", "-Copt-level=1"]
    subprocess.run([*rustc, "--crate-type", "rlib", "shelf.rs"], check=True, cwd=tmp_path)
    programs = {}
    for name, one, other in (("local", 5, 9), ("image", 6, 9), ("both", 6, 10)):
        (tmp_path / "main.rs").write_text(
            f"""#[inline(never)] fn sum(count: u64) -> u64 {{ {calls} + {one} }}
            fn main() {{ let count = std::env::args().count() as u64;
            let found = shelf::apply(|x| x * {one} + 1, count) + shelf::twice(|x| x * {other}, count);
            println!("{{}}", sum(count) + found); }}"""
        )
        command = [*rustc, "--crate-name", "backend", "--extern", "shelf=libshelf.rlib", "main.rs", "-o", name]
        subprocess.run(command, check=True, cwd=tmp_path)
        programs[name] = tmp_path / name
    named = {}
    for name in ("image", "both"):
        pair = programs["local"], programs[name]
        found = compare(*map(read_profile, pair), own=("backend",), content=explain_difference(*pair))
        assert found.difference is not None
        blamed = blame(found.difference)
        assert blamed is not None
        likely = [each.cause for each in diagnose(found.difference) if each.likelihood >= Likelihood.LIKELY]
        named[name] = (dict(blamed.dependencies), likely)
    assert named["image"] == ({"shelf": 1}, ["other-sources"])
    assert named["both"][0] == {"shelf": 2}
    assert "other-sources" not in named["both"][1]
