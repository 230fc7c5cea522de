"""The sample backend as a user and as the raw commands build it, each in folders of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import timed
from orchestrator.dockerfile.harden import sent_name
from orchestrator.dockerfile.settings import Guard, StubSettings
from orchestrator.engine.buildkit import solve
from orchestrator.flow.prepare import prepare
from orchestrator.flow.surroundings import Surroundings
from orchestrator.source.context import context_files, write_context
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.spec.load import load_spec

if TYPE_CHECKING:
    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = "infrastructure/docker/Dockerfile.backend"
MANIFEST = "backend/Cargo.toml"


@dataclass(slots=True)
class Sample:
    """A checkout of the sample backend. `fresh` makes every step of its Dockerfile one that no cache holds."""

    folder: Path
    tag: str = "twinbuild-bench:dev"
    fresh: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        ignored = shutil.ignore_patterns("target")
        for name in ("backend", "infrastructure/docker"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=ignored)
        shutil.copy(ROOT / ".dockerignore", self.folder)
        spec = (ROOT / "buildspec.yaml").read_text(encoding="utf-8").replace("backend:dev", self.tag)
        (self.folder / "buildspec.yaml").write_text(spec, encoding="utf-8")
        self.forget()

    def forget(self) -> None:
        """Make every step one that no cache holds, and the manifest one of which no offer of dependencies was made."""
        text = (ROOT / DOCKERFILE).read_text(encoding="utf-8")
        self.fresh = secrets.token_hex(8)
        marked = text.replace("WORKDIR /build\n", f"ENV BENCHMARK={self.fresh}\nWORKDIR /build\n", 1)
        (self.folder / DOCKERFILE).write_text(marked, encoding="utf-8")
        manifest = (ROOT / MANIFEST).read_text(encoding="utf-8")
        (self.folder / MANIFEST).write_text(f"{manifest}\n# benchmark {self.fresh}\n", encoding="utf-8")

    def change_a_line(self) -> None:
        """Change one line of the program."""
        place = self.folder / "backend/src/facts.rs"
        text = place.read_text(encoding="utf-8").partition("\n// benchmark")[0]
        place.write_text(f"{text}\n// benchmark {secrets.token_hex(8)}\n", encoding="utf-8")

    def invoke(self, workspace: Path, *words: str) -> float:
        """Return the seconds that `invoke build` takes, with these words more, as a whole process."""
        command = [str(ROOT / "invoke"), "build", "--spec", "buildspec.yaml", "-q", *words]
        return timed(command, cwd=self.folder, environment={**os.environ, "TWINBUILD_WORKSPACE": str(workspace)})

    def raw_cargo(self, target: Path, cargo_home: Path) -> float:
        """Return the seconds of a plain `cargo build`; crates are fetched already."""
        variables = {
            **os.environ,
            "CARGO_TARGET_DIR": str(target),
            "CARGO_HOME": str(cargo_home),
            "CARGO_NET_OFFLINE": "true",
        }
        command = ["cargo", "build", "--release", "--locked", "--bin", "backend"]
        return timed(command, cwd=self.folder / "backend", environment=variables)

    def raw_image(self, engine: Engine, workspace: Workspace, *, guard: Guard = Guard.OFF) -> float:
        """Return the seconds of the plain image build: bases pinned and crates at hand, no evidence read.

        Args:
            engine: where to build.
            workspace: with the crates.
            guard: what RUN steps get of the guard; by default nothing.
        """
        loaded = load_spec(self.folder / "buildspec.yaml")
        spec = loaded.spec.model_copy(update={"stub": StubSettings(guard=guard)})
        snapshot = take_snapshot(self.folder, spec.source, workspace=workspace, environment=os.environ)
        lay_out(snapshot, workspace.source)
        around = Surroundings(
            engine=engine,
            workspace=workspace,
            labels={},
            logs=workspace.root,
            environment=os.environ,
            emit=lambda _event: None,
            cancel=threading.Event(),
            # Nothing that the host has compiled: what is measured is all of the image build.
            independent=True,
        )
        plan = prepare(spec, snapshot, around).image
        began = time.perf_counter()
        tar = workspace.scratch / "raw.tar"
        with tar.open("wb") as out:
            files = context_files(plan.files, plan.tree, context=plan.context, dockerfile=plan.path)
            write_context(files, plan.tree, replace={plan.path: plan.hardened.encode()}, out=out)
        solved = solve(
            engine,
            tar,
            dockerfile=plan.path,
            target=sent_name(plan.dockerfile.stage(plan.target)),
            arguments=plan.arguments,
            limits=plan.limits,
            cancel=around.cancel,
            on_step=lambda _step: None,
            on_log=lambda _step, _text: None,
        )
        took = time.perf_counter() - began
        engine.remove_image(solved.image_id)
        return took
