"""Causes as cargo brings them about: one small workspace, built with one setting, feature or place changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.binary.names import crate_of
from orchestrator.parity.cause import Likelihood, diagnose
from orchestrator.parity.facts import BuildFacts, SideFacts
from orchestrator.toolchains.cargo.in_force import profile_in_force

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.parity.difference import Comparison

pytestmark = pytest.mark.cargo

HOST = "x86_64-unknown-linux-gnu"
MANIFEST = """\
[package]
name = "backend"
version = "0.1.0"
edition = "2021"

[features]
loud = ["tinydep/loud"]

[dependencies]
tinydep = { path = "crates/tinydep" }
library = { path = "crates/library" }
"""
MEMBER = '[package]\nname = "{name}"\nversion = "1.2.3"\nedition = "2021"\n\n[features]\nloud = []\n'
LOCK = """\
version = 4

[[package]]
name = "backend"
version = "0.1.0"
dependencies = ["library", "tinydep"]

[[package]]
name = "library"
version = "1.2.3"

[[package]]
name = "tinydep"
version = "1.2.3"
"""
SCRIPT = 'fn main() { println!("cargo:rustc-env=BUILT={}", std::env::var("STAMP").unwrap_or_default()); }\n'


@dataclass(slots=True)
class Workspace:
    """Builds the workspace, each time in a folder and a target directory of its own."""

    folder: Path
    sources: Mapping[str, str]
    built: dict[str, Path] = field(default_factory=dict)

    def build(self, *words: str, place: str = "here", **variables: str) -> Path:
        """Return the program that cargo builds with further words and variables."""
        key = repr((words, place, sorted(variables.items())))
        if key not in self.built:
            home = self.folder / place
            for name, text in self.sources.items():
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_text(text, encoding="utf-8")
            target = self.folder / f"target-{len(self.built)}"
            # The folder of the tests must not show, or programs would differ from run to run.
            remap = f"--remap-path-prefix={self.folder}=/lab"
            subprocess.run(
                ["cargo", "build", "-q", "--release", "--offline", *words],
                cwd=home,
                check=True,
                env={**os.environ, "CARGO_TARGET_DIR": str(target), "RUSTFLAGS": remap, **variables},
            )
            made = self.folder / f"program-{len(self.built)}"
            folder = target / HOST if "--target" in words else target
            shutil.copy(folder / "release/backend", made)
            shutil.rmtree(target)
            self.built[key] = made
        return self.built[key]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, recipe: Any) -> Workspace:
    made = recipe().with_call('const BUILT: &str = env!("BUILT");', 'println!("{BUILT}");')
    sources = {
        "Cargo.toml": MANIFEST,
        "Cargo.lock": LOCK,
        "build.rs": SCRIPT,
        "src/main.rs": made.main,
        "crates/library/Cargo.toml": MEMBER.format(name="library"),
        "crates/library/src/lib.rs": made.library,
        "crates/tinydep/Cargo.toml": MEMBER.format(name="tinydep"),
        "crates/tinydep/src/lib.rs": made.dependency,
    }
    return Workspace(tmp_path_factory.mktemp("cargo"), sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What only the image's build has, and what must be said of it.

    Attributes:
        known: whether the run's knowledge of both profiles is needed: by the bytes alone the cause is not certain.
    """

    rung: str
    cause: str
    words: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    place: str = "here"
    known: bool = False


CHANGES = {
    "panic": Change(variables={"CARGO_PROFILE_RELEASE_PANIC": "abort"}, rung="code", cause="panic-strategy"),
    "opt-level": Change(variables={"CARGO_PROFILE_RELEASE_OPT_LEVEL": "1"}, rung="code", cause="codegen-settings"),
    "lto": Change(variables={"CARGO_PROFILE_RELEASE_LTO": "fat"}, rung="code", cause="lto"),
    "thin lto": Change(variables={"CARGO_PROFILE_RELEASE_LTO": "thin"}, rung="code", cause="lto"),
    "units": Change(variables={"CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1"}, rung="code", cause="codegen-units"),
    "incremental": Change(variables={"CARGO_PROFILE_RELEASE_INCREMENTAL": "true"}, rung="code", cause="codegen-units"),
    "no strip": Change(variables={"CARGO_PROFILE_RELEASE_STRIP": "none"}, rung="hash-only", cause="strip-debug"),
    "no optimisation": Change(
        variables={"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0"}, rung="code", cause="codegen-settings"
    ),
    "debug": Change(variables={"CARGO_PROFILE_RELEASE_DEBUG": "2"}, rung="code", cause="debug-info"),
    "strip": Change(variables={"CARGO_PROFILE_RELEASE_STRIP": "symbols"}, rung="code", cause="stripped", known=True),
    "feature": Change(words=("--features", "loud"), rung="code", cause="features"),
    "target": Change(words=("--target", HOST), rung="hash-only", cause="symbol-hash"),
    "stamp": Change(variables={"STAMP": "2026-01-02T03:09:44Z"}, rung="data", cause="timestamp"),
}
BASE = {"STAMP": "2026-01-02T03:04:05Z"}


def compared(laboratory: Any, workspace: Workspace, change: Change) -> Comparison:
    image = workspace.build(*change.words, place=change.place, **{**BASE, **change.variables})
    sides = [
        SideFacts(profile=profile_in_force({}, {}, variables, (), profile="release"))
        for variables in ({}, change.variables)
    ]
    facts = BuildFacts(local=sides[0], image=sides[1]) if change.known else None
    found: Comparison = laboratory.compare(workspace.build(**BASE), image, own=("backend",), facts=facts)
    return found


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_cargo_brings_about_is_named(laboratory: Any, workspace: Workspace, change: Change, note: Any) -> None:
    """One thing is changed for cargo; cargo may change more (names of symbols), and the cause is the one thing."""
    found = compared(laboratory, workspace, change)
    assert found.difference is not None
    named = [one for one in diagnose(found.difference) if one.likelihood >= Likelihood.LIKELY]
    note(
        " ".join((*change.words, *(f"{name}={text}" for name, text in change.variables.items()))),
        "one cause, with cargo",
        expected=(change.rung, (change.cause,)),
        found=(found.rung.value, tuple(one.cause for one in named)),
    )
    assert named, (found.rung, found.held_by)
    assert (found.rung.value, named[0].cause) == (change.rung, change.cause), [one.cause for one in named]


def test_another_folder_alone_is_no_difference(laboratory: Any, workspace: Workspace) -> None:
    """With the path prefix taken out, the same workspace elsewhere gives the same file, or differs in folders alone."""
    found = compared(laboratory, workspace, Change(place="another-place", rung="", cause=""))
    assert found.rung.value in {"identical", "paths"}, found.held_by


def test_own_functions_are_shown_first_and_calls_by_their_names(laboratory: Any, workspace: Workspace) -> None:
    """Of hundreds of functions that differ only some are decoded; a call through the loader's table has a name too."""
    found = compared(laboratory, workspace, CHANGES["opt-level"])
    assert found.difference is not None
    assert found.difference.content is not None
    excerpts = found.difference.content.instructions.excerpts
    assert crate_of(excerpts[0].name) == "backend"
    calls = [text for excerpt in excerpts for row in excerpt.rows for text in row if text.startswith("call [")]
    assert calls
    assert any("::" in text or "mem" in text for text in calls), calls
