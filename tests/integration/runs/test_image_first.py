"""An image that is done before the host's program is run while the host still compiles; what is refused, once more."""

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
WAITS_ON_THE_HOST = """\
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let step = std::path::Path::new("/dev/.twinbuild").exists();
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


@pytest.mark.parametrize(("said", "exit_code"), [("hello from the real program", 0), ("hello from another", 1)])
def test_the_image_runs_while_the_host_compiles(engine: Engine, project: Project, said: str, exit_code: int) -> None:
    """The host compiles until the image runs; a run that is refused beside a busy host is made again afterwards."""
    dockerfile = HELLO["Dockerfile"].replace("COPY src src\n", "COPY src src\nCOPY build.rs ./\n")
    spec = SPEC.format(tag=project.tag).replace("hello from the real program", said)
    files = {"Dockerfile": dockerfile, "build.rs": WAITS_ON_THE_HOST, "buildspec.yaml": spec, "src/main.rs": MAIN}
    project.write({**HELLO, **files})
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(project.build)
        await_run(engine, project, build)
        for script in project.workspace.glob("*/build.rs"):
            (script.parent / "go").touch()
        run = build.result()
    assert run.exit_code == exit_code, run.record["checks"]
    steps = run.record["steps"]
    (compiled,) = [step for step in steps if step["lane"] == "local"]
    first, *again = [step["started"] for step in steps if step["name"].startswith("smoke run of the image's entry")]
    ends = compiled["started"] + compiled["seconds"]
    assert first < ends
    assert [each > ends for each in again] == [True] * exit_code
    assert run.check("smoke")["status"] == ("failed" if exit_code else "passed")
