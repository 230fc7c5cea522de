"""The snapshot of a large tree against `git status`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best, timed
from orchestrator.source.settings import SourceSettings
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES = 50_000
_PROMISED = 1.5


def measure() -> Iterator[Figure]:
    """Yield the warm cost of a snapshot of 50,000 files, laid out, against `git status`."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        tree = Path(place) / "tree"
        for number in range(_FILES):
            path = tree / f"{number % 250:03}" / f"file-{number}.rs"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"// {number}\n", encoding="utf-8")
        for words in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "b"],
        ):
            subprocess.run(["git", *words], cwd=tree, check=True)
        workspace = Workspace.open(Path(place) / "workspace")

        def ours() -> float:
            began = time.perf_counter()
            snapshot = take_snapshot(tree, SourceSettings(), workspace=workspace, environment=os.environ)
            taken = time.perf_counter() - began
            lay_out(snapshot, workspace.source)
            return taken

        ours()
        # The first `git status` writes what it learned into the index; the second is as quick as any later one.
        peer = best(lambda: timed(["git", "status", "--porcelain"], cwd=tree, environment=os.environ), times=7)
        yield Figure(
            name=f"snapshot of {_FILES:,} files, warm",
            ours=best(ours, times=7),
            peer=peer,
            peer_name="git status",
            promised=_PROMISED,
        )
