"""An image that is done before the host's program is run while the host still compiles, and so is its program here."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.sweep import WORKSPACE_LABEL, run_labels
from tests.integration.conftest import HELLO, SPEC

if TYPE_CHECKING:
    from concurrent.futures import Future

    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project, Run

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

MAIN = """\
fn main() {
    println!("hello from the real program");
    std::thread::sleep(std::time::Duration::from_secs(3));
}
"""
SAYS_ITS_SIDE = MAIN.replace("std::thread", 'println!("compiled on the {}", env!("SIDE"));\n    std::thread', 1)
WAITS_ON_THE_HOST = """\
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let step = std::path::Path::new("/dev/.twinbuild").exists();
    println!("cargo::rustc-env=SIDE={}", if step { "other side" } else { "host" });
    for _ in 0..1200 {
        if step || std::path::Path::new("go").exists() { return; }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
"""
"""A RUN step has the guard's files below /dev; anywhere else a file is waited for, two minutes at most."""


def await_run(engine: Engine, project: Project, build: Future[Run]) -> None:
    """Wait until the project's program runs in a container, or the build is over."""
    label = f"{WORKSPACE_LABEL}={run_labels(project.workspace, '')[WORKSPACE_LABEL]}"
    while not build.done():
        running = engine.api.containers(filters={"label": label, "status": "running"})
        if any(each["Command"].startswith("/usr/local/bin/hello") for each in running):
            return
        time.sleep(0.1)


HERE = "smoke run of the image's program on this machine"


def build_image_first(engine: Engine, project: Project, main: str, *, said: str = "hello from the real program") -> Run:
    """Build a project whose host compiles until the image runs."""
    dockerfile = HELLO["Dockerfile"].replace("COPY src src\n", "COPY src src\nCOPY build.rs ./\n")
    spec = SPEC.format(tag=project.tag).replace("hello from the real program", said)
    files = {"Dockerfile": dockerfile, "build.rs": WAITS_ON_THE_HOST, "buildspec.yaml": spec, "src/main.rs": main}
    project.write({**HELLO, **files})
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(project.build)
        await_run(engine, project, build)
        for script in project.workspace.glob("*/build.rs"):
            (script.parent / "go").touch()
        return build.result()


def started(run: Run, name: str) -> list[float]:
    """Return when the steps of a name began."""
    return [step["started"] for step in run.record["steps"] if step["name"].startswith(name)]


@pytest.mark.parametrize(("said", "exit_code"), [("hello from the real program", 0), ("hello from another", 1)])
def test_the_image_runs_while_the_host_compiles(engine: Engine, project: Project, said: str, exit_code: int) -> None:
    """A run that is refused beside a busy host is made again; the program's run here is the host's, byte for byte."""
    run = build_image_first(engine, project, MAIN, said=said)
    assert run.exit_code == exit_code, run.record["checks"]
    (compiled,) = [step for step in run.record["steps"] if step["lane"] == "local"]
    ends = compiled["started"] + compiled["seconds"]
    first, *again = started(run, "smoke run of the image's entry")
    assert first < ends
    assert [each > ends for each in again] == [True] * exit_code
    assert run.check("smoke")["status"] == ("failed" if exit_code else "passed")
    (here,) = started(run, HERE)
    assert here < ends
    assert started(run, "smoke run of the host's program") == []
    assert run.check("behaviour")["status"] == "passed"


def test_another_program_of_the_host_is_run_itself(engine: Engine, project: Project) -> None:
    """What the image's program does here counts only where the host has compiled the same bytes."""
    run = build_image_first(engine, project, SAYS_ITS_SIDE)
    assert run.check("parity")["status"] == "failed"
    assert len(started(run, HERE)) == len(started(run, "smoke run of the host's program")) == 1
    here, there = map(str, run.record["transcripts"])
    assert "compiled on the host" in here
    assert "compiled on the other side" in there
