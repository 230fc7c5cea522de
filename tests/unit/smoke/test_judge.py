"""What the smoke check says of what was seen; the real images are in tests/integration/smoke."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.gate.checks.smoke import judge
from orchestrator.gate.checks.smoke_grants import missing_grant
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.smoke.transcript import Line, Offence, Transcript
from orchestrator.verdict import Status


def plan(**parts: Any) -> SmokeSettings:
    return SmokeSettings.model_validate_json(json.dumps(parts or {"ready": {"log": "ready"}}))


def seen(*texts: str, **facts: Any) -> Transcript:
    lines = tuple(Line(stream="stderr", text=text, at=0.1) for text in texts)
    sound = {"ready_after": 0.1, "exit_code": 0, "stop_signal": "SIGTERM", "stop_seconds": 0.1, "files": {}}
    return Transcript(side="image", lines=lines, line_count=len(texts), **{"waiting": {}, **sound, **facts})


def test_a_sound_run_passes_and_says_what_it_showed() -> None:
    """Readiness, the end, and the exit code."""
    result = judge(seen("ready"), plan())
    assert result.status is Status.PASSED
    assert result.message == "ready after 0.10 s, ended 0.10 s after SIGTERM with exit code 0"
    assert judge(seen("hello"), plan(stays_up="3s")).message.startswith("stayed up for 3 s, ended")


@pytest.mark.parametrize(
    ("line", "grant", "repair"),
    [
        ("mkdir: cannot create directory '/var/lib/app': Read-only file system", "read_only", "add /var/lib to"),
        ("OSError: [Errno 30] Read-only file system: '/data/cache/x'", "read_only", "add /data/cache to"),
        ("Error: EROFS: read-only file system, open '/srv/app/log.txt'", "read_only", "add /srv/app to"),
        ("panic: Os { code: 30, message: Read-only file system (os error 30) }", "read_only", "the folder that it"),
        ("connect: Network is unreachable (os error 101)", "network", "no way out"),
        ("getaddrinfo EAI_AGAIN db", "network", "no way out"),
        ("failed to lookup address information: Name or service not known", "network", "no way out"),
        ("chown: /data: Operation not permitted", "capabilities", "CHOWN"),
        ('sudo: The "no new privileges" flag is set', "capabilities", "CHOWN"),
        ("mkdir: cannot create directory '/opt/state': Permission denied", "user", "--chown"),
        ("fork: Resource temporarily unavailable", "limits.pids", "smoke.limits.pids"),
        ("memory allocation failed: Cannot allocate memory (os error 12)", "limits.memory", "smoke.limits.memory"),
    ],
)
def test_the_grant_that_was_missing_is_named(line: str, grant: str, repair: str) -> None:
    """By the program's own words, in the languages that backends are written in."""
    run = seen("starting", line, ended_by_itself=True, exit_code=1, ready_after=None)
    result = judge(run, plan())
    assert result.cause == "exited-early"
    assert repair in (result.repair or "")
    assert result.evidence[0].label == "not granted"
    assert result.evidence[0].value.startswith(f"{grant}: ")


def test_what_was_granted_is_not_missing() -> None:
    """With a writable root a read-only file system is the program's own affair."""
    run = seen("/proc/x: Read-only file system", ended_by_itself=True, exit_code=1)
    assert missing_grant(run, plan(read_only=False)) is None
    assert missing_grant(seen("all is well"), plan()) is None


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"start_error": "no such file", "exit_code": None}, "start-failed"),
        ({"unmeetable": "no HEALTHCHECK"}, "readiness-unmeetable"),
        ({"oom_killed": True, "exit_code": 137}, "oom-killed"),
        ({"flooded": True}, "log-flood"),
        ({"ready_after": None, "waiting": {"log": "silence"}}, "not-ready"),
        ({"ready_after": None, "waiting": {"log": "x"}, "hopeless": True}, "unhealthy"),
        ({"ended_by_itself": True, "exit_code": 0}, "exited-early"),
        ({"killed": True, "exit_code": 137}, "ignores-stop-signal"),
        ({"killed": True, "process_one": ("/bin/sh /e.sh", "/app")}, "signal-not-forwarded"),
        ({"killed": True, "process_one": ("/app", "/worker")}, "ignores-stop-signal"),
        ({"exit_code": 143}, "wrong-exit-code"),
        ({"zombies": 5}, "zombies"),
        ({"written": ("/var/x",)}, "undeclared-writes"),
        ({"restart_problem": "it ended"}, "restart-failed"),
        ({"offences": (Offence(what="the secret TOKEN", line="<TOKEN>"),)}, "secret-printed"),
        ({"offences": (Offence(what="panicked at", line="it panicked at x"),)}, "forbidden-output"),
        ({"zombies": 4}, None),
        ({"written": ()}, None),
    ],
)
def test_each_fault_has_its_cause(facts: dict[str, Any], cause: str | None) -> None:
    """And a repair."""
    result = judge(seen("ready", **facts), plan())
    assert result.cause == cause
    assert (result.repair is None) is (cause is None)


def test_a_fault_that_explains_the_others_leads() -> None:
    """Killed for its memory, it also ended early, was not ready and has another exit code."""
    run = seen(oom_killed=True, ended_by_itself=True, ready_after=None, exit_code=137, waiting={"log": ""})
    assert judge(run, plan()).cause == "oom-killed"


def test_what_is_shown_of_the_output_is_bounded() -> None:
    """The last lines, each cut, and how much was not kept."""
    run = seen(*(f"{number} " + "x" * 5000 for number in range(50)), dropped=12345, size=999_999)
    result = judge(run, plan())
    tail = [fact.value for fact in result.evidence if fact.label == "last lines"]
    assert len(tail) == 6
    assert max(len(text) for text in tail) < 450
    assert "12,345 characters of 999,999 bytes, between head and tail" in [fact.value for fact in result.evidence]
