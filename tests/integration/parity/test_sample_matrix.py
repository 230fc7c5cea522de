"""Causes on the sample backend: 63 crates, C code and debug information; each pair differs in one thing.

What the sample build of this repository has compiled is copied, so that only its own crates are compiled again; where
there is none yet, the first pair waits for that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.read import read_profile
from orchestrator.build.ground import ImagePaths, LocalPlan, prepare_ground
from orchestrator.parity.cause import Likelihood, diagnose
from orchestrator.parity.compare import compare
from orchestrator.parity.facts import BuildFacts, SideFacts
from orchestrator.parity.worth_reading import worth_reading
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.spec.load import load_spec
from orchestrator.toolchains.cargo.crates import fetch_crates
from orchestrator.toolchains.cargo.identity import identify
from orchestrator.toolchains.cargo.project import read_project
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from orchestrator.build.ground import Ground
    from orchestrator.parity.cause import Suspicion
    from orchestrator.parity.difference import Comparison

pytestmark = pytest.mark.cargo

ROOT = Path(__file__).resolve().parents[3]
MAIN = "backend/src/main.rs"
OWN = ("backend", "backend_codec")
FACTS = BuildFacts(local=SideFacts(), image=SideFacts(), programs=("backend", "backend-admin"))


@dataclass(slots=True)
class Sample:
    """The sample backend, whose last crate is compiled again with one thing changed."""

    ground: Ground
    folder: Path
    built: dict[str, Path] = field(default_factory=dict)

    def build(self, *flags: str, program: str = "backend", main: str | None = None) -> Path:
        """Return the program, compiled with flags of rustc for its own crate, or with another `main.rs`."""
        key = repr((flags, program, main))
        if key not in self.built:
            place = self.ground.worktree / MAIN
            text = place.read_text(encoding="utf-8")
            try:
                if main is not None:
                    place.write_text(main, encoding="utf-8")
                self._cargo("rustc", "--release", "--locked", f"--bin={program}", "--", *flags)
            finally:
                if main is not None:
                    place.write_text(text, encoding="utf-8")
            target = self.folder / f"program-{len(self.built)}"
            shutil.copy(self.ground.target / "release" / program, target)
            self.built[key] = target
        return self.built[key]

    def changed(self, *command: str) -> Path:
        """Return a copy of the program after a command; its last argument is the copy."""
        copy = self.folder / "-".join(word.strip("-") for word in command)
        shutil.copy(self.build(), copy)
        subprocess.run([*command, str(copy)], check=True)
        return copy

    def text(self) -> str:
        """Return its `main.rs`."""
        return (self.ground.worktree / MAIN).read_text(encoding="utf-8")

    def compare(self, image: Path) -> Comparison:
        """Compare the program as it is with another one."""
        here, there = read_profile(self.build()), read_profile(image)
        content = explain_difference(self.build(), image) if worth_reading(here, there) else None
        return compare(here, there, own=OWN, content=content, facts=FACTS)

    def _cargo(self, *words: str) -> None:
        ground = self.ground
        done = subprocess.run(
            ground.place.command([ground.cargo, *words[:4], *ground.options, *words[4:]], directory=ground.directory),
            env=dict(ground.variables),
            cwd=None if ground.place.prefix else ground.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    own, workspace = ROOT / ".twinbuild", Workspace.open(folder / "workspace")
    for name in ("target", "cargo"):
        if (own / name).is_dir():
            shutil.copytree(own / name, workspace.root / name, symlinks=True, dirs_exist_ok=True)
    spec = load_spec(ROOT / "buildspec.yaml").spec
    environment = dict(os.environ)
    snapshot = take_snapshot(ROOT, spec.source, workspace=workspace, environment=environment)
    lay_out(snapshot, workspace.source)
    toolchain = identify(workspace.source / "backend", workspace=workspace, environment=environment)
    project = read_project(workspace.source, spec.toolchain, toolchain, files=snapshot.files, workspace=workspace)
    fetch_crates(
        workspace.source, project, toolchain, workspace=workspace, environment=environment, on_line=lambda *_: None
    )
    plan = LocalPlan(
        tree=workspace.source,
        files=snapshot.files,
        project=project,
        settings=spec.toolchain,
        toolchain=toolchain,
        paths=ImagePaths(
            workspace="/build",
            cargo_home="/usr/local/cargo",
            sysroot=f"/usr/local/rustup/toolchains/{toolchain.name}",
        ),
        variables={"BACKEND_SOURCE_DIGEST": "0" * 64},
    )
    return Sample(prepare_ground(plan, workspace=workspace, environment=environment), folder)


def causes(comparison: Comparison) -> tuple[Suspicion, ...]:
    assert comparison.difference is not None
    return tuple(one for one in diagnose(comparison.difference) if one.likelihood >= Likelihood.LIKELY)


@pytest.mark.parametrize(
    ("flags", "rung", "cause"),
    [
        (("-Clinker-features=-lld",), "toolchain", "linker"),
        (("-Clink-arg=-Wl,--no-as-needed", "-Clink-arg=-lresolv"), "data", "needed-differs"),
        (("-Cmetadata=other",), "hash-only", "symbol-hash"),
        (("--remap-path-prefix=/build=/a/longer/folder",), "hash-only", "debug-paths"),
    ],
    ids=["linker", "system library", "metadata", "folder in debug information"],
)
def test_a_flag_for_the_last_crate(sample: Sample, flags: tuple[str, ...], rung: str, cause: str) -> None:
    """Rung and leading cause, among some four thousand functions of which most have moved."""
    found = sample.compare(sample.build(*flags))
    assert (found.rung.value, causes(found)[0].cause) == (rung, cause), found.held_by


@pytest.mark.parametrize(
    ("command", "cause"),
    [(("strip",), "stripped"), (("strip", "--strip-debug"), "strip-debug")],
    ids=["strip", "debug"],
)
def test_what_is_taken_off_afterwards(sample: Sample, command: tuple[str, ...], cause: str) -> None:
    """All that is loaded stays equal."""
    found = sample.compare(sample.changed(*command))
    assert (found.rung.value, causes(found)[0].cause) == ("hash-only", cause)


def test_the_stub_that_ships(sample: Sample) -> None:
    """`fn main() {}` in place of the service: foreign, a stub for certain, with what it lacks."""
    found = sample.compare(sample.build(main="fn main() {}\n"))
    lead = causes(found)[0]
    assert (found.rung.value, lead.cause, lead.likelihood) == ("foreign", "stub", Likelihood.CERTAIN)
    assert "axum 0.8" in str(lead.evidence)


def test_the_other_program_of_the_workspace(sample: Sample) -> None:
    """The wrong file of the right build."""
    found = sample.compare(sample.build(program="backend-admin"))
    assert (found.rung.value, causes(found)[0].cause) == ("foreign", "other-binary")


def test_another_source(sample: Sample) -> None:
    """One number of one function is another one: it is named, and nothing else is blamed."""
    found = sample.compare(sample.build(main=sample.text().replace("THREADS: usize = 16", "THREADS: usize = 17")))
    assert (found.rung.value, [one.cause for one in causes(found)]) == ("code", ["other-sources"])
    assert found.difference is not None
    assert found.difference.content is not None
    assert len(found.difference.content.bodies.changed) <= 2


def test_a_setting_of_one_crate_claims_nothing(sample: Sample) -> None:
    """No cause is made out of it, and what was compiled before (the C code) is proven to be the same."""
    found = sample.compare(sample.build("-Copt-level=1"))
    assert (found.rung.value, causes(found)) == ("code", ())
    assert found.difference is not None
    assert found.difference.content is not None
    changed = {pair.local.name for pair in found.difference.content.bodies.changed}
    assert len(changed) > 100
    assert not {name for name in changed if name.startswith(("ZSTD_", "FSE_", "HUF_"))}
