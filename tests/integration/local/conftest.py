"""Small crates, built on the host as a run does it; no engine is needed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.build.local import ImagePaths, LocalBuild, LocalPlan, build_local
from orchestrator.source.settings import SourceSettings
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.toolchains.cargo.crates import fetch_crates
from orchestrator.toolchains.cargo.identity import identify
from orchestrator.toolchains.cargo.project import read_project
from orchestrator.toolchains.cargo.settings import CargoSettings
from orchestrator.workspace import Workspace

MAIN = 'fn main() { println!("{} {}", env!("CARGO_MANIFEST_DIR"), file!()); }\n'


def package(name: str, more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}'


def lock(*names: str) -> str:
    return "version = 4\n" + "".join(f'\n[[package]]\nname = "{name}"\nversion = "0.1.0"\n' for name in names)


@dataclass(kw_only=True)
class Crate:
    """A project of a test's own."""

    folder: Path
    workspace: Workspace
    environment: dict[str, str]
    said: list[str] = field(default_factory=list)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, paths relative to the project."""
        for path, content in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)

    def build(
        self,
        *,
        at: str = "/app",
        variables: Mapping[str, str] | None = None,
        fetch: bool = True,
        user: int = 0,
        **settings: Any,
    ) -> LocalBuild:
        """Do what a run does, up to the program."""
        return build_local(
            replace(self.plan(at=at, variables=variables, fetch=fetch, **settings), user=user),
            workspace=self.workspace,
            log=self.workspace.root / "local.log",
            environment=self.environment,
            emit=lambda event: self.said.append(getattr(event, "text", "")),
        )

    def plan(
        self, *, at: str = "/app", variables: Mapping[str, str] | None = None, fetch: bool = True, **settings: Any
    ) -> LocalPlan:
        """Do what a run does before the build."""
        snapshot = take_snapshot(self.folder, SourceSettings(), workspace=self.workspace, environment=self.environment)
        tree = self.workspace.source
        lay_out(snapshot, tree)
        cargo = CargoSettings.model_validate_json(CargoSettings(kind="cargo", **settings).model_dump_json())
        toolchain = identify(
            (tree / cargo.manifest).parent, workspace=self.workspace, environment=self.environment, top=tree
        )
        project = read_project(tree, cargo, toolchain, files=snapshot.files, workspace=self.workspace)
        if fetch:
            fetch_crates(
                tree,
                project,
                toolchain,
                workspace=self.workspace,
                environment=self.environment,
                on_line=lambda _stream, _line: None,
            )
        return LocalPlan(
            tree=tree,
            files=snapshot.files,
            project=project,
            settings=cargo,
            toolchain=toolchain,
            paths=ImagePaths(
                workspace=at,
                cargo_home="/usr/local/cargo",
                sysroot=f"/usr/local/rustup/toolchains/{toolchain.name}",
            ),
            variables=variables or {},
        )

    def without(self, *programs: str) -> None:
        """Take programs off the PATH."""
        shelf = self.workspace.root / "path"
        shelf.mkdir()
        for folder in self.environment["PATH"].split(os.pathsep):
            for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
                if program.name not in programs and not (shelf / program.name).exists():
                    (shelf / program.name).symlink_to(program)
        self.environment["PATH"] = str(shelf)


@pytest.fixture
def crate(tmp_path: Path) -> Crate:
    """A package with one program and a lock file."""
    made = Crate(
        folder=tmp_path / "project",
        workspace=Workspace.open(tmp_path / "workspace"),
        environment={
            name: os.environ[name] for name in ("PATH", "HOME", "RUSTUP_HOME", "CARGO_HOME") if name in os.environ
        },
    )
    made.write({"Cargo.toml": package("demo"), "Cargo.lock": lock("demo"), "src/main.rs": MAIN})
    return made


@pytest.fixture
def namespaces() -> None:
    """Skip where no namespace can be had."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
