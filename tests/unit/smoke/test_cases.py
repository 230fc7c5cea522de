"""Everything that a plan asks is told one by one: what held, what did not, and what nobody got to see."""

# ruff: noqa: S108 - paths inside of containers

from __future__ import annotations

import json
from typing import Any

from orchestrator.gate.checks.smoke_cases import cases_of
from orchestrator.smoke.settings import SmokeSettings
from orchestrator.smoke.transcript import Answer, Expectation, Offence, ServiceRun, Transcript
from orchestrator.verdict import Status

PLAN = SmokeSettings.model_validate_json(
    json.dumps(
        {
            "services": {"db": {"image": "a", "port": 5432}},
            "environment": {"TOKEN": "a secret"},
            "secrets": ["TOKEN"],
            "ready": {"log": "up", "http": {"port": 80}},
            "requests": [{"port": 80, "path": "/a"}],
            "expect": {
                "stdout": ["one", "two", "three"],
                "files": ["/tmp/a", "/tmp/b"],
                "no_files": ["/tmp/panic-*"],
                "idle_growth": "1MiB",
            },
            "restart": True,
            "read_only": False,
        }
    )
)
SERVED = (ServiceRun(name="db", image="a", ready_after=1.0),)


def told(**facts: Any) -> dict[str, tuple[str, str]]:
    seen = Transcript(side="image", **{"waiting": {}, "files": {}, "services": SERVED, **facts})
    return {case.name: (case.status.value, case.detail) for case in cases_of(seen, PLAN)}


def test_a_sound_run_holds_in_everything() -> None:
    """Each part of the plan is one case."""
    found = told(
        ready_after=0.4,
        matched=3,
        files={"/tmp/a": True, "/tmp/b": True},
        answers=(Answer(request="GET :80/a", status=200),),
        stop_signal="SIGTERM",
        stop_seconds=0.1,
        exit_code=0,
        growth=1000,
        written=(),
        expectations=(Expectation(name="file /a: mode", file="goss.yaml", line=2, column=3),),
    )
    assert {status for status, _ in found.values()} == {"passed"}
    assert list(found) == [
        "services.db",
        "ready.log: a line with 'up'",
        "ready.http: the right answer to GET :80/",
        "stays_up 1 s",
        "expect.stdout 'one'",
        "expect.stdout 'two'",
        "expect.stdout 'three'",
        "expect.no_output 'panicked at'",
        "secrets TOKEN",
        "expect.files /tmp/a",
        "expect.files /tmp/b",
        "expect.no_files /tmp/panic-*",
        "requests GET :80/a",
        "stop SIGTERM",
        "stop.exit 0",
        "restart",
        "limits.zombies 4",
        "expect.idle_growth 1 MiB",
        "writable",
        "file /a: mode",
    ]


def test_what_does_not_hold_is_a_failed_case_of_its_own() -> None:
    """And what comes after it is told as well."""
    found = told(
        ready_after=None,
        waiting={"http": "it answered 500"},
        matched=1,
        offences=(Offence(what="the secret TOKEN", line="<TOKEN>"), Offence(what="panicked at", line="panicked at 3")),
        files={"/tmp/a": False, "/tmp/b": True},
        forbidden=("/tmp/panic-7",),
        stop_signal="SIGTERM",
        killed=True,
        exit_code=137,
        written=("/etc/x",),
        expectations=(
            Expectation(name="a", file="goss.yaml", line=2, column=3, problem="no"),
            Expectation(name="b", file="goss.yaml", line=3, column=3, problem="about the network", judged=False),
        ),
    )
    assert found["ready.log: a line with 'up'"][0] == "passed"
    assert found["ready.http: the right answer to GET :80/"] == ("failed", "it answered 500")
    assert found["expect.stdout 'one'"][0] == "passed"
    assert found["expect.stdout 'two'"] == ("failed", "it did not come")
    assert found["expect.stdout 'three'"] == ("failed", "not looked for: the one before did not come")
    assert found["expect.no_output 'panicked at'"] == ("failed", "panicked at 3")
    assert found["secrets TOKEN"] == ("failed", "<TOKEN>")
    assert found["expect.files /tmp/a"] == ("failed", "missing")
    assert found["expect.no_files /tmp/panic-*"] == ("failed", "/tmp/panic-7")
    assert found["requests GET :80/a"] == ("unknown", "the run did not get that far")
    assert found["stop SIGTERM"] == ("failed", "it had to be killed after 10 s")
    assert found["stop.exit 0"] == ("failed", "it ended with exit code 137 (signal 9)")
    assert found["writable"] == ("failed", "/etc/x")
    assert (found["a"], found["b"]) == (("failed", "no"), ("skipped", "about the network"))


def test_a_program_that_was_not_started_has_nothing_that_holds() -> None:
    """Neither where it could not be, nor where a service failed first: nothing is passed for not having been seen."""
    for facts in (
        {"start_error": "no such file"},
        {"services": (ServiceRun(name="db", image="a", problem="it ended"),)},
    ):
        found = told(**facts)
        passed = {name for name, (status, _) in found.items() if status == Status.PASSED}
        assert passed <= {"services.db"}, found
        assert "start" in found
    assert found["services.db"] == ("unknown", "it ended")
