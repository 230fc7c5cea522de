"""Two transcripts side by side: what is a difference, what is not, and what it means."""

# ruff: noqa: S108, S311 - paths inside of containers; numbers that must be the same each time

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.gate.checks.behaviour import aligned, judge, normalised
from orchestrator.smoke.transcript import Answer, Line, Offence, Transcript, from_json, to_json
from orchestrator.verdict import CheckResult, Status

LINES = ("starting", "listening on 127.0.0.1:8080", "2026-01-01T00:00:00Z served in 3ms", "stopped")


def run(side: str, *texts: str, **facts: Any) -> Transcript:
    lines = tuple(Line(stream="stdout", text=text, at=0.1) for text in texts)
    facts = {"ready_after": 0.1, "exit_code": 0, "files": {}, "waiting": {}, "stop_seconds": 0.1, **facts}
    return Transcript(side=side, lines=lines, line_count=len(texts), **facts)


def differences(result: CheckResult) -> list[str]:
    return [fact.value for fact in result.evidence if fact.label == "difference"]


def test_the_same_program_twice_is_no_difference() -> None:
    """Times, durations and peers differ in each run."""
    image = [LINES[0], LINES[1], "2026-05-05T11:12:13Z served in 250us", LINES[3]]
    result = judge(run("local", *LINES), run("image", *image))
    assert (result.status, differences(result)) == (Status.PASSED, [])
    assert "both print 4 lines" in result.message


def test_threads_may_print_in_any_order() -> None:
    """Neither a verdict nor a shown difference comes from the order of lines."""
    lines = [f"worker {name} is up" for name in "abcdefgh"]
    for seed in range(20):
        shuffled = random.Random(seed).sample(lines, len(lines))
        result = judge(run("local", *lines), run("image", *shuffled))
        assert (result.status, differences(result)) == (Status.PASSED, [])


def test_a_heartbeat_more_or_less_is_no_difference_that_decides() -> None:
    """It is shown, and the image passes."""
    result = judge(run("local", *LINES, "tick", "tick"), run("image", *LINES, "tick", "tick", "tick"))
    assert result.status is Status.PASSED
    assert differences(result) == ["+tick (1 more)"]


def test_what_the_entrypoint_adds_is_shown_and_no_fault() -> None:
    """The host runs the program without the image's script."""
    result = judge(run("local", *LINES), run("image", "entrypoint: warning", *LINES))
    assert (result.status, differences(result)) == (Status.PASSED, ["+entrypoint: warning"])


@pytest.mark.parametrize(
    ("local", "image", "says"),
    [
        ({"files": {"/tmp/marker": True}}, {"lines": (), "line_count": 0, "files": {"/tmp/marker": False}},
         "local prints 4 lines, the image 0"),
        ({}, {"lines": (Line(stream="stdout", text="stub", at=0.1),), "line_count": 1}, "none of the lines"),
        ({}, {"lines": (Line(stream="stdout", text="starting", at=0.1),), "line_count": 1}, "1 of the 4 different"),
        ({}, {"exit_code": 3}, "exit code 0, the image with 3"),
        ({}, {"ready_after": None}, "local was ready, the image was not"),
        ({}, {"start_error": "no such file"}, "could not be started"),
        ({"files": {"/x": True}}, {"files": {"/x": False}}, "/x is left by local alone"),
        ({"answers": (Answer(request="GET :1/", status=200),)}, {"answers": (Answer(request="GET :1/", status=500),)},
         "local answers 200, the image 500"),
        ({"answers": (Answer(request="GET :1/", status=200, body="a"),)},
         {"answers": (Answer(request="GET :1/", status=200, body="b"),)}, "local answers 'a', the image 'b'"),
        ({"answers": (Answer(request="GET :1/", status=200, kind="text/html"),)},
         {"answers": (Answer(request="GET :1/", problem="no answer"),)}, "the image nothing (no answer)"),
    ],
)  # fmt: skip
def test_another_way_is_refused_and_named(local: dict[str, Any], image: dict[str, Any], says: str) -> None:
    """The seed's own comparison: output, marker file, exit; and answers."""
    result = judge(replace(run("local", *LINES), **local), replace(run("image", *LINES), **image))
    assert (result.status, result.cause) == (Status.FAILED, "behaviour-differs")
    assert says in result.message


def test_a_stub_is_called_what_it_is() -> None:
    """The host's program leaves its marker, the image prints nothing and leaves none."""
    local = run("local", *LINES, files={"/tmp/marker": True})
    image = run("image", files={"/tmp/marker": False}, ready_after=None)
    result = judge(local, image)
    assert "`main` was never reached (no /tmp/marker)" in result.message
    assert differences(result)[0] == "-starting"


def test_a_port_that_is_taken_on_this_machine_is_no_verdict_on_the_image() -> None:
    """Without namespaces the host's run meets what else runs there; where both fail alike, it is the program's."""
    line = "Error: Address already in use (os error 98)"
    local = run("local", "starting", line, ended_by_itself=True, exit_code=1, ready_after=None)
    result = judge(local, run("image", *LINES))
    assert (result.status, result.cause) == (Status.UNKNOWN, "port-taken")
    assert line in result.message
    alike = run("image", "starting", line, ended_by_itself=True, exit_code=1, ready_after=None)
    assert judge(local, alike).status is Status.PASSED


def test_times_stand_side_by_side() -> None:
    """First line and stop, for the report; they decide nothing."""
    result = judge(run("local", *LINES), run("image", *LINES, stop_seconds=4.0))
    shown = {fact.label: fact.value for fact in result.evidence}
    assert shown["stop time"] == "local 0.10 s, the image 4.00 s"
    assert shown["first line"] == "local after 0.10 s, the image after 0.10 s"
    assert result.status is Status.PASSED


def test_the_spec_may_name_what_else_is_volatile() -> None:
    """In lines and in bodies."""
    local = run("local", "build 17 of host-a", answers=(Answer(request="GET :1/", status=200, body="build 17"),))
    image = run("image", "build 18 of host-b", answers=(Answer(request="GET :1/", status=200, body="build 18"),))
    assert judge(local, image).status is Status.FAILED
    assert judge(local, image, volatile=[r"build \d+", "host-[ab]"]).status is Status.PASSED


def test_a_probe_that_only_an_image_has_is_not_held_against_the_host() -> None:
    """The HEALTHCHECK cannot be asked of a program on the host."""
    local = run("local", *LINES, ready_after=None, not_judged=("healthcheck",))
    assert judge(local, run("image", *LINES)).status is Status.PASSED


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("2026-11-24T13:38:31.936611Z  INFO up", "<time>  INFO up"),
        ("took 1.5ms", "took <duration>"),
        ("at 0x7ffee4c0", "at <address>"),
        ("pid 4711, thread=12", "pid <number>, thread=<number>"),
        ("ThreadId(7)", "ThreadId(<number>)"),
        ("peer 127.0.0.1:54321 of 0.0.0.0:8080", "peer <peer> of 0.0.0.0:8080"),
        ("[200] 10.222.3.1 - GET /index.html", "[200] <peer> - GET /index.html"),
        ("listening on 127.0.0.1:8080 and 10.0.0.0/8", "listening on 127.0.0.1:8080 and 10.0.0.0/8"),
        ("listening on 0.0.0.0", "listening on 0.0.0.0"),
        ("4f0e7a3c-1111-2222-3333-444455556666", "<uuid>"),
        ("version 1.2.3 with 12 routes", "version 1.2.3 with 12 routes"),
    ],
)
def test_only_what_is_volatile_is_taken_out(line: str, plain: str) -> None:
    """Versions and counts stay: they must not differ."""
    assert normalised(line) == plain


def test_the_alignment_shows_each_side_in_its_order() -> None:
    """Lines of one side alone, with how often."""
    assert sorted(aligned(["a", "b", "b", "c"], ["a", "d", "c"])) == ["+d", "-b (2 times)"]
    assert aligned(["first", "a", "last"], ["a"]) == ["-first", "-last"]
    assert aligned(["a", "a"], ["a"]) == ["-a (1 more)"]


def test_transcripts_survive_json() -> None:
    """What is remembered is what was seen; another version is nothing."""
    seen = run(
        "image",
        *LINES,
        answers=(Answer(request="GET :1/", status=200),),
        offences=(Offence(what="x", line="y"),),
        written=("/a",),
        process_one=("sh", "app"),
        waiting={"http": "nothing listens"},
        files={"/tmp/x": True},
    )
    value = json.loads(json.dumps(to_json(seen)))
    assert from_json(value) == seen
    assert from_json({**value, "version": 1}) is None
    assert from_json(None) is None
    assert from_json({"version": value["version"], "side": "image"}) is None
