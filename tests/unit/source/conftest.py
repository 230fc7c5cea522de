"""Repositories of real files and a real git, without the user's own settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.source.settings import SourceSettings
from orchestrator.source.snapshot import Snapshot, take_snapshot
from orchestrator.workspace import Workspace


@dataclass(kw_only=True)
class Repository:
    """A folder with what tests do to it."""

    root: Path
    workspace: Workspace
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files; None removes one."""
        for path, content in files.items():
            place = self.root / path
            if content is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git."""
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.root, env=self.environment, check=True, capture_output=True
        )
        return done.stdout.decode()

    def commit(self, message: str = "work") -> None:
        """Commit all there is."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def take(self, *, exclude: tuple[str, ...] = (), root: Path | None = None, **variables: str) -> Snapshot:
        """Take a snapshot."""
        return take_snapshot(
            root or self.root,
            SourceSettings(exclude=exclude),
            workspace=self.workspace,
            environment={**self.environment, **variables},
        )

    def paths(self, *, exclude: tuple[str, ...] = ()) -> list[str]:
        """Return the paths of a snapshot."""
        return [file.path for file in self.take(exclude=exclude).files]


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    """A folder without git."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    (home / ".gitconfig").write_text(
        '[user]\nname = A\nemail = a@example.org\n[init]\ndefaultBranch = main\n[protocol "file"]\nallow = always\n'
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    return Repository(root=root, workspace=Workspace.open(tmp_path / "workspace"), environment=environment)


@pytest.fixture
def repository(plain: Repository) -> Repository:
    """An empty repository."""
    plain.git("init", "-q")
    return plain
