"""The snapshot of a large repository, and what becomes of odd names on a real engine."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from orchestrator.engine.build_watch import Limits
from orchestrator.engine.buildkit import solve
from orchestrator.engine.docker import Engine
from orchestrator.engine.files import image_files
from orchestrator.source.context import context_files, write_context
from orchestrator.source.settings import SourceSettings
from orchestrator.source.snapshot import Snapshot, take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.workspace import Workspace

FOLDERS, FILES = 500, 100
ODD = ("-leading", "new\nline", "sp ace", "ünï", os.fsdecode(b"latin-\xe9"), "back\\slash", "n" * 200)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def take(root: Path, workspace: Workspace) -> Snapshot:
    return take_snapshot(root, SourceSettings(), workspace=workspace, environment=os.environ)


def test_fifty_thousand_files(tmp_path: Path, workspace: Workspace) -> None:
    """Read once; then what changed is read, laid out and digested, and a fresh look says the same."""
    root = tmp_path / "project"
    for folder in range(FOLDERS):
        (root / f"d{folder:03}").mkdir(parents=True)
        for file in range(FILES):
            (root / f"d{folder:03}/f{file:02}").write_text(f"{folder} {file}\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    time.sleep(0.2)
    first = take(root, workspace)
    assert len(first.files) == FOLDERS * FILES
    assert len(lay_out(first, workspace.source).changed) == FOLDERS * FILES
    assert take(root, workspace) == first
    assert lay_out(first, workspace.source).changed == ()
    (root / "d250/f50").write_text("changed")
    (root / "d000/f00").unlink()
    (root / "new").write_text("new")
    second = take(root, workspace)
    laid = lay_out(second, workspace.source)
    assert (laid.changed, laid.removed) == (("d250/f50", "new"), ("d000/f00",))
    assert take(root, Workspace.open(tmp_path / "other")).digest == second.digest


@pytest.mark.engine
def test_odd_names_reach_the_image(engine: Engine, tmp_path: Path, workspace: Workspace) -> None:
    """Byte for byte, with links and modes; the engine reads our tar as it was meant."""
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    for name in ODD:
        (root / "sub" / name).write_text(name, errors="surrogateescape")
    (root / "sub/run").write_text("#!")
    (root / "sub/run").chmod(0o750)
    (root / "sub/link").symlink_to("no where\n")
    (root / ".dockerignore").write_text("ignored\n")
    (root / "ignored").write_text("x")
    (root / "Dockerfile").write_text('FROM scratch\nCOPY . /\nCMD ["x"]\n')
    snapshot = take(root, workspace)
    lay_out(snapshot, workspace.source)
    sent = context_files(snapshot.files, workspace.source, context=".", dockerfile="Dockerfile")
    with (tmp_path / "context.tar").open("wb") as out:
        write_context(sent, workspace.source, replace={}, out=out)
    image = solve(
        engine,
        tmp_path / "context.tar",
        dockerfile="Dockerfile",
        target=None,
        arguments={},
        limits=Limits(step=60, silence=60),
        cancel=threading.Event(),
        on_step=lambda _step: None,
        on_log=lambda _step, _text: None,
    ).image_id
    try:
        with image_files(engine, image, labels={"twinbuild.test": "odd"}) as files:
            assert set(files.names("/sub")) == {*ODD, "run", "link"}
            assert files.read("/sub/ünï") == "ünï".encode()
            run, link = files.stat("/sub/run"), files.stat("/sub/link")
            assert run is not None
            assert run.mode & 0o777 == 0o755
            assert link is not None
            assert link.link_target is not None
            assert link.link_target.endswith("no where\n")
            assert files.stat("/ignored") is None
            assert files.stat("/.dockerignore") is not None
    finally:
        engine.remove_image(image)
