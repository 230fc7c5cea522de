"""A case on the engine: what was there before, the untouched build, and the two guarded runs."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.integration.conftest import RECIPES, RUST, SLIM, Project, Run
from tests.integration.corpus.raw import OLD, Ran, raw_build, run_image, shipped_sha256
from tests.integration.corpus.tools import tool_named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from tests.integration.corpus.case import Case, Guard

NONCE = b"@NONCE@"
"""In a Dockerfile, the id of a cache mount of one build alone."""

_PROGRAMS = (b"#!", b"\x7fELF")
_KNOWN = ("memo/base", "memo/base-read", "memo/host-side", "memo/image-side", "memo/toolchain", "artifacts")
"""What a workspace knows of this machine and of the bases, whatever was built in it. Finding it out takes a second."""

_learning = threading.Lock()


class Raw:
    """The untouched Dockerfile's image, run; `sha256`: of its program."""

    def __init__(self, ran: Ran, sha256: str | None) -> None:
        self.ran, self.sha256 = ran, sha256


class Stand:
    """A case on the engine. Each of its builds has cache mounts of its own, with what the case says lay in them.

    `known`: a folder for what one of a process' builds has found out of this machine, with which the others begin.
    """

    def __init__(self, case: Case, engine: Engine, pins: Mapping[str, str], scratch: Path, known: Path) -> None:
        self._case, self._engine, self._pins, self._scratch, self._known = case, engine, pins, scratch, known
        self._made: list[str] = []
        self._projects: list[Project] = []
        self._target: dict[str, bytes] = {}

    def raw(self, *, built: bool) -> Raw | None:
        """Bring about what was there before; where `built`, build and run the untouched Dockerfile as well."""
        files = self._prepared("raw")
        if not built:
            return None
        image = self._built(files, "raw")
        return Raw(run_image(self._engine, image), shipped_sha256(self._engine, image, self._case.binary))

    def guarded(self) -> tuple[Run, Run]:
        """Run `invoke build` with the guard on, and with the guard observing, at the same time."""
        with ThreadPoolExecutor(2) as pool:
            enforced, observed = pool.submit(self._guarded, "enforce"), pool.submit(self._guarded, "observe")
            return enforced.result(), observed.result()

    def run(self, run: Run) -> Ran:
        """Run the image that a guarded build made."""
        return run_image(self._engine, run.record["image"]["engine_id"])

    def close(self) -> None:
        """Remove every image that was made."""
        for project in self._projects:
            project.remove(self._engine)
        for image in reversed(self._made):
            self._engine.remove_image(image)

    def _guarded(self, guard: Guard) -> Run:
        project = Project(
            folder=self._scratch / guard,
            workspace=self._scratch / f"{guard}-workspace",
            tag=f"twinbuild-test-{secrets.token_hex(4)}:dev",
        )
        self._projects.append(project)
        files = self._prepared(guard)
        files["Dockerfile"] = files["Dockerfile"].replace(SLIM.encode(), self._pins[SLIM].encode())
        recipes = {RUST: RECIPES[RUST].model_dump(mode="json", exclude_none=True)}
        spec = self._case.buildspec(guard=guard, tag=project.tag, bases=recipes)
        project.write({**files, "buildspec.yaml": spec})
        for name, content in files.items():
            if content.startswith(_PROGRAMS):
                (project.folder / name).chmod(0o755)
        _copied(self._known, project.workspace)
        run = project.build()
        with _learning:
            if run.exit_code == 0 and not self._known.exists():
                _copied(project.workspace, self._known)
        return run

    def _prepared(self, name: str) -> dict[str, bytes]:
        """Bring about what was there before, and return the files to build."""
        nonce = secrets.token_hex(4).encode()
        shared = NONCE not in self._case.files()["Dockerfile"]
        tools = {f"tools/{tool}": tool_named(tool) for tool in self._case.tools}
        for need in self._case.prepare if name == "raw" or not shared else ():
            if need.startswith("tool:"):
                continue
            if need == "repository":
                self._target = _repository(self._case.files(earlier=True), self._scratch / f"{name}-repository")
                continue
            before = {path: text.replace(NONCE, nonce) for path, text in self._case.files(earlier=True).items()}
            if need == "target":
                self._target = _host_target(before, self._scratch / "host")
            elif need == "build":
                self._built(before, name)
            else:
                self._engine.tag(self._built(before, name), need)
                self._made.append(need)
        return {path: text.replace(NONCE, nonce) for path, text in self._case.files().items()} | self._target | tools

    def _built(self, files: Mapping[str, bytes], name: str) -> str:
        folder = self._scratch / f"{name}-context"
        folder.mkdir(exist_ok=True)
        age = self._case.raw_age
        mtime = OLD if age is None else int(time.time()) - age
        image = raw_build(self._engine, files, pins=self._pins, scratch=folder, mtime=mtime)
        self._made.append(image)
        return image


def _copied(known: Path, to: Path) -> None:
    for name in _KNOWN:
        if (known / name).is_dir():
            shutil.copytree(known / name, to / name)


def _repository(files: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    """Return a bare repository with one commit of files, as `mirror/app.git`."""
    tree, bare = folder / "tree", folder / "mirror/app.git"
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    who = {f"GIT_{role}_{what}": "twinbuild" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {f"GIT_{role}_DATE": "1700000000 +0000" for role in ("AUTHOR", "COMMITTER")}
    own = {**os.environ, **who, **when, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (
        ("init", "--quiet", "--initial-branch=main", str(tree)),
        ("-C", str(tree), "add", "."),
        ("-C", str(tree), "commit", "--quiet", "--message=what was there last week"),
        ("init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(bare)),
        ("-C", str(tree), "push", "--quiet", str(bare), "main"),
    ):
        subprocess.run(["git", *words], env=own, check=True)
    return {str(path.relative_to(folder)): path.read_bytes() for path in bare.rglob("*") if path.is_file()}


def _host_target(files: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    subprocess.run(["cargo", "build", "--release", "--offline", "--quiet"], cwd=folder, env=os.environ, check=True)
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in (folder / "target").rglob("*") if path.is_file()
    }
