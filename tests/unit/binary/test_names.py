"""Symbol names: what stays of them, whose they are, how they read."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.binary.names import crate_of, entry_crate, hash_free, hash_free_all, own_functions, readable
from orchestrator.binary.profile import BinaryProfile, Format, Function
from orchestrator.binary.read import read_profile

if TYPE_CHECKING:
    from pathlib import Path

LEGACY = "_ZN7backend6server3run17h47e040cfdb36b9daE"
IMPLEMENTED = "_ZN61_$LT$backend..server..State$u20$as$u20$core..fmt..Display$GT$3fmt17h0891f887609db04bE"
V0 = "_RNvNtCs4X4t9plMPHF_7backend6server3run"


@pytest.mark.parametrize(
    ("name", "crate", "text"),
    [
        (LEGACY, "backend", "backend::server::run"),
        (IMPLEMENTED, "backend", "<backend::server::State as core::fmt::Display>::fmt"),
        (V0, "backend", "backend::server::run"),
        ("_ZN4core3ptr30drop_in_place$LT$backend..X$GT$17h0891f887609db04bE", "core", None),
        (
            "_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0891f887609db04bE",
            "core",
            "<&T as core::fmt::Debug>::fmt",
        ),
        ("main", None, "main"),
        ("_ZNSt6vectorIiE4pushEv", None, None),
    ],
)
def test_a_name_tells_its_crate_and_reads_well(name: str, crate: str | None, text: str | None) -> None:
    """Legacy and v0 names give crate and path; names of other languages stay as they are."""
    stable = hash_free(name)
    assert crate_of(stable) == crate
    if text is not None:
        assert readable(stable) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LEGACY, LEGACY.replace("47e040cfdb36b9da", "0000000000000000")),
        (LEGACY, f"{LEGACY}.llvm.1234567890"),
        (V0, V0.replace("4X4t9plMPHF", "abc")),
    ],
)
def test_a_hash_makes_no_difference(one: str, other: str) -> None:
    """The crate hash, the disambiguator and LLVM's suffix are not part of what is compared."""
    assert hash_free(one) == hash_free(other)


def test_main_is_told_by_its_crate() -> None:
    """`main` belongs to a crate; a function that is merely called main further down does not count."""
    assert entry_crate(hash_free("_ZN7backend4main17hc91f3f27ffadb073E")) == "backend"
    assert entry_crate(hash_free("_RNvCs4X4t9plMPHF_7backend4main")) == "backend"
    assert entry_crate(hash_free("_ZN7backend6server4main17hc91f3f27ffadb073E")) is None
    assert entry_crate("main") is None


def test_own_functions_take_the_package_name() -> None:
    """A package with hyphens has a crate with underscores."""
    name = hash_free("_ZN13backend_admin5print17hc91f3f27ffadb073E")
    profile = BinaryProfile(sha256="0", size=1, format=Format.ELF, functions=(Function(name, 3),))
    assert own_functions(profile, "backend-admin") == ("backend_admin::print",)
    assert own_functions(profile, "backend") == ()


@given(
    st.text(max_size=60)
    | st.from_regex(r"_ZN(\d{1,6}[a-z$.]{0,9}){0,6}E?", fullmatch=True)
    | st.from_regex(r"_R[A-Za-z0-9_]{0,40}", fullmatch=True)
)
def test_no_name_is_too_odd(name: str) -> None:
    """Names come out of files that anybody may have made: none raises."""
    stable = hash_free(name)
    assert isinstance(readable(stable), str)
    crate_of(stable)
    entry_crate(stable)


@pytest.mark.cargo
def test_both_manglings_give_the_same_own_functions(rust_program: Path, tmp_path: Path) -> None:
    """The compiler's two ways to spell a name lead to the same crate and nearly the same text."""
    folder = rust_program.parent
    command = ["rustc", "--edition", "2021", "-O", "--crate-name", "backend", "-Csymbol-mangling-version=v0", "main.rs"]
    v0 = tmp_path / "v0"
    subprocess.run([*command, "--extern", "tinydep=libtinydep.rlib", "-o", str(v0)], check=True, cwd=folder)
    own = own_functions(read_profile(v0), "backend") or ()
    assert {"backend::main", "backend::server::run"} <= set(own)
    assert len(own) == 3


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [LEGACY, IMPLEMENTED, V0, f"{LEGACY}.llvm.12", "main", "", "_R", "_ZN", "17h0123456789abcdefE"]
            ),
            st.text(alphabet="_RZNCsB0129abE.llvm\n", max_size=30),
            st.text(max_size=8),
        )
    )
)
def test_many_names_are_treated_as_each_one_is(names: list[str]) -> None:
    """What is done in one go for speed gives the same names, whatever a file calls its symbols."""
    assert hash_free_all(names) == [hash_free(name) for name in names]


def test_the_number_of_an_impl_is_no_length() -> None:
    """`s4_` tells two blocks `impl` of one module apart; taken for a length, it would eat the crate's name."""
    name = hash_free("_RNvXs4_NtCs4X4t9plMPHF_5alloc6stringNtB5_6StringNtNtCs1a2b3c_4core5clone5Clone5clone")
    assert readable(name) == "alloc::string::String::core::clone::Clone::clone"
