"""The parity check: accepted rungs, and the sentence that a refused one comes with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from orchestrator.binary.profile import BinaryProfile, Format, Function, SectionFacts
from orchestrator.gate.checks.parity import judge, megabytes
from orchestrator.location import Location
from orchestrator.parity.compare import compare
from orchestrator.parity.policy import WaiverSettings
from orchestrator.parity.rung import Rung
from orchestrator.verdict import CheckResult, Status

STANDARD = tuple(Function(f"_ZN3std2io{n:04}E", 8) for n in range(812))
OWN = tuple(Function(f"_ZN7backend5f{n:04}E", 8) for n in range(13_321))
MAIN = Function("_ZN7backend4mainE", 100)
LOCAL = BinaryProfile(
    sha256="a" * 64,
    size=16_000_000,
    format=Format.ELF,
    machine="x86_64",
    kind="pie",
    code_sha256="1",
    data_sha256="2",
    sections=(SectionFacts(name=".text", size=9, flags="AX", sha256="4"),),
    functions=tuple(sorted((*STANDARD, *OWN, MAIN))),
    stripped=False,
    crates=("axum 0.8.1", "serde 1.0.200"),
    rustc_commits=("0" * 40,),
)
STUB = replace(
    LOCAL,
    sha256="b" * 64,
    size=1_700_000,
    code_sha256="x",
    sections=(SectionFacts(name=".text", size=5, flags="AX", sha256="5"),),
    functions=tuple(sorted((*STANDARD, MAIN))),
    crates=(),
)
STRIPPED = replace(
    LOCAL,
    sha256="c" * 64,
    functions=None,
    stripped=True,
    sections=(*LOCAL.sections, SectionFacts(name=".shstrtab", size=5, flags="", sha256="5")),
)


def shown(result: CheckResult) -> dict[str, str]:
    return {fact.label: fact.value for fact in result.evidence}


def test_identical_programs_pass_with_their_digest() -> None:
    """The sentence carries the digest that both sides have."""
    result = judge(compare(LOCAL, LOCAL), accept=Rung.IDENTICAL, seconds=0.2, remembered=True)
    assert (result.id, result.status, result.cause, result.repair) == ("parity", Status.PASSED, None, None)
    assert result.message == "the image's program is the local one, byte for byte (sha256 aaaaaaaaaaaa)"
    assert (result.seconds, result.remembered) == (0.2, True)


def test_the_seeds_stub_is_named_in_one_sentence() -> None:
    """16 MB against 1.7 MB, exit 0, no output: the sentence that ends the investigation."""
    location = Location(file="Dockerfile", line=12)
    result = judge(compare(LOCAL, STUB, own=("backend",)), accept=Rung.IDENTICAL, location=location)
    assert (result.status, result.cause, result.location) == (Status.FAILED, "stub", location)
    assert result.message == (
        "the image's program is not the local one (rung foreign, accepted identical; 1.7 MB against 16.0 MB): "
        "the image's program has 813 of 14,134 functions, none of package `backend`'s own (main only): "
        "a placeholder, as it is compiled to cache dependencies"
    )
    assert "guard: enforce" in (result.repair or "")
    evidence = shown(result)
    assert evidence["size ratio"] == "0.106 (image / local)"
    assert evidence["sections that differ"] == ".text"
    assert evidence["dependencies missing"] == "axum 0.8.1, serde 1.0.200"
    assert evidence["functions"].startswith("14,134 local, 813 in the image, 813 in both")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (Rung.IDENTICAL, Status.FAILED),
        (Rung.METADATA, Status.PASSED),
        (Rung.HASH_ONLY, Status.PASSED),
        (Rung.CODE, Status.PASSED),
        (Rung.FOREIGN, Status.PASSED),
    ],
)
def test_the_spec_says_the_worst_rung_that_passes(accept: Rung, status: Status) -> None:
    """A better rung passes, a worse one does not."""
    result = judge(compare(LOCAL, STRIPPED), accept=accept)
    assert result.status is status
    assert "rung metadata" in result.message
    assert (result.cause is None) == (status is Status.PASSED)


def test_an_accepted_difference_says_what_it_is() -> None:
    """What passed with a difference stays visible in the report."""
    result = judge(compare(LOCAL, STRIPPED), accept=Rung.HASH_ONLY)
    assert "accepted down to hash-only" in result.message
    assert "held by" in shown(result)


def test_without_a_program_in_the_image_nothing_is_known() -> None:
    """No comparison is no pass and no finding about the program."""
    result = judge(None, accept=Rung.FOREIGN)
    assert (result.status, result.cause) == (Status.UNKNOWN, "binary-missing-in-image")


def test_causes_beside_the_leading_one_are_named() -> None:
    """Two things at once: both are in the sentence, the leading one explained."""
    local = replace(LOCAL, comment=("rustc version 1.95.0",))
    image = replace(LOCAL, sha256="d" * 64, code_sha256="x", comment=("rustc version 1.94.0",), needed=("libz.so.1",))
    result = judge(compare(local, image), accept=Rung.IDENTICAL)
    assert result.cause == "toolchain"
    assert result.message.endswith("(also: needed-differs)")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (99_999, "99,999 bytes"), (100_000, "0.1 MB"), (16_040_000, "16.0 MB")]
)
def test_sizes_read_as_people_compare_them(size: int, text: str) -> None:
    """Megabytes, and bytes where a megabyte with one decimal would say nothing."""
    assert megabytes(size) == text


def test_a_waived_difference_passes_and_stays_in_the_report() -> None:
    """The sentence names cause, day and reason; after that day it fails and says so."""
    image = replace(LOCAL, sha256="d" * 64, code_sha256="x", needed=("libz.so.1",))
    waiver = WaiverSettings(cause="needed-differs", down_to=Rung.CODE, reason="until #7", until=date(2026, 12, 31))
    comparison = compare(LOCAL, image)
    passed = judge(comparison, accept=Rung.IDENTICAL, waivers=(waiver,), today=date(2026, 12, 31))
    assert passed.status is Status.PASSED
    assert "waived: needed-differs until 2026-12-31 (until #7)" in passed.message
    assert "waiver" in shown(passed)
    over = judge(comparison, accept=Rung.IDENTICAL, waivers=(waiver,), today=date(2027, 1, 1))
    assert over.status is Status.FAILED
    assert over.message.endswith("its waiver ended on 2026-12-31")
    unused = judge(compare(LOCAL, LOCAL), accept=Rung.IDENTICAL, waivers=(waiver,), today=date(2026, 1, 1))
    assert "waiver without use" in shown(unused)
