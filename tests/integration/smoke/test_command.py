"""`invoke smoke`: the run alone, on any image; and its death at any moment, which must leave nothing for long."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.sweep import WORKSPACE_LABEL, run_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine

pytestmark = pytest.mark.engine

KILLS = int(os.environ.get("TWINBUILD_SMOKE_KILLS", "5"))
PLAN = """
version: 1
project: sample
toolchain: {kind: cargo, manifest: Cargo.toml, package: sample, binary: sample}
image: {dockerfile: Dockerfile, tag: "sample:dev", binary: /t/actor}
smoke:
  ready: {log: listening, http: {port: 8080, path: /health}}
  stays_up: 300ms
"""
BESIDE = """\
  services: {other: {image: "%s", port: 8080}}
"""
SERVES = {"Entrypoint": ["/t/actor", "serve", "0.0.0.0"]}  # noqa: S104 - inside a container


def left(engine: Engine, label: str) -> list[str]:
    """Return what carries a label in the engine."""
    api, filters = engine.api, {"label": label}
    found = [f"container {entry['Id']} {entry['Status']}" for entry in api.containers(all=True, filters=filters)]
    found += [f"network {entry['Name']}" for entry in api.networks(filters=filters)]
    return found + [f"volume {entry['Name']}" for entry in api.volumes(filters=filters)["Volumes"] or ()]


@pytest.fixture
def plan(project: Any) -> Any:
    """Return a project whose plan uses a network, a volume and a container."""
    project.write({"buildspec.yaml": PLAN})
    return project


def label_of(project: Any) -> str:
    return f"{WORKSPACE_LABEL}={run_labels(project.workspace, '')[WORKSPACE_LABEL]}"


def smoke(project: Any, *words: str) -> tuple[Any, Mapping[str, Any]]:
    run = project.invoke("smoke", *words)
    return run, json.loads(run.stdout) if run.stdout.startswith("{") else {}


def test_an_image_passes_by_the_plan_of_a_spec(plan: Any, laboratory: Any) -> None:
    """Exit code 0, the report as JSON, and nothing left in the engine."""
    run, report = smoke(plan, laboratory.image(SERVES), "--spec", "buildspec.yaml", "--json")
    assert (run.exit_code, report["passed"]) == (0, True), run.stderr
    assert report["runs"][0]["transcript"]["ready_after"] > 0
    assert left(laboratory.engine, label_of(plan)) == []


def test_an_engine_whose_containers_cannot_be_reached(plan: Any, laboratory: Any) -> None:
    """As with a rootless engine or Docker Desktop: the command runs in a network that has no way to the container's.

    The engine's socket is a file, and still there.
    """
    alone = ["unshare", "--net", "--map-root-user", *plan.command("smoke", laboratory.image(SERVES))]
    words = [*alone, "--spec", "buildspec.yaml", "--json"]
    done = subprocess.run(words, cwd=plan.folder, env=plan.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)["runs"][0]["transcript"]
    assert seen["ready_after"] > 0
    assert left(laboratory.engine, label_of(plan)) == []


def test_repeated_runs_show_how_the_starts_are_spread(project: Any, laboratory: Any) -> None:
    """Without a spec it is started, seen to stay up, and stopped; the report counts what failed."""
    run = project.invoke("smoke", laboratory.image({"Entrypoint": ["/t/actor"]}), "--repeat", "2")
    assert run.exit_code == 0
    assert "2 of 2 runs passed" in run.stdout
    assert "(least, median, most)" in run.stdout
    run, report = smoke(project, laboratory.image({"Entrypoint": ["/bin/true"]}), "--repeat", "2", "--json")
    assert (run.exit_code, report["causes"]) == (1, {"silent-exit": 2})


def test_an_image_that_cannot_start_is_explained_by_its_files(project: Any, laboratory: Any) -> None:
    """The engine only says that something failed; the reading says which library, which line."""
    run, report = smoke(project, laboratory.image({"Entrypoint": ["/t/asks-gone"]}), "--json")
    assert (run.exit_code, report["loadable"]["cause"]) == (1, "library-missing")
    run = project.invoke("smoke", laboratory.image({"Entrypoint": ["/t/crlf.sh"]}))
    assert "cause     crlf-in-script" in run.stdout


def test_a_kept_container_stays_until_the_command_that_is_named(project: Any, laboratory: Any) -> None:
    """The next run sweeps what dead runs left, and leaves this one alone."""
    image = laboratory.image({"Entrypoint": ["/t/actor"]})
    run, report = smoke(project, image, "--keep", "--json")
    kept = report["kept"]
    try:
        assert run.exit_code == 0
        assert project.invoke("smoke", image).exit_code == 0
        state = laboratory.engine.api.inspect_container(kept["container"])["State"]
        assert state["Status"] == "exited"
        assert kept["removal"].startswith(f"docker rm -f {kept['container'][:12]} && docker volume rm twinbuild-")
    finally:
        laboratory.engine.api.remove_container(kept["container"], force=True)
        for volume in kept["volumes"]:
            laboratory.engine.api.remove_volume(volume)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("no-such-image:here",), "the engine has no image no-such-image:here"),
        (("Not An Image",), "names no image"),
        (("scratch:none", "--repeat", "0"), "expected a number from 1"),
        (("scratch:none", "--repeat", "2", "--keep"), "do not fit together"),
    ],
)
def test_what_makes_no_sense_is_told(words: tuple[str, ...], says: str, project: Any) -> None:
    """Exit code 3, no traceback."""
    run = project.invoke("smoke", *words)
    assert run.exit_code == 3
    assert says in " ".join(run.stderr.split())


def test_a_stop_of_the_tool_leaves_nothing_at_once(plan: Any, laboratory: Any) -> None:
    """SIGTERM while the container runs: exit code 130, and it is gone when the tool is."""
    image = laboratory.image({"Entrypoint": ["/t/actor"]})
    words = plan.command("smoke", image, "--spec", "buildspec.yaml")
    child = subprocess.Popen(words, cwd=plan.folder, env=plan.environment(), stderr=subprocess.PIPE, text=True)
    filters = {"label": label_of(plan), "status": "running"}
    while not laboratory.engine.api.containers(filters=filters):
        assert child.poll() is None
        time.sleep(0.02)
    child.terminate()
    _, said = child.communicate(timeout=60)
    assert (child.returncode, left(laboratory.engine, label_of(plan))) == (130, []), said
    assert "nothing of it is left" in said


def test_death_at_any_moment_leaves_nothing_after_the_next_start(plan: Any, laboratory: Any) -> None:
    """Killed (-9) at random points of a run with a service; one more run, and nothing of any of them is left.

    `TWINBUILD_SMOKE_KILLS=50` kills it as often as was promised; each kill costs one to two seconds.
    """
    image = laboratory.image(SERVES)
    plan.write({"buildspec.yaml": PLAN + BESIDE % image})
    words = plan.command("smoke", image, "--spec", "buildspec.yaml")
    moments = random.Random(6)  # noqa: S311 - the same moments each time
    began = time.monotonic()
    assert plan.invoke("smoke", image, "--spec", "buildspec.yaml").exit_code == 0
    longest = time.monotonic() - began
    remains = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            words,
            cwd=plan.folder,
            env=plan.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            child.wait(timeout=moments.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        remains += len(left(laboratory.engine, label_of(plan)))
    assert remains, "no kill came while something of a run was in the engine, so this test shows nothing"
    assert plan.invoke("smoke", image, "--spec", "buildspec.yaml").exit_code == 0
    assert left(laboratory.engine, label_of(plan)) == []
