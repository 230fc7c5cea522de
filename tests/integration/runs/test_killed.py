"""Killed at any moment: no tag moved, nothing left after the next start, no torn record, and the next run works."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from orchestrator.record import read_record
from tests.integration.conftest import ENDS_WITH_US

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [pytest.mark.engine, pytest.mark.cargo, pytest.mark.alone]

SLOW_SMOKE = ("src/main.rs", "}\n", "    std::thread::sleep(std::time::Duration::from_secs(60));\n}\n")
KILLS = int(os.environ.get("TWINBUILD_TEST_KILLS", "6"))
"""How many kills at random moments; more are for a longer trial by hand."""


def edit(project: Any, change: tuple[str, str, str]) -> None:
    name, found, instead = change
    place = project.folder / name
    text = place.read_text(encoding="utf-8")
    assert found in text
    place.write_text(text.replace(found, instead, 1), encoding="utf-8")


class Running:
    """A build that goes on in the background, and not beyond the test."""

    def __init__(self, project: Any, *arguments: str) -> None:
        # Whoever started the tests may ignore SIGINT (a job in the background does), and children inherit that.
        self.child = subprocess.Popen(
            [
                *ENDS_WITH_US,
                "env",
                "--default-signal=INT",
                *project.command("build", "--spec", "buildspec.yaml", "--json", *arguments),
            ],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()

    def finish(self, timeout: float = 60) -> tuple[int, str, str]:
        """Wait for the end; return exit code and both streams."""
        out, said = self.child.communicate(timeout=timeout)
        return self.child.returncode, out, said

    def kill(self) -> None:
        """End it as nothing can be kept from ending."""
        self.child.kill()
        self.child.communicate()


class Relay:
    """A socket between the tool and the engine that can be cut."""

    def __init__(self, path: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def cut(self) -> None:
        """Close every connection and take no more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    near, _ = self._listening.accept()
                except OSError:
                    break
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._open += [stack.enter_context(near), stack.enter_context(far)]
                for source, sink in ((near, far), (far, near)):
                    thread = threading.Thread(target=self._pass_on, args=(source, sink))
                    thread.start()
                    stack.callback(thread.join)

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)


def until(what: Any, seconds: float = 60, *, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(pause)


def logged(project: Any, text: str) -> bool:
    return any(text in log.read_text(encoding="utf-8") for log in project.workspace.glob("runs/*/logs/image.log"))


def containers(engine: Any, project: Any, **filters: str) -> list[str]:
    """Return the containers of the project's workspace."""
    from orchestrator.engine.sweep import WORKSPACE_LABEL, run_labels  # noqa: PLC0415 - beside its use

    label = run_labels(project.workspace, "any")[WORKSPACE_LABEL]
    found = engine.api.containers(all=True, filters={"label": f"{WORKSPACE_LABEL}={label}", **filters})
    return [container["Id"] for container in found]


def records(project: Any) -> Iterator[Path]:
    yield from (path for path in project.workspace.glob("runs/*/record.json") if path.parent.name != "latest")


def hooked(
    project: Any, module: str, called: str, *arguments: str, first: str = "", then: str = "", setup: str = ""
) -> Any:
    """Run a build in which something happens first, or then, whenever a function is called; the shell sets up."""
    program, *words = project.command("build", "--spec", "buildspec.yaml", "--json", *arguments)
    words = words[words.index(str(ROOT / "start.py")) :]
    code = f"""
import importlib, os, runpy, signal, sys
sys.argv[:] = {words!r}
*path, name = {called!r}.split(".")
owner = importlib.import_module({module!r})
for each in path:
    owner = getattr(owner, each)
real = getattr(owner, name)
def hooked(*args, **more):
    {first or "pass"}
    answer = real(*args, **more)
    {then or "pass"}
    return answer
setattr(owner, name, hooked)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    command = ["env", "--default-signal=INT", program, "-c", code]
    if setup:
        root = [] if os.getuid() == 0 else ["--map-root-user"]
        command = ["unshare", "--mount", *root, "sh", "-c", f'{setup} && exec "$@"', "sh", *command]
    return subprocess.run(
        command,
        cwd=project.folder,
        env={**project.environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_says_so(hello: Any, engine: Any, number: signal.Signals) -> None:
    """Ctrl-C in a long step: the step ends on the engine, the record says `interrupted`, and nothing is tagged."""
    edit(hello, ("Dockerfile", "RUN touch", f"RUN sleep {60 + number}; touch"))
    with Running(hello) as running:
        until(lambda: logged(hello, f"RUN sleep {60 + number}"))
        began = time.monotonic()
        running.child.send_signal(number)
        code, out, said = running.finish()
    assert code == 130, said
    assert "Traceback" not in said
    assert time.monotonic() - began < 30
    assert json.loads(out)["failure"]["cause"] == "interrupted"
    assert engine.image(hello.tag) is None
    assert containers(engine, hello) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_sees_the_tag_finds_the_run_that_moved_it(hello: Any, engine: Any, number: signal.Signals) -> None:
    """A signal that comes when the tag has moved comes too late: the run is told as it was, and ends with 0."""
    with Running(hello) as running:
        until(lambda: engine.image(hello.tag) is not None, pause=0.002)
        running.child.send_signal(number)
        code, out, said = running.finish()
    record = json.loads(out)
    assert (code, record["failure"], record["image"]["promoted"]) == (0, None, True), said
    assert record["image"]["candidate_id"] == engine.image(hello.tag).id


@pytest.mark.parametrize(
    ("module", "called"),
    [
        ("orchestrator.engine.docker", "Engine.tag"),
        ("orchestrator.workspace", "Workspace.prune"),
        ("orchestrator.report.progress", "Silent.close"),
        ("orchestrator.report", "write_file"),
        ("orchestrator.record", "dump_record"),
    ],
)
def test_an_interrupt_after_the_tag_changes_nothing(hello: Any, engine: Any, module: str, called: str) -> None:
    """At each step from the tag to the printing: the run is told whole, as passed, and ends with 0."""
    done = hooked(hello, module, called, "--record", "copy.json", then="os.kill(os.getpid(), signal.SIGINT)")
    record = json.loads(done.stdout)
    assert (done.returncode, record["failure"], record["image"]["promoted"]) == (0, None, True), done.stderr
    assert record["image"]["candidate_id"] == engine.image(hello.tag).id
    assert (hello.folder / "copy.json").read_text(encoding="utf-8") == done.stdout


def test_a_run_that_is_killed_right_after_the_tag_is_on_record(hello: Any, engine: Any) -> None:
    """SIGKILL between the tag and the record's place: the next run finds the record complete, and puts it there."""
    done = hooked(hello, "orchestrator.engine.docker", "Engine.tag", then="os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert engine.image(hello.tag) is not None
    assert list(records(hello)) == []
    edit(hello, ("Dockerfile", "RUN touch", "RUN exit 7; touch"))
    assert hello.build().cause == "image-build-failed"
    killed, last = (read_record(path) for path in sorted(records(hello)))
    assert (killed.image.promoted, killed.image.candidate_id) == (True, engine.image(hello.tag).id)
    assert last.failure is not None
    assert list(hello.workspace.glob("runs/*/.*")) == []


def test_a_run_that_is_killed_right_before_the_tag_is_none(hello: Any, engine: Any) -> None:
    """SIGKILL with the record ready and the tag unmoved: the next run removes that record."""
    done = hooked(hello, "orchestrator.engine.docker", "Engine.tag", first="os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert engine.image(hello.tag) is None
    assert len(list(hello.workspace.glob("runs/*/.record.json.*"))) == 1
    assert hello.build().exit_code == 0
    assert len(list(records(hello))) == 1
    assert list(hello.workspace.glob("runs/*/.*")) == []


def test_a_run_that_cannot_be_recorded_moves_no_tag(hello: Any, engine: Any) -> None:
    """The disk fills up when all has passed: the record is written before the tag is moved, so neither is there."""
    place = hello.folder.parent / "small-disk"
    place.mkdir()
    done = hooked(
        hello,
        "orchestrator.gate.evaluate",
        "open_gate",
        then=f"os.system('head -c 1G /dev/zero >{place}/workspace/filler')",
        setup=f"mount -t tmpfs -o size=300m tmpfs {place} && export TWINBUILD_WORKSPACE={place}/workspace",
    )
    assert done.returncode == 13, done.stderr
    assert "no-space" in done.stderr
    assert engine.image(hello.tag) is None


def test_a_killed_smoke_run_leaves_nothing_after_the_next_start(hello: Any, engine: Any) -> None:
    """SIGKILL while the image runs: its container is found and removed by the next run, which passes."""
    edit(hello, SLOW_SMOKE)
    with Running(hello) as running:
        until(lambda: containers(engine, hello, status="running"))
        running.kill()
    edit(hello, (SLOW_SMOKE[0], SLOW_SMOKE[2], SLOW_SMOKE[1]))
    run = hello.build()
    assert run.exit_code == 0, run.record
    assert containers(engine, hello) == []
    assert engine.image(hello.tag) is not None


def test_kills_at_random_moments(hello: Any, engine: Any) -> None:
    """Wherever SIGKILL strikes, records are whole, `latest` names one, and the tag moves only with a passed verdict."""
    assert hello.build().exit_code == 0
    for number in range(KILLS):
        edit(hello, ("src/main.rs", "fn main() {\n", f"fn main() {{\n    let _ = {number};\n"))
        with Running(hello) as running:
            time.sleep(0.3 + 5.0 * number / KILLS)
            running.kill()
        known = [read_record(path) for path in records(hello)]
        assert (hello.workspace / "runs/latest/record.json").exists()
        tagged = engine.image(hello.tag).id
        # Between the tag and the record's place there is a moment, which the next run makes good.
        assert tagged in {record.image.candidate_id for record in known if record.image} or number == KILLS - 1
    last = hello.build()
    assert last.exit_code == 0, last.record
    assert containers(engine, hello) == []
    assert list((hello.workspace / "scratch").iterdir()) == []


def test_the_second_of_two_runs_waits_and_says_for_whom(hello: Any) -> None:
    """Two runs at once: one waits, names the other, and passes too; `--no-wait` does not wait."""
    edit(hello, ("Dockerfile", "RUN touch", "RUN sleep 4; touch"))
    with Running(hello) as running:
        until(lambda: logged(hello, "RUN sleep 4"))
        refused = hello.build("--no-wait")
        second = hello.invoke("build", "--spec", "buildspec.yaml")
        code, _, said = running.finish()
    assert (refused.exit_code, refused.cause) == (14, "workspace-busy")
    assert str(running.child.pid) in refused.record["failure"]["message"]
    assert code == 0, said
    assert second.exit_code == 0, second.stdout
    assert f"of process {running.child.pid}" in second.stderr


def test_an_engine_that_goes_away_is_named(hello: Any, tmp_path: Path) -> None:
    """The connection is cut in the middle of a build: exit code 4, and the next run works."""
    edit(hello, ("Dockerfile", "RUN touch", "RUN sleep 3; touch"))
    path = tmp_path / "engine.sock"
    relay = Relay(path)

    def cut() -> None:
        until(lambda: logged(hello, "RUN sleep 3"))
        relay.cut()

    cutting = threading.Thread(target=cut)
    cutting.start()
    run = hello.build(DOCKER_HOST=f"unix://{path}")
    cutting.join()
    assert (run.exit_code, run.cause) == (4, "engine-unreachable"), run.record
    again = hello.build()
    assert again.exit_code == 0, again.record
