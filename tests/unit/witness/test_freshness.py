"""Content decides what cargo compiles: stubs, old time stamps, reverted edits, foreign calls, lost time stamps."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.witness.step import MANIFEST, PRINTS, STUB, Step, made_step

pytestmark = pytest.mark.cargo

WORKSPACE = '[workspace]\nmembers = ["crates/word"]\n\n[dependencies]\nword = { path = "crates/word" }\n'
REAL_MAIN = 'fn main() { println!("{}", word::say()); }\n'


def word(text: str) -> str:
    """Return a library that says a text."""
    return f'pub fn say() -> &\'static str {{ "{text}" }}\n'


def stubbed(step: Step) -> None:
    """Build a workspace of two crates from placeholders."""
    step.write({
        "Cargo.toml": MANIFEST.format(name="app") + WORKSPACE,
        "crates/word/Cargo.toml": MANIFEST.format(name="word"),
        "src/main.rs": STUB,
        "crates/word/src/lib.rs": word(""),
    })  # fmt: skip
    step.run("cargo", "build")


def test_a_stub_is_replaced_although_the_real_sources_are_older(any_step: Step) -> None:
    """Main and library, with the time stamps of the build context; the next call compiles nothing."""
    stubbed(any_step)
    any_step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("truth")})
    any_step.run("cargo", "build")
    assert any_step.output() == "truth"
    assert "Compiling" not in any_step.run("cargo", "build", "-v")
    stub, real, again = any_step.calls()
    assert "src/main.rs" in real.sources
    assert real.refreshed
    assert any_step.sha256() in real.made.values()
    assert any_step.sha256() not in {*stub.made.values(), *again.made.values()}
    assert any_step.sha256() in again.kept.values()


def test_only_the_library_was_a_stub(any_step: Step) -> None:
    """The program was real from the start and is linked again."""
    stubbed(any_step)
    any_step.write({"src/main.rs": REAL_MAIN})
    any_step.run("cargo", "build")
    any_step.write({"crates/word/src/lib.rs": word("truth")})
    said = any_step.run("cargo", "build")
    assert "Compiling word" in said
    assert any_step.output() == "truth"


def test_an_edit_that_was_tried_in_vain_and_taken_back(any_step: Step) -> None:
    """The library was compiled from another text by a call that failed: going back compiles it again."""
    stubbed(any_step)
    any_step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("first")})
    any_step.run("cargo", "build")
    any_step.write({"src/main.rs": "fn main() { no }", "crates/word/src/lib.rs": word("second")})
    any_step.run("cargo", "build", check=False)
    any_step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("first")})
    any_step.run("cargo", "build")
    assert any_step.output() == "first"


def test_a_file_that_goes_and_comes_back(step: Step) -> None:
    """An asset whose absence was built stands for new content when it is back."""
    stubbed(step)
    step.write({
        "build.rs": 'fn main() { println!("cargo:rerun-if-changed=asset.txt"); println!("cargo:rustc-env=ASSET={}", '
        'std::fs::read_to_string("asset.txt").unwrap_or("none".into())); }\n',
        "src/main.rs": PRINTS.format(text='{}", env!("ASSET")); println!("'),
        "asset.txt": "there",
    })  # fmt: skip
    step.run("cargo", "build")
    (step.project / "asset.txt").unlink()
    step.run("cargo", "build")
    assert step.output() == "none"
    step.write({"asset.txt": "there"})
    step.run("cargo", "build")
    assert step.output() == "there"


def test_a_cargo_called_behind_the_shims_back(step: Step) -> None:
    """A call by absolute path leaves artifacts that the state does not tell of: nothing is taken for known then."""
    stubbed(step)
    step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("truth")})
    step.run("cargo", "build")
    step.write({"crates/word/src/lib.rs": word("")})
    os.utime(step.project / "crates/word/src/lib.rs")
    step.run(f"{step.path.partition(':')[0]}/cargo", "build")
    assert step.output() == ""
    step.write({"crates/word/src/lib.rs": word("truth")})
    step.run("cargo", "build")
    assert step.output() == "truth"


def test_a_target_directory_that_lost_its_time_stamps(step: Step) -> None:
    """As when it comes with a build context: the order of artifacts and sources is lost, so all is compiled."""
    stubbed(step)
    step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("truth")})
    step.run("cargo", "build", "-p", "word")
    for place in (step.project / "target").rglob("*"):
        os.utime(place, (1e9, 1e9))
    step.run("cargo", "build")
    assert step.output() == "truth"


def test_sources_whose_time_stamps_cannot_be_set(any_step: Step) -> None:
    """A `touch` that fails, as on a read-only mount: the artifacts of the local crates are taken away instead."""
    refuse_touch(any_step)
    stubbed(any_step)
    any_step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("truth")})
    any_step.run("cargo", "build")
    assert any_step.output() == "truth"
    assert any_step.calls()[-1].refreshed
    assert "Compiling" not in any_step.run("cargo", "build", "-v")


def refuse_touch(step: Step) -> None:
    """Let `touch` fail for the project's files."""
    place = step.folder / "readonly"
    place.mkdir()
    (place / "touch").write_text(
        f'#!/bin/sh\nfor word; do case $word in "{step.project}"/target/*) ;; '
        f'"{step.project}"/*) echo "touch: Read-only file system" >&2; exit 1 ;; esac; done\nexec /usr/bin/touch "$@"\n'
    )
    (place / "touch").chmod(0o755)
    step.path = f"{place}:{step.path}"


def test_artifacts_of_the_new_layout_are_taken_away_too(step: Step) -> None:
    """`build-dir-new-layout` names artifacts otherwise; a compiler that has it must find none of a stub's."""
    nightly = subprocess.run(["rustup", "which", "--toolchain", "nightly", "cargo"],
                             capture_output=True, text=True, check=False).stdout.strip()  # fmt: skip
    if not nightly:
        pytest.skip("no nightly toolchain is installed")
    step.path = f"{Path(nightly).parent}:{step.path}"
    step.variables["CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT"] = "true"
    for evicting in (False, True):
        stubbed(step)
        assert not list(step.project.glob("target/debug/.fingerprint"))
        if evicting:
            refuse_touch(step)
        step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word(f"truth {evicting}")})
        step.run("cargo", "build")
        assert step.output() == f"truth {evicting}"
        assert step.sha256() in step.calls()[-1].made.values()


def test_two_builds_with_other_sources_share_a_build_directory(tmp_path: Path) -> None:
    """Both at the same time and at the same path, as with a cache mount in two stages: each call tells its own program.

    What is copied afterwards may be the other's by then; its digest says whose it is.
    """
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mount namespaces are not to be had")
    shared, place = tmp_path / "target", tmp_path / "build"
    place.mkdir()
    steps = [made_step(tmp_path / name, "sh") for name in ("one", "two")]

    def build(step: Step) -> None:
        step.write({"Cargo.toml": MANIFEST.format(name="app"), "src/main.rs": PRINTS.format(text=step.folder.name)})
        script = f"mount --bind {step.project} {place}; cd {place}; cargo build && cp {shared}/debug/app {step.folder}"
        step.run("unshare", "-m", "sh", "-c", script, cwd=tmp_path, CARGO_TARGET_DIR=str(shared))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, steps))
    makers = {digest: step.folder.name for step in steps for digest in step.calls()[-1].made.values()}
    assert set(makers.values()) == {"one", "two"}
    for step in steps:
        assert makers[step.sha256("../app")] == step.output("../app")


def test_a_plain_build_is_bit_for_bit_the_same(step: Step) -> None:
    """What the shim does reaches no compiler: the healed program is that of a build from scratch without it."""
    stubbed(step)
    step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("truth")})
    step.run("cargo", "build")
    healed = step.sha256()
    subprocess.run(["rm", "-rf", step.project / "target"], check=True)
    step.run(f"{step.path.partition(':')[0]}/cargo", "build")
    assert step.sha256() == healed


def test_a_first_build_touches_nothing(step: Step) -> None:
    """Without artifacts nothing can be stale, so the sources keep their time stamps: no layer gets copies of them."""
    stubbed(step)
    assert {place.stat().st_mtime for place in step.project.rglob("*.rs")} == {1e9}


def test_observing_changes_nothing(tmp_path: Path) -> None:
    """The guard `observe` lets the stub survive, and tells who made it."""
    step = made_step(tmp_path, "sh", guard="observe")
    stubbed(step)
    step.write({"src/main.rs": REAL_MAIN, "crates/word/src/lib.rs": word("truth")})
    step.run("cargo", "build")
    assert step.output() == ""
    stub, kept = step.calls()
    assert step.sha256() in stub.made.values()
    assert step.sha256() in kept.kept.values()
    assert not kept.refreshed


def test_a_file_beside_the_workspace_is_a_source_where_a_crate_takes_it_in(any_step: Step) -> None:
    """It is witnessed by the first call that compiles it, compiled anew when its content changes, and then fresh."""
    page = any_step.folder / "beside" / "a page.txt"
    page.parent.mkdir()
    page.write_text("")
    os.utime(page, (1_000_000_000, 1_000_000_000))
    taken = 'fn main() { println!("page {}", include_str!("../../beside/a page.txt")); }\n'
    any_step.write({"Cargo.toml": MANIFEST.format(name="app"), "src/main.rs": taken})
    any_step.run("cargo", "build")
    assert "Compiling" not in any_step.run("cargo", "build", "-v")
    page.write_text("truth")
    os.utime(page, (1_000_000_000, 1_000_000_000))
    any_step.run("cargo", "build")
    assert any_step.output() == "page truth"
    assert "Compiling" not in any_step.run("cargo", "build", "-v")
    first, _, real, last = [call.sources["../beside/a page.txt"] for call in any_step.calls()]
    assert first != real == last
