"""Real projects, built by the real command: a folder to fill, and what `invoke build` said of it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from orchestrator.bases.image import HostToolchain
from orchestrator.bases.prepare import prepare_bases
from orchestrator.bases.settings import BaseSettings, BootstrapSettings
from orchestrator.engine.sweep import run_labels, sweep
from orchestrator.toolchains.cargo.identity import identify
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.engine.docker import Engine

ROOT = Path(__file__).resolve().parents[2]
RUST, SLIM = "rust:1.95-bookworm", "debian:bookworm-slim"
RECIPES = {
    # The sample backend's own, so that all tests share its bases.
    RUST: BaseSettings(
        bootstrap=BootstrapSettings(
            suite="bookworm", packages=("ca-certificates", "gcc", "libc6-dev"), toolchain="host"
        )
    ),
    SLIM: BaseSettings(bootstrap=BootstrapSettings(suite="bookworm", packages=("ca-certificates",))),
}

HELLO = {
    "Cargo.toml": '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n',
    "Cargo.lock": 'version = 4\n\n[[package]]\nname = "hello"\nversion = "0.1.0"\n',
    "src/main.rs": 'fn main() {\n    println!("hello from the real program");\n}\n',
    "Dockerfile": f"""\
FROM {RUST} AS builder
WORKDIR /app
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {{}}' > src/main.rs && cargo build --release --locked
COPY src src
RUN touch src/main.rs && cargo build --release --locked

FROM {SLIM}
COPY --from=builder /app/target/release/hello /usr/local/bin/hello
ENTRYPOINT ["/usr/local/bin/hello"]
""",
}
"""The smallest project there is: a program that says one line and ends, and a Dockerfile that caches dependencies."""

SPEC = """\
version: 1
project: hello
toolchain: {{kind: cargo}}
image: {{tag: "{tag}", binary: /usr/local/bin/hello}}
bases:
  rust:1.95-bookworm: {{bootstrap: {{suite: bookworm, packages: [ca-certificates, gcc, libc6-dev], toolchain: host}}}}
  debian:bookworm-slim: {{bootstrap: {{suite: bookworm, packages: [ca-certificates]}}}}
smoke: {{kind: job, expect: {{stdout: [hello from the real program]}}}}
"""


_SETPRIV = shutil.which("setpriv")  # by its path: some tests give a command a PATH of their own
ENDS_WITH_US = (_SETPRIV, "--pdeathsig", "INT") if _SETPRIV else ()
"""Before a command: xdist kills its processes when the tests are ended, and what they had started would go on."""

_BY_ITSELF = ("corpus", "seed")
"""Folders whose tests share nothing but the bases, and are long: each goes to whichever process is free."""


class ByModule(LoadScopeScheduling):
    """Keeps a module's tests in one process where several run them: they share what its fixtures have built.

    (xdist's own groups write the group into a private field of pytest's items, which pytest 9.2 does not have.)
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return nodeid if PurePosixPath(module).parent.name in _BY_ITSELF else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """Return what deals the tests out."""
    return ByModule(config, log)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a command left. `record`: the run record as JSON; empty where none was printed."""

    exit_code: int
    stdout: str
    stderr: str
    record: Mapping[str, Any]

    def check(self, name: str) -> Mapping[str, Any]:
        """Return one check of the record."""
        return next(check for check in self.record["checks"] if check["id"] == name)

    @property
    def cause(self) -> str | None:
        """Return the verdict's cause, or the failure's where there is no verdict."""
        answer = self.record["verdict"] or self.record["failure"]
        return str(answer["cause"]) if answer["cause"] else None


@dataclass(slots=True)
class Project:
    """A project of a test's own: its folder, and the tag that its images would get."""

    folder: Path
    workspace: Path
    tag: str
    runs: list[Run] = field(default_factory=list)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, paths relative to the project's folder."""
        for path, content in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def copy(self, source: Path) -> None:
        """Copy a folder's content into the project."""
        shutil.copytree(source, self.folder, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns("target"))

    def remove(self, engine: Engine) -> None:
        """Remove what its builds left in the engine; but images that a tag names: the same sources make the same image.

        Containers and networks there are none, unless a build was killed, as by the end of the tests.
        """
        left = sweep(engine, run_labels(self.workspace, "removal"))
        known = Workspace.open(self.workspace).recall("images", "last")
        engine.remove_image(self.tag)
        for name in known if isinstance(known, list) else ():
            image = engine.image(str(name))
            if image is not None and not image.tags:
                engine.remove_image(str(name))
        assert left == 0, f"{left} containers, networks or volumes were left in the engine"

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `invoke`."""
        return [sys.executable, "-P", str(ROOT / "start.py"), "--write-pyc", "--search-root", str(ROOT), *arguments]

    def environment(self, **changed: str) -> dict[str, str]:
        """Return the variables that a command is run with."""
        return {**os.environ, "TWINBUILD_WORKSPACE": str(self.workspace), **changed}

    def invoke(self, *arguments: str, timeout: float = 600, **changed: str) -> Run:
        """Run `invoke` in the project's folder."""
        done = subprocess.run(
            [*ENDS_WITH_US, *self.command(*arguments)],
            cwd=self.folder,
            env=self.environment(**changed),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        record = json.loads(done.stdout) if "--json" in arguments and done.stdout.startswith("{") else {}
        run = Run(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, record=record)
        assert "Traceback" not in run.stderr, run.stderr
        self.runs.append(run)
        return run

    def build(self, *arguments: str, spec: str = "buildspec.yaml", **changed: str) -> Run:
        """Run `invoke build` and return its record."""
        run = self.invoke("build", "--spec", spec, "--json", *arguments, **changed)
        assert run.record, f"exit code {run.exit_code}, no record printed:\n{run.stderr}"
        return run


@pytest.fixture(scope="session")
def bases(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the image ids of the two bases that tests build on, by the reference that Dockerfiles name."""
    workspace = Workspace.open(tmp_path_factory.mktemp("bases"))
    found = identify(ROOT / "backend", workspace=workspace, environment=os.environ)
    made = prepare_bases(
        engine,
        tuple(RECIPES),
        RECIPES,
        toolchain=HostToolchain(version=found.version, commit=found.commit, host=found.host, sysroot=found.sysroot),
        scratch=workspace.root,
        environment=os.environ,
        emit=lambda _event: None,
    )
    return {reference: base.image_id for reference, base in made.items()}


@pytest.fixture(scope="session")
def slim_base(bases: Mapping[str, str]) -> str:
    """Return the image id of the Debian base."""
    return bases[SLIM]


@pytest.fixture
def project(engine: Engine, bases: Mapping[str, str], tmp_path: Path) -> Iterator[Project]:
    """Return an empty project; its images are removed afterwards, and no container of it may have been left."""
    assert bases
    made = Project(
        folder=tmp_path / "project",
        workspace=tmp_path / "workspace",
        tag=f"twinbuild-test-{secrets.token_hex(4)}:dev",
    )
    made.folder.mkdir()
    yield made
    made.remove(engine)


@pytest.fixture
def hello(project: Project) -> Project:
    """Return a project with the smallest program, ready to be built."""
    project.write({**HELLO, "buildspec.yaml": SPEC.format(tag=project.tag)})
    return project
