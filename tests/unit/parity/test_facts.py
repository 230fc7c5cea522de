"""What is known of both builds goes before what is guessed from bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.binary.profile import BinaryProfile, Format
from orchestrator.parity.cause import CAUSES, Likelihood, diagnose
from orchestrator.parity.compare import compare
from orchestrator.parity.facts import BuildFacts, SideFacts, input_differences

LOCAL = BinaryProfile(
    sha256="a" * 64, size=9, format=Format.ELF, machine="x86_64", kind="pie", code_sha256="c", data_sha256="d"
)
IMAGE = replace(LOCAL, sha256="b" * 64, code_sha256="x")


def facts(local: SideFacts, image: SideFacts, **more: bool) -> BuildFacts:
    return BuildFacts(local=local, image=image, **more)


@pytest.mark.parametrize(
    ("local", "image", "cause"),
    [
        (SideFacts(rustc="1.95.0"), SideFacts(rustc="1.94.0"), "toolchain"),
        (SideFacts(c_compiler="gcc 12"), SideFacts(c_compiler="gcc 13"), "c-compiler"),
        (SideFacts(target=""), SideFacts(target="x86_64-unknown-linux-gnu"), "symbol-hash"),
        (SideFacts(profile={"lto": "false"}), SideFacts(profile={"lto": "fat"}), "lto"),
        (SideFacts(profile={"panic": "unwind"}), SideFacts(profile={"panic": "abort"}), "panic-strategy"),
        (SideFacts(rustflags=("-Ctarget-cpu=native",)), SideFacts(rustflags=()), "target-cpu"),
        (SideFacts(rustflags=("-C", "opt-level=2")), SideFacts(rustflags=("-C", "opt-level=3")), "codegen-settings"),
        (SideFacts(features=("tokio/net",)), SideFacts(features=("tokio/net", "tokio/fs")), "features"),
        (SideFacts(folders={"cargo-home": "/a"}), SideFacts(folders={"cargo-home": "/b"}), "paths"),
        (SideFacts(libraries={"zlib": "1.2"}), SideFacts(libraries={"zlib": "1.3"}), "needed-differs"),
        (SideFacts(sources="1"), SideFacts(sources="2"), "other-sources"),
        (SideFacts(epoch=1), SideFacts(epoch=2), "timestamp"),
    ],
)
def test_an_input_that_differs_is_named(local: SideFacts, image: SideFacts, cause: str) -> None:
    """The bytes say nothing here; the inputs do, with both values as evidence."""
    known = facts(local, image)
    assert [difference.cause for difference in input_differences(known)] == [cause]
    comparison = compare(LOCAL, IMAGE, facts=known)
    assert comparison.difference is not None
    first = diagnose(comparison.difference)[0]
    assert (first.cause, first.likelihood) == (cause, Likelihood.LIKELY)
    assert first.evidence
    assert cause in CAUSES


def test_a_cause_of_the_bytes_becomes_certain() -> None:
    """Other libraries are likely by the link alone and certain with the packages that explain them."""
    image = replace(IMAGE, needed=("libz.so.1",))
    known = facts(SideFacts(libraries={"zlib": "none"}), SideFacts(libraries={"zlib": "1.3"}))
    comparison = compare(LOCAL, image, facts=known)
    assert comparison.difference is not None
    first = diagnose(comparison.difference)[0]
    assert (first.cause, first.likelihood) == ("needed-differs", Likelihood.CERTAIN)
    assert first.evidence[0].value == "local none, image 1.3"


@pytest.mark.parametrize(("repeatable", "likelihood"), [(False, Likelihood.CERTAIN), (True, None), (None, None)])
def test_building_one_side_twice_decides_on_nondeterminism(
    *, repeatable: bool | None, likelihood: Likelihood | None
) -> None:
    """Nobody guesses what somebody tried."""
    known = BuildFacts(local=SideFacts(), image=SideFacts(), repeatable=repeatable)
    comparison = compare(LOCAL, IMAGE, facts=known)
    assert comparison.difference is not None
    found = {suspicion.cause: suspicion.likelihood for suspicion in diagnose(comparison.difference)}
    assert found.get("nondeterminism") == likelihood


def test_what_one_side_does_not_know_is_no_difference() -> None:
    """Unknown is not absent."""
    known = facts(SideFacts(rustc="1.95.0", profile={"lto": "fat"}), SideFacts(profile={"panic": "abort"}))
    assert input_differences(known) == ()
    assert input_differences(None) == ()


@pytest.mark.parametrize(("there", "told"), [({}, "not there"), ({".cargo/config.toml": "2"}, "another one")])
def test_a_configuration_that_did_not_reach_the_image_is_named(there: dict[str, str], told: str) -> None:
    """Nothing in the bytes can tell of it, so it is no cause of theirs; it has a repair of its own."""
    known = facts(SideFacts(configuration={".cargo/config.toml": "1"}), SideFacts(configuration=there))
    comparison = compare(LOCAL, IMAGE, facts=known)
    assert comparison.difference is not None
    first = diagnose(comparison.difference)[0]
    assert (first.cause, first.evidence[0].value) == ("cargo-configuration", f"local read, image {told}")
    assert "COPY" in first.repair
    same = SideFacts(configuration={".cargo/config.toml": "1"})
    assert input_differences(facts(same, same)) == ()
