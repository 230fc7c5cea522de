"""The stub-free check: which statement each set of facts leads to. Real builds of the same are in tests/backends."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.build.artifact import Artifact, Side
from orchestrator.gate.checks.stub_free import (
    Brought,
    Control,
    Likeness,
    Packed,
    PlacedCall,
    ShippedFacts,
    is_open,
    judge,
)
from orchestrator.toolchains.cargo.witness import WitnessedCall
from orchestrator.verdict import CheckResult, Status

STUB_TEXT = "fn main() {}\n"
STUB_SOURCE = hashlib.sha256(STUB_TEXT.encode()).hexdigest()
SOURCES = {"Cargo.toml": "1" * 64, "Cargo.lock": "2" * 64, "src/main.rs": "3" * 64, "src/lib.rs": "4" * 64}
PRIMED = {**SOURCES, "src/main.rs": STUB_SOURCE, "src/lib.rs": "9" * 64}
RELEASE = "/app/target/release/app"
HOST, IMAGE, STUB = "a" * 64, "b" * 64, "c" * 64


def artifact(sha256: str, side: Side = Side.IMAGE, size: int = 400_000) -> Artifact:
    return Artifact(side=side, sha256=sha256, size=size, origin=f"{side}:/app", path=Path("/nonexistent"))


def call(*arguments: str, line: int | None = 6, **changed: Any) -> PlacedCall:
    """Return a successful, refreshed call on the snapshot's sources that wrote the image's program."""
    made: dict[str, Any] = {
        "id": f"{line or 0:06d}-x",
        "stage": 0,
        "earlier": False,
        "guard": "enforce",
        "arguments": arguments or ("build", "--release"),
        "directory": "/app",
        "workspace": "/app",
        "target": "/app/target",
        "exit_code": 0,
        "refreshed": True,
        "rustc": "",
        "sources": SOURCES,
        "made": {RELEASE: IMAGE},
        "kept": {},
    }
    return PlacedCall(call=WitnessedCall(**{**made, **changed}), line=line)


PRIME = call(line=4, sources=PRIMED, made={RELEASE: STUB})


def facts(*calls: PlacedCall, shipped: str | None = IMAGE, **changed: Any) -> ShippedFacts:
    known: dict[str, Any] = {
        "shipped": None if shipped is None else artifact(shipped),
        "builder": None if shipped is None else artifact(shipped, Side.BUILDER),
        "local": artifact(HOST, Side.LOCAL),
        "likenesses": (),
        "packed": None,
        "calls": calls,
        "sources": SOURCES,
        "inputs": ("src/main.rs", "src/lib.rs", "Cargo.toml", "Cargo.lock"),
        "placeholders": {},
        "triggers": None,
        "package": "app",
        "package_folder": ".",
        "binary": "app",
        "profile_folder": "release",
        "programs": {"app": "app", "worker": "app"},
        "image_path": "/usr/local/bin/app",
        "image_programs": frozenset(),
        "dockerfile": "Dockerfile",
        "cargo_lines": (4, 6),
        "linking_lines": (4, 6),
        "unwitnessed_lines": (),
        "copies": (9,),
        "builder_path": RELEASE,
        "builder_stages": frozenset({0}),
        "idle_lines": (),
        "mounts": {},
        "brought": None,
        "changes": (),
        "launch": None,
        "logs": {},
        "guard": "enforce",
    }
    return ShippedFacts(**{**known, **changed})


def answer(result: CheckResult) -> tuple[str | None, int | None]:
    return result.cause, result.location.line if result.location else None


def test_a_refreshed_call_on_these_sources_proves_what_it_wrote() -> None:
    result = judge(facts(PRIME, call()))
    assert result.status is Status.PASSED
    assert "at line 6 from these sources: 4 of 4 inputs witnessed" in result.message


def test_the_call_that_kept_a_stub_is_one_of_the_stage_that_ships_it() -> None:
    """A stage beside it, which runs tests, has kept the very same bytes later."""
    prime = call(line=4, sources=PRIMED)
    keep = call(line=6, made={}, kept={RELEASE: IMAGE})
    beside = call("test", line=12, stage=1, made={}, kept={RELEASE: IMAGE})
    assert answer(judge(facts(prime, keep, beside))) == ("cached-stub", 6)
    assert answer(judge(facts(prime, beside))) == ("cached-stub", 12)


def test_placeholders_that_nobody_replaced_are_told_where_they_were_written() -> None:
    """As `cargo chef cook` does behind COPY: newer time stamps help nothing, and the last call is not to blame."""
    cook = call(line=4, sources=PRIMED)
    keep = call(line=6, sources=PRIMED, made={}, kept={RELEASE: IMAGE})
    result = judge(facts(cook, keep))
    assert answer(result) == ("cached-stub", 4)
    assert "line 6 kept it, for what it saw were the placeholders as well" in result.message
    assert (result.repair or "").startswith("COPY the sources behind line 4")


def test_the_hosts_bytes_are_proof_without_any_witness() -> None:
    assert judge(facts(shipped=HOST)).status is Status.PASSED


def test_an_observed_call_proves_nothing_where_an_earlier_one_saw_placeholders() -> None:
    """The call saw these sources and cargo may have kept the library's stub: only identity would prove it."""
    result = judge(facts(PRIME, call(refreshed=False)))
    assert answer(result) == ("partial-stub", 6)
    assert "src/main.rs was `fn main() {}`" in str(result.evidence)
    assert judge(facts(PRIME, call(refreshed=False, made={RELEASE: HOST}), shipped=HOST)).status is Status.PASSED


def test_an_observed_call_with_nothing_before_it_is_not_known() -> None:
    result = judge(facts(call(refreshed=False)))
    assert (result.status, result.cause) == (Status.UNKNOWN, "not-refreshed")


def test_a_kept_placeholder_is_a_cached_stub_and_the_line_is_that_of_the_call_that_kept_it() -> None:
    result = judge(facts(PRIME, call(made={}, kept={RELEASE: STUB}), shipped=STUB))
    assert answer(result) == ("cached-stub", 6)
    assert "by `cargo build --release` at line 4 (suspect: cached stub)" in result.message


def test_a_placeholder_of_one_file_is_a_partial_stub() -> None:
    primed = call(line=4, sources={**SOURCES, "src/lib.rs": hashlib.sha256(b"").hexdigest()}, made={RELEASE: STUB})
    result = judge(facts(primed, call(made={}, kept={RELEASE: STUB}), shipped=STUB))
    assert answer(result) == ("partial-stub", 6)
    assert "src/lib.rs was empty" in str(result.evidence)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("build", "--release", "--bin", "worker"), "`worker`"),
        (("build", "--release", "-p", "other"), "the package `other`"),
        (("build", "--release", "--lib"), "the library"),
    ],
)
def test_a_narrower_build_is_named_with_what_it_builds(arguments: tuple[str, ...], names: str) -> None:
    result = judge(facts(PRIME, call(*arguments, made={}, kept={RELEASE: STUB}), shipped=STUB))
    assert answer(result) == ("narrower-build", 6)
    assert f"builds {names} alone" in result.message


def test_a_swallowed_failure_is_named_with_its_exit_code() -> None:
    result = judge(facts(PRIME, call(made={}, kept={RELEASE: STUB}, exit_code=101), shipped=STUB))
    assert answer(result) == ("swallowed-failure", 6)
    assert "exit code 101" in result.message


def test_sources_of_another_place_are_other_sources() -> None:
    elsewhere = call(line=5, workspace="/clone", sources={**SOURCES, "src/main.rs": "7" * 64})
    assert answer(judge(facts(elsewhere))) == ("other-sources", 5)


def test_an_earlier_builds_output_is_stale() -> None:
    old = call(line=None, earlier=True, sources={**SOURCES, "src/main.rs": "7" * 64}, made={RELEASE: STUB})
    assert judge(facts(old, call(made={}, kept={RELEASE: STUB}), shipped=STUB)).cause == "stale-build"


def test_an_earlier_builds_call_on_the_same_sources_is_proof() -> None:
    """A cache mount brings the program, and the witness of the call that made it of these very sources."""
    before = call(line=None, earlier=True)
    assert judge(facts(before, call(made={}, kept={RELEASE: IMAGE}))).status is Status.PASSED


def test_another_manifest_is_told() -> None:
    assert answer(judge(facts(call(sources={**SOURCES, "Cargo.toml": "7" * 64})))) == ("other-manifest", 6)


def test_a_program_that_lay_under_a_cache_mount_is_stale() -> None:
    kept = call(made={}, kept={RELEASE: STUB})
    assert answer(judge(facts(kept, shipped=STUB, mounts={6: ("/app/target",)}))) == ("stale-build", 6)
    assert answer(judge(facts(kept, shipped=STUB))) == ("never-compiled", 6)


def test_another_program_is_named_with_its_package() -> None:
    result = judge(facts(call(made={RELEASE: "d" * 64, "/app/target/release/worker": IMAGE})))
    assert answer(result) == ("wrong-file-copied", 9)
    assert "`worker`, another program of the package `app`" in result.message


def test_another_profile_is_named() -> None:
    assert answer(judge(facts(call("build", made={"/app/target/debug/app": IMAGE})))) == ("wrong-profile", 9)


def test_a_triple_in_the_path_is_no_other_profile() -> None:
    made = {"/app/target/x86_64-unknown-linux-gnu/release/app": IMAGE}
    assert judge(facts(call(made=made))).status is Status.PASSED


def test_tests_that_link_again_are_named() -> None:
    assert answer(judge(facts(call("test", "--release", line=7)))) == ("relinked-by-tests", 7)


def test_the_right_program_at_another_path_is_told() -> None:
    right = call(made={"/app/target/x86_64-unknown-linux-gnu/release/app": HOST}, kept={RELEASE: STUB})
    result = judge(facts(PRIME, right, shipped=STUB))
    assert answer(result) == ("wrong-file-copied", 9)
    assert "/app/target/x86_64-unknown-linux-gnu/release/app" in result.message


def test_the_right_program_under_a_mount_is_told() -> None:
    result = judge(facts(PRIME, call(made={RELEASE: HOST}), shipped=STUB, mounts={6: ("/app/target",)}))
    assert answer(result) == ("hidden-by-mount", 6)


def test_a_stage_that_nothing_is_copied_from_is_told() -> None:
    result = judge(facts(PRIME, shipped=STUB, idle_lines=(7,)))
    assert answer(result) == ("wrong-file-copied", 9)
    assert "the stage of line 7" in result.message


def test_an_orphan_and_a_stub_left_behind_are_told_apart() -> None:
    """Both ship a program of a name that no package has; in one the placeholder was gone, in the other it was not."""
    primed = call(line=4, sources={**SOURCES, "src/main.rs": STUB_SOURCE}, made={RELEASE: STUB})
    real = {name: digest for name, digest in SOURCES.items() if name != "src/main.rs"} | {"src/bin/api.rs": "5" * 64}
    known = {"sources": real, "inputs": ("src/bin/api.rs",), "binary": "api", "programs": {"api": "app"}}
    gone = call(sources=real, made={"/app/target/release/api": HOST}, kept={RELEASE: STUB})
    there = replace(gone, call=replace(gone.call, sources={**real, "src/main.rs": STUB_SOURCE}))
    assert answer(judge(facts(primed, gone, shipped=STUB, **known))) == ("orphaned-output", 9)
    assert answer(judge(facts(primed, there, shipped=STUB, **known))) == ("stub-left-behind", 6)


def test_an_artifact_of_the_source_is_named() -> None:
    committed = {**SOURCES, "target/release/app": STUB}
    result = judge(facts(call(made={}, kept={RELEASE: STUB}), shipped=STUB, sources=committed))
    assert answer(result) == ("committed-artifact", 6)


def test_a_program_out_of_another_image_is_named() -> None:
    result = judge(facts(call(made={RELEASE: HOST}), brought=Brought(line=8, source="the image app:old")))
    assert answer(result) == ("pulled-from-elsewhere", 8)


@pytest.mark.parametrize("same", [True, False])
def test_a_stripped_program_is_proved_by_its_loaded_content_alone(*, same: bool) -> None:
    likeness = Likeness(with_="the host's program", sha256=HOST, same_content=same, change="its symbols are gone")
    result = judge(facts(call(made={RELEASE: HOST}), likenesses=(likeness,), changes=((6, "strip"),)))
    if same:
        assert result.status is Status.PASSED
        assert "`strip` at line 6" in result.message
    else:
        assert answer(result) == ("changed-after-build", 6)


def test_likeness_to_an_unproved_program_proves_nothing() -> None:
    """Stripping a stub gives a stripped stub."""
    likeness = Likeness(with_="the program of the builder stage", sha256=STUB, same_content=True, change="symbols")
    assert judge(facts(PRIME, likenesses=(likeness,), changes=((6, "strip"),))).status is not Status.PASSED


def test_a_packed_program_is_named() -> None:
    assert judge(facts(call(made={RELEASE: HOST}), packed="UPX")).cause == "changed-after-build"


def test_a_program_rewritten_where_cargo_had_left_it_is_named() -> None:
    """No tool that is known was called, and the witnessed file is another one now."""
    result = judge(facts(call(made={RELEASE: HOST})))
    assert answer(result) == ("changed-after-build", 6)
    assert f"had written {RELEASE}" in result.message


def test_a_program_built_when_it_runs_is_never_proved() -> None:
    assert answer(judge(facts(call(), launch=(11, "cargo run")))) == ("built-at-run-time", 11)


def test_no_file_is_the_copys_fault() -> None:
    assert answer(judge(facts(call(), shipped=None))) == ("binary-missing", 9)


@pytest.mark.parametrize(
    ("programs", "meant"),
    [
        ({"/opt/app", "/usr/local/bin/start.sh"}, "/opt/app"),
        ({"/usr/local/bin/apps", "/usr/local/bin/start.sh"}, "/usr/local/bin/apps"),
        ({"/usr/local/bin/start.sh"}, None),
    ],
    ids=["its name", "a like path", "nothing like it"],
)
def test_a_program_that_lies_elsewhere_is_offered(programs: set[str], meant: str | None) -> None:
    """The spec may be what is wrong, and the image knows better."""
    result = judge(facts(call(), shipped=None, image_programs=frozenset(programs)))
    assert (f"did you mean {meant}?" in result.message) == (meant is not None)
    assert (f"image.binary: {meant}" in str(result.repair)) == (meant is not None)
    assert "did you mean" in result.message or "image.binary" in str(result.repair)


def test_what_cannot_be_witnessed_is_not_known_and_never_passed() -> None:
    by_path = judge(facts(PRIME, unwitnessed_lines=(6,)))
    assert (by_path.status, *answer(by_path)) == (Status.UNKNOWN, "unwitnessed-cargo", 6)
    blind = judge(facts(call(made={}, sources={}, unwitnessed="sha256sum is missing")))
    assert (blind.status, blind.cause) == (Status.UNKNOWN, "unwitnessed")
    assert "sha256sum is missing" in blind.message
    nothing = judge(facts())
    assert (nothing.status, nothing.cause) == (Status.UNKNOWN, "unwitnessed")


def test_a_call_that_links_nothing_was_no_build() -> None:
    assert answer(judge(facts(call("check", made={})))) == ("never-compiled", 6)


def test_a_stub_that_a_call_left_which_links_nothing_was_no_build() -> None:
    """The sources need no touch there: `cargo check` sees them and makes no program of them."""
    check = call("check", "--release", line=8, made={}, kept={RELEASE: STUB})
    result = judge(facts(PRIME, check, shipped=STUB))
    assert answer(result) == ("never-compiled", 8)
    assert "`cargo check --release` at line 8 links nothing" in result.message
    assert "cargo build" in str(result.repair)
    assert "touch" not in str(result.repair)
    assert not is_open(facts(PRIME, check, shipped=STUB))


def test_a_call_that_could_have_built_it_goes_before_one_that_links_nothing() -> None:
    """But only if it saw the sources: what is built of the placeholder once more is beside the point."""
    check = call("clippy", line=8, made={}, kept={RELEASE: STUB})
    built = call(line=5, made={}, kept={RELEASE: STUB})
    assert answer(judge(facts(PRIME, built, check, shipped=STUB))) == ("cached-stub", 5)
    primed = replace(built, call=replace(built.call, sources=PRIMED))
    assert answer(judge(facts(PRIME, primed, check, shipped=STUB))) == ("never-compiled", 8)


def test_a_narrower_call_is_not_named_where_a_whole_one_kept_it_too() -> None:
    built = call(line=6, made={}, kept={RELEASE: STUB})
    narrow = call("build", "--release", "--bin", "worker", line=8, made={}, kept={RELEASE: STUB})
    assert answer(judge(facts(PRIME, built, narrow, shipped=STUB))) == ("cached-stub", 6)
    assert answer(judge(facts(PRIME, narrow, shipped=STUB))) == ("narrower-build", 8)


def test_another_manifest_is_not_hidden_by_a_call_that_links_nothing() -> None:
    """To build there would make the same program again."""
    writer = call(line=6, sources={**SOURCES, "Cargo.toml": "0" * 64}, made={RELEASE: STUB})
    check = call("doc", line=8, sources={**SOURCES, "Cargo.toml": "0" * 64}, made={}, kept={RELEASE: STUB})
    assert answer(judge(facts(writer, check, shipped=STUB))) == ("other-manifest", 6)


def test_a_check_of_the_placeholder_alone_is_no_step_to_mend() -> None:
    """Nothing was called on the sources at all: the placeholder's own step is named."""
    check = call("check", line=5, sources=PRIMED, made={}, kept={RELEASE: STUB})
    result = judge(facts(PRIME, check, shipped=STUB))
    assert answer(result) == ("cached-stub", 4)
    assert "build once more when the sources are there" in str(result.repair)


def test_without_a_witness_size_and_log_speak() -> None:
    """The guard is off: cargo's own words, and a file of a fraction of the size."""
    small = facts(shipped=None, guard="off")
    small = replace(small, shipped=artifact(STUB, size=100_000), builder=artifact(STUB, Side.BUILDER))
    said = {6: "    Finished `release` profile [optimized] target(s) in 0.06s"}
    assert answer(judge(replace(small, logs=said))) == ("cached-stub", 6)
    assert answer(judge(replace(small, cargo_lines=(4,)))) == ("never-compiled", 4)
    assert answer(judge(replace(small, logs=said, linking_lines=(4,)))) == ("never-compiled", 6)
    assert answer(judge(replace(small, cargo_lines=()))) == ("never-compiled", 9)
    # Tests of the library alone stand behind the step that builds, which is the one to mend.
    tested = replace(small, logs={**said, 8: "test result: ok"}, cargo_lines=(4, 6, 8), linking_lines=(4, 6))
    assert answer(judge(tested)) == ("cached-stub", 6)


def test_every_refusal_says_what_to_do() -> None:
    """Each answer but a pass has cause, file and repair."""
    refusals = [
        judge(facts(PRIME, shipped=STUB)),
        judge(facts(PRIME, call(made={}, kept={RELEASE: STUB}), shipped=STUB)),
        judge(facts(shipped=None)),
        judge(facts()),
    ]
    for refusal in refusals:
        assert refusal.cause
        assert refusal.repair
        assert refusal.location is not None


CONTROL = Control(text="fn main() {}\n", line=6, program=artifact(IMAGE, Side.BUILDER), how="bit for bit")


def test_a_control_stub_that_matches_names_what_no_witness_tells() -> None:
    unknown = facts(unwitnessed_lines=(6,))
    assert (judge(unknown).cause, is_open(unknown)) == ("unwitnessed-cargo", True)
    result = judge(replace(unknown, control=CONTROL))
    assert answer(result) == ("cached-stub", 6)
    assert "what the step at line 6 makes of `fn main() {}` is bit for bit the image's program" in result.message


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        (facts(PRIME, call()), None),
        (facts(shipped=HOST), None),
        (facts(PRIME, call(made={}, kept={RELEASE: STUB}), shipped=STUB), None),
        (
            facts(cargo_lines=(4,), linking_lines=(), guard="off", shipped=STUB, local=artifact(HOST, size=4_000_000)),
            None,
        ),
        (facts(), "unwitnessed"),
        (facts(call(made={})), "never-compiled"),
        (facts(changes=((7, "upx"),)), "changed-after-build"),
    ],
)
def test_a_control_stub_is_built_only_where_it_is_open_whether_it_is_one(
    known: ShippedFacts, cause: str | None
) -> None:
    """It costs a build of its own, which no passing run may pay."""
    assert is_open(known) is (cause is not None)
    assert cause in {None, judge(known).cause}


def test_a_packed_program_is_proved_where_packing_again_gives_the_very_bytes() -> None:
    packed = Packed(file=artifact("f" * 64), line=7, tool="upx", command="upx --best")
    result = judge(facts(PRIME, call(), packed_as=packed))
    assert result.status is Status.PASSED
    assert "packed by `upx` at line 7: `upx --best` makes the very bytes that ship of it" in result.message
    result = judge(facts(PRIME, call(), packed_as=replace(packed, command=None)))
    assert (result.status, answer(result)) == (Status.UNKNOWN, ("changed-after-build", 7))


def test_a_packed_stub_is_named_as_what_it_is() -> None:
    packed = Packed(file=artifact("f" * 64), line=7, tool="upx", command="upx")
    result = judge(facts(PRIME, call(made={}, kept={RELEASE: STUB}), shipped=STUB, packed_as=packed))
    assert answer(result) == ("cached-stub", 6)
    assert "packed by `upx` at line 7" in result.message
