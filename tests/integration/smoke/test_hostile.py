"""Images that fail in one way each, and sound ones that look odd: each gets the verdict and the cause that it deserves.

All are started at the same time, a few at once; each test looks at one of the results.
"""

# ruff: noqa: S104, S108 - addresses and paths inside of containers

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.gate.checks.smoke import judge
from orchestrator.smoke.image import run_image
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.verdict import CheckResult, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.smoke.transcript import Transcript

pytestmark = pytest.mark.engine

AT_ONCE = 6
ACTOR = "/t/actor"
READY: dict[str, Any] = {"log": "ready", "within": "20s"}
SOON: dict[str, Any] = {"log": "ready", "within": "2s"}
SERVES: dict[str, Any] = {"http": {"port": 8080, "path": "/health", "body": "well"}, "within": "20s"}
BRIEF = {"stays_up": "200ms"}
KILLED = {"signal": "SIGKILL", "exit": 137}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image and one plan.

    Attributes:
        cause: None where the image is sound.
        says: texts that the result must hold, in its message, repair or evidence.
    """

    name: str
    image: Mapping[str, Any]
    plan: Mapping[str, Any] = field(default_factory=dict)
    cause: str | None = None
    says: tuple[str, ...] = ()
    scratch: bool = False


def runs(*words: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of an image with this ENTRYPOINT."""
    return {"Entrypoint": list(words), **more}


def acts(*words: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of an image whose entrypoint is the actor."""
    return runs(ACTOR, *words, **more)


def plan(*parts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a plan that is made of parts."""
    merged: dict[str, Any] = {}
    for part in (*parts, more):
        merged |= part
    return merged


CHECK = {"Interval": 10**10, "Timeout": 10**9, "Retries": 2}
SOUND = (
    Case(name="loop", image=acts("loop"), plan=plan(ready=READY)),
    Case(name="shebang-with-argument", image=runs("/t/good.sh"), plan=plan(ready=READY)),
    Case(name="user", image=acts("loop", User="1000:1000"), plan=plan(ready=READY)),
    Case(name="ready-on-stderr", image=runs("/t/stderr.sh"), plan=plan(ready=READY)),
    Case(name="split-writes", image=acts("split"), plan=plan(ready=READY)),
    Case(name="late", image=runs("/t/late.sh", "8"), plan=plan(ready=READY)),
    Case(name="bytes-and-colours", image=runs("/t/bytes.sh"), plan=plan(ready={"log": {"regex": "^ready$"}})),
    Case(name="flood-200-mb", image=acts("flood", "200"), plan=plan(BRIEF, ready={"log": "ready", "within": "60s"}),
         says=("not kept", "of 209,715,207 bytes")),
    Case(name="line-of-100-mb", image=acts("line", "100"), plan=plan(BRIEF, ready={"log": "ready", "within": "60s"})),
    Case(name="http", image=acts("serve", "0.0.0.0"), plan=plan(BRIEF, ready=SERVES)),
    Case(name="http-500-then-200", image=acts("serve", "0.0.0.0", "3"), plan=plan(BRIEF, ready=SERVES)),
    Case(name="tcp", image=acts("mute"), plan=plan(BRIEF, ready={"tcp": 8080})),
    Case(name="file", image=runs("/t/leaves.sh", "/tmp/up"), plan=plan(BRIEF, ready={"file": "/tmp/up"})),
    Case(name="command", image=runs("/t/leaves.sh", "/tmp/up"),
         plan=plan(BRIEF, ready={"command": ["/t/health.sh", "/tmp/up"]})),
    Case(name="healthcheck", plan=plan(BRIEF, ready={"healthcheck": True}),
         image=runs("/t/leaves.sh", "/tmp/up", Healthcheck={"Test": ["CMD", "/t/health.sh", "/tmp/up"], **CHECK})),
    Case(name="several-probes", image=acts("serve", "0.0.0.0"),
         plan=plan(BRIEF, ready={"log": "listening", "tcp": 8080, "command": ["/bin/true"], **SERVES})),
    Case(name="requests", image=acts("serve", "0.0.0.0"),
         plan=plan(BRIEF, ready={"log": "listening"}, requests=[{"port": 8080, "headers": {"content-type": "plain"}}])),
    Case(name="stop-signal-of-the-image", image=acts("usr1", StopSignal="SIGUSR1"), plan=plan(ready=READY)),
    Case(name="stop-signal-as-a-number", image=acts("usr1", StopSignal="10"), plan=plan(ready=READY)),
    Case(name="other-exit-code", image=acts("ends-with", "143"), plan=plan(ready=READY, stop={"exit": [0, 143]})),
    Case(name="restart", image=acts("loop"), plan=plan(BRIEF, ready=READY, restart=True)),
    Case(name="children-collected", image=acts("tidy"), plan=plan(ready=READY)),
    Case(name="writes-where-it-may", image=runs("/t/writes.sh", "/var/state"),
         plan=plan(ready=READY, read_only=False, writable=["/var/state"])),
    Case(name="capability-given", image=runs("/t/chown.sh"), plan=plan(ready=READY, capabilities=["CHOWN"])),
    Case(name="file-capabilities-given", image=runs("/t/capable", User="1000"),
         plan=plan(ready=READY, capabilities=["NET_BIND_SERVICE"])),
    Case(name="secret-kept", image=acts("loop"),
         plan=plan(ready=READY, environment={"TOKEN": "hunter2000"}, secrets=["TOKEN"])),
    Case(name="lines-in-order", image=runs("/t/leaves.sh", "/tmp/marker"),
         plan=plan(ready=READY, expect={"stdout": ["first line", "second line"], "files": ["/tmp/marker"]})),
    Case(name="links", image=runs("/t/link"), plan=plan(ready=READY)),
    Case(name="word-in-path", image={"Cmd": ["sh", "-c", "exec /t/actor"]}, plan=plan(ready=READY)),
    Case(name="relative", image=runs("./actor", WorkingDir="/t"), plan=plan(ready=READY)),
    Case(name="origin", image=runs("/opt/bin/origin"), plan=plan(ready=READY, stop=KILLED)),
    Case(name="ld-so-conf", image=runs("/t/asks-conf"), plan=plan(ready=READY, stop=KILLED)),
    Case(name="static-on-scratch", image=runs("/actor"), plan=plan(ready=READY), scratch=True),
    Case(name="job", image=runs("/t/job.sh", "0", "done"), plan=plan(kind="job")),
    Case(name="job-that-ends-with-3", image=runs("/t/job.sh", "3", "done"), plan=plan(kind="job", stop={"exit": 3})),
)  # fmt: skip
BROKEN = (
    Case(name="silent-exit", image=runs("/bin/true"), plan=plan(ready=READY), cause="silent-exit"),
    Case(name="ends-after-ready", image=runs("/t/then-ends.sh", "0.2", "0"), plan=plan(ready=READY),
         cause="exited-early", says=("after it was ready", "exit code 0")),
    Case(name="crash-after-3-s", image=runs("/t/then-ends.sh", "3", "7"), plan=plan(ready=READY, stays_up="5s"),
         cause="exited-early", says=("exit code 7",)),
    Case(name="exit-3", image=runs("/t/job.sh", "3", "no licence"), plan=plan(ready=READY),
         cause="exited-early", says=("before it was ready", "exit code 3", "no licence")),
    Case(name="no-plan-but-ends", image=runs("/t/job.sh", "0", "hello"), cause="exited-early",
         says=("while it should stay up",)),
    Case(name="segfault", image=acts("segv"), plan=plan(ready=READY), cause="exited-early", says=("signal 11",)),
    Case(name="abort", image=acts("abort"), plan=plan(ready=READY), cause="exited-early"),
    Case(name="daemon", image=acts("daemon"), plan=plan(ready=READY), cause="daemonised", says=("foreground",)),
    Case(name="out-of-memory", image=runs("/t/eats.sh"), plan=plan(ready=READY, limits={"memory": "20MiB"}),
         cause="oom-killed", says=("20 MiB",)),
    Case(name="too-many-processes", image=runs("/t/forks.sh"), plan=plan(ready=READY, limits={"pids": 8}),
         cause="exited-early", says=("limits.pids",)),
    Case(name="deaf", image=acts("deaf"), plan=plan(ready=READY, stop={"within": "500ms"}),
         cause="ignores-stop-signal", says=("0.5 s after SIGTERM",)),
    Case(name="no-exec-in-the-script", image=runs("/t/no-exec.sh"), plan=plan(ready=READY, stop={"within": "500ms"}),
         cause="signal-not-forwarded", says=("/t/actor loop ready", "exec")),
    Case(name="shell-form", image=runs("/bin/sh", "-c", "/t/actor loop ready; true"),
         plan=plan(ready=READY, stop={"within": "500ms"}), cause="signal-not-forwarded"),
    Case(name="wrong-exit-code", image=acts("ends-with", "5"), plan=plan(ready=READY), cause="wrong-exit-code",
         says=("exit code 5",)),
    Case(name="too-late", image=runs("/t/late.sh", "10"), cause="not-ready",
         plan=plan(ready=SOON, stop={"within": "500ms"}), says=("within 2 s", "printed nothing at all")),
    Case(name="other-stream", image=acts("loop"), cause="not-ready",
         plan=plan(ready={"log": {"text": "ready", "stream": "stderr"}, "within": "1s"}),
         says=("on stderr", "the last was 'ready'")),
    Case(name="only-for-terminals", image=acts("tty"), plan=plan(ready=SOON), cause="not-ready", says=("terminal",)),
    Case(name="port-without-answer", image=acts("mute"), plan=plan(ready={**SERVES, "within": "3s"}), cause="not-ready",
         says=("takes connections and does not answer",)),
    Case(name="always-500", image=acts("serve", "0.0.0.0", "1000"), plan=plan(ready={**SERVES, "within": "2s"}),
         cause="not-ready", says=("it answered 500",)),
    Case(name="wrong-body", image=acts("serve", "0.0.0.0"), cause="not-ready", says=("expected one with 'paradise'",),
         plan=plan(ready={"http": {"port": 8080, "body": "paradise"}, "within": "1s"})),
    Case(name="loopback-only", image=acts("serve", "127.0.0.1"), plan=plan(ready={**SERVES, "within": "1s"}),
         cause="not-ready", says=("127.0.0.1",)),
    Case(name="no-port", image=acts("loop"), plan=plan(ready={"tcp": 8080, "within": "1s"}), cause="not-ready"),
    Case(name="no-file", image=acts("loop"), plan=plan(ready={"file": "/tmp/up", "within": "1s"}), cause="not-ready"),
    Case(name="command-fails", image=acts("loop"), cause="not-ready", says=("no /tmp/up",),
         plan=plan(ready={"command": ["/t/health.sh", "/tmp/up"], "within": "4s"})),
    Case(name="command-missing", image=acts("loop"), cause="not-ready", says=("no such file",),
         plan=plan(ready={"command": ["/t/nothing"], "within": "4s"})),
    Case(name="one-of-two-probes", image=acts("loop"), cause="not-ready", says=("/tmp/up",),
         plan=plan(ready={"log": "ready", "file": "/tmp/up", "within": "1s"})),
    Case(name="unhealthy", plan=plan(ready={"healthcheck": True}), cause="unhealthy", says=("no /tmp/up",),
         image=acts("loop", Healthcheck={"Test": ["CMD", "/t/health.sh", "/tmp/up"], **CHECK})),
    Case(name="no-healthcheck", image=acts("loop"), plan=plan(ready={"healthcheck": True}),
         cause="readiness-unmeetable"),
    Case(name="healthcheck-switched-off", image=acts("loop", Healthcheck={"Test": ["NONE"]}),
         plan=plan(ready={"healthcheck": True}), cause="readiness-unmeetable"),
    Case(name="wrong-answer", image=acts("serve", "0.0.0.0", "1"), cause="wrong-answer", says=("it answered 500",),
         plan=plan(ready={"log": "listening"}, requests=[{"port": 8080}])),
    Case(name="read-only", image=runs("/t/writes.sh", "/var/state"), plan=plan(ready=READY), cause="exited-early",
         says=("read_only: ", "/var to `smoke.writable`")),
    Case(name="folder-of-root", image=runs("/t/writes.sh", "/opt/state", User="1000"), cause="exited-early",
         plan=plan(ready=READY, read_only=False), says=("user: ", "--chown")),
    Case(name="chown", image=runs("/t/chown.sh"), plan=plan(ready=READY), cause="exited-early",
         says=("capabilities: ", "CHOWN")),
    Case(name="setuid", image=runs("/t/setuid", "root", User="1000"), plan=plan(ready=READY), cause="exited-early",
         says=("capabilities: ",)),
    Case(name="file-capabilities", image=runs("/t/capable", User="1000"), plan=plan(ready=READY), cause="start-failed",
         says=("capabilities: ",)),
    Case(name="network", image=acts("reach"), plan=plan(ready=READY), cause="exited-early",
         says=("network: database: Network is unreachable",)),
    Case(name="variable-missing", image=runs("/t/needs-variable.sh"), plan=plan(ready=READY), cause="exited-early",
         says=("DATABASE_URL",)),
    Case(name="secret-printed", image=runs("/t/secret.sh"), cause="secret-printed", says=("connecting with <TOKEN>",),
         plan=plan(ready=READY, environment={"TOKEN": "hunter2000"}, secrets=["TOKEN"])),
    Case(name="panic", image=runs("/t/panics.sh"), plan=plan(ready=READY), cause="forbidden-output",
         says=("src/main.rs:7:5",)),
    Case(name="forbidden-file", image=runs("/t/leaves.sh", "/tmp/panic-1"), cause="forbidden-file",
         plan=plan(ready=READY, expect={"no_files": ["/tmp/panic-*"]}), says=("/tmp/panic-1",)),
    Case(name="no-marker", image=acts("loop"), cause="file-missing",
         plan=plan(ready=READY, expect={"files": ["/tmp/marker"]})),
    Case(name="lines-out-of-order", image=runs("/t/leaves.sh", "/tmp/marker"), cause="output-missing",
         plan=plan(ready=READY, expect={"stdout": ["second line", "first line"]}), says=("line 2 of 2",)),
    Case(name="zombies", image=acts("zombies", "20"), plan=plan(ready=READY), cause="zombies", says=("20",)),
    Case(name="grows", image=acts("grow"), plan=plan(ready=READY, expect={"idle_growth": "4MiB"}),
         cause="memory-growth"),
    Case(name="endless-flood", image=acts("flood", "1000000"), cause="log-flood",
         plan=plan(ready=READY, limits={"output": "20MiB"})),
    Case(name="says-nothing", image=runs("/bin/sleep", "30"), cause="silent",
         plan=plan(stop=KILLED)),
    Case(name="undeclared-writes", image=runs("/t/writes.sh", "/var/state"), cause="undeclared-writes",
         plan=plan(ready=READY, read_only=False), says=("/var/state/state",)),
    Case(name="stale-lock", image=runs("/t/lock.sh"), plan=plan(BRIEF, ready=READY, restart=True),
         cause="restart-failed", says=("exit code 1", "another one is running")),
    Case(name="crlf", image=runs("/t/crlf.sh"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="no-shebang", image=runs("/t/bare.sh"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="shell-missing", image=runs("/t/gone.sh"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="no-execute-bit", image=runs("/t/plain"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="missing", image=runs("/t/nothing"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="directory", image=runs("/t"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="loop-of-links", image=runs("/t/loop"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="unknown-user", image=acts("loop", User="nobody-here"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="loader-missing", image=runs("/t/wrong-loader"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="foreign-architecture", image=runs("/t/foreign"), plan=plan(ready=READY), cause="start-failed"),
    Case(name="cut-off", image=runs("/t/cut"), plan=plan(ready=READY), cause="exited-early"),
    Case(name="library-missing", image=runs("/t/asks-gone"), plan=plan(ready=READY), cause="exited-early",
         says=("libgone.so", "exit code 127")),
    Case(name="newer-symbol", image=runs("/t/asks-new"), plan=plan(ready=READY), cause="exited-early",
         says=("TW_2.0",)),
    Case(name="plugin-missing", image=runs("/t/opens"), plan=plan(ready=READY), cause="exited-early",
         says=("libplugin.so",)),
    Case(name="job-fails", image=runs("/t/job.sh", "3", "no"), plan=plan(kind="job"), cause="wrong-exit-code"),
    Case(name="job-says-nothing", image=runs("/t/job.sh", "0", ""), plan=plan(kind="job"), cause="silent-exit"),
    Case(name="job-hangs", image=acts("loop"), plan=plan(kind="job", ready={"within": "1s"}, stop={"within": "1s"}),
         cause="not-ended"),
)  # fmt: skip
CASES = (*SOUND, *BROKEN)


@pytest.fixture(scope="session")
def results(laboratory: Any, request: pytest.FixtureRequest) -> dict[str, tuple[Transcript, CheckResult]]:
    """Run every case that was chosen once, several at a time, the longest first."""
    chosen = {item.name.partition("[")[2].rstrip("]") for item in request.session.items}
    cases = sorted((case for case in CASES if case.name in chosen), key=lambda case: "mb" not in case.name)

    def run(case: Case) -> tuple[Transcript, CheckResult]:
        settings = SmokeSettings.model_validate_json(json.dumps(case.plan))
        image = laboratory.image(case.image, scratch=case.scratch)
        seen = run_image(laboratory.engine, image, settings, labels=laboratory.labels, cancel=threading.Event())
        return seen, judge(seen, settings)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = {case.name: pool.submit(run, case) for case in cases}
        return {name: future.result() for name, future in pending.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_image_gets_its_verdict(case: Case, results: Mapping[str, tuple[Transcript, CheckResult]]) -> None:
    """Refused for the cause that a person would name, or passed; and the result shows what it rests on."""
    seen, result = results[case.name]
    assert result.cause == case.cause, (result, seen)
    assert (result.status is Status.PASSED) is (case.cause is None)
    told = "\n".join(
        [result.message, result.repair or "", *(f"{fact.label}: {fact.value}" for fact in result.evidence)]
    )
    for text in case.says:
        assert text in told, told
    assert "hunter2000" not in told


def test_names_are_distinct() -> None:
    """Each case is looked at; there are at least 35 broken ones."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(BROKEN) >= 35
