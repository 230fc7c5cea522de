"""Triggers of base images as steps of the text, and the user's lines nevertheless."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.build.refused_step import explained
from orchestrator.dockerfile.harden import Hardening, harden
from orchestrator.dockerfile.inherited import inherits, with_inherited
from orchestrator.dockerfile.model import Dockerfile
from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.settings import Guard
from orchestrator.dockerfile.step_title import step_title
from orchestrator.dockerfile.trace import Tracer
from orchestrator.dockerfile.triggers import settled
from orchestrator.engine.buildkit import SolveFailedError
from orchestrator.errors import DockerfileInvalidError
from orchestrator.flow.told_lines import in_the_users_lines
from orchestrator.gate.checks.stub_free import Brought, Control, Packed, judge
from orchestrator.location import Location
from tests.unit.stub_free.test_judge import IMAGE, PRIMED, RELEASE, STUB, artifact, call, facts

BACKENDS = Path(__file__).resolve().parents[2] / "backends"
TRIGGERS = ("COPY . /app", "RUN cargo build")
BARE, PINNED = "twinbuild.local/bare:1", "twinbuild.local/pinned:1"


def read(text: str) -> Dockerfile:
    return parse(text, file="Dockerfile", arguments={})


def whole(text: str, *triggers: str, target: str | None = None) -> Dockerfile:
    return with_inherited(read(text), target, {"base:1": triggers or TRIGGERS}, arguments={})


def words(dockerfile: Dockerfile) -> list[tuple[str, int]]:
    """Return each instruction's keyword and the line that a person is told."""
    every = [each for stage in dockerfile.stages for each in stage.instructions]
    return [(each.keyword, dockerfile.location(each.line).line or 0) for each in every]


def test_triggers_are_steps_behind_from_and_are_told_with_its_line() -> None:
    text = (
        "# syntax=docker/dockerfile:1\nFROM \\\n# why\n  base:1 AS b\n\nRUN true\nFROM scratch\nCOPY --from=b /a /a\n"
    )
    made = whole(text)
    assert words(made) == [("COPY", 2), ("RUN", 2), ("RUN", 6), ("COPY", 8)]
    assert [made.lines.told(stage.line) for stage in made.stages] == [2, 7]
    assert made.lines.written(made.text) == text
    assert inherits(made, made.stages[0])
    assert not inherits(made, made.stages[1])
    assert str(made.lines.trigger(6)) == "ONBUILD trigger `RUN cargo build` of the base base:1"


def test_each_needed_stage_on_such_a_base_carries_them_out_and_no_other() -> None:
    """A stage on another stage does not: the triggers are gone with the first one."""
    text = "FROM base:1 AS a\nFROM base:1 AS idle\nFROM base:1\nCOPY --from=a /x /x\nFROM 2 AS last\nFROM a\nRUN a"
    assert words(whole(text, target="2")) == [("COPY", 1), ("RUN", 1), ("COPY", 3), ("RUN", 3), ("COPY", 4), ("RUN", 7)]
    assert words(whole(text)) == [("COPY", 1), ("RUN", 1), ("COPY", 4), ("RUN", 7)]


def test_a_file_that_ends_with_from_and_a_trigger_of_several_lines() -> None:
    made = whole("FROM base:1", "run a \\\r\n  && b", "ENV A=1")
    assert made.text == "FROM base:1\nrun a \\\n  && b\nENV A=1"
    assert words(made) == [("RUN", 1), ("ENV", 1)]
    assert made.lines.written(made.text) == "FROM base:1"


@pytest.mark.parametrize(
    "trigger",
    [
        "COPY --from=tools /a /a",
        "RUN --mount=type=bind,from=tools,target=/t true",
        "ONBUILD RUN true",
        "MAINTAINER somebody",
        "FROM scratch",
        "RUM true",
        "RUN a\nRUN b",
        "RUN a \\",
        "# escape=`\nRUN a",
        "",
    ],
)
def test_what_is_not_surely_the_same_is_left_to_the_engine(trigger: str) -> None:
    """One such trigger leaves all of its stage: their order counts."""
    text = "FROM scratch AS tools\nFROM base:1\nRUN true\n"
    made = whole(text, "RUN cargo build", trigger)
    assert made.text == text
    assert not inherits(made, made.stages[1])


def test_another_escape_character_is_no_reason_unless_a_trigger_has_it() -> None:
    text = "# escape=`\nFROM base:1\nRUN a `\n  b\n"
    assert words(whole(text)) == [("COPY", 2), ("RUN", 2), ("RUN", 3)]
    assert whole(text, "RUN echo \\\n  a").text == text
    assert whole(text, "RUN a `").text == text


@pytest.mark.parametrize("file", sorted(BACKENDS.glob("*/Dockerfile")), ids=lambda file: file.parent.name)
def test_every_line_of_a_real_file_stays_the_users(file: Path) -> None:
    before = read(file.read_text(encoding="utf-8"))
    triggers = {stage.base: ("RUN a \\\n  && b", "ARG A") for stage in before.stages if stage.base_stage is None}
    made = with_inherited(before, None, triggers, arguments={})
    assert made.lines.written(made.text) == before.text
    rows, told, spent = before.text.split("\n"), made.lines.told, made.lines.spent
    own = [number for number, _ in enumerate(made.text.split("\n"), start=1) if made.lines.trigger(number) is None]
    assert [spent.get(number, made.text.split("\n")[number - 1]) for number in own] == rows
    assert [told(number) for number in own] == [*range(1, len(rows) + 1)]
    gone = {told(number) for number in spent}
    lines = [each.line for stage in before.stages for each in stage.instructions if each.line not in gone]
    kept = [each for stage in made.stages for each in stage.instructions if made.lines.trigger(each.line) is None]
    assert [told(each.line) for each in kept] == lines


def test_what_is_sent_begins_with_the_base_without_triggers_and_equips_them() -> None:
    made = whole("FROM base:1 AS a\nCOPY --from=base:1 /a /a\nRUN cargo build")
    how = Hardening(
        pins={"base:1": PINNED},
        guard=Guard.ENFORCE,
        tools="twinbuild.local/tools:1",
        crates=None,
        cargo_homes={},
        programs=[],
        bare={0: BARE},
    )
    sent = harden(made, None, how).split("\n")
    assert sent[0] == f"FROM {BARE} AS a"
    assert sent[2].endswith(". /dev/.twinbuild/on; cargo build")
    assert sent[3] == f"COPY --from={PINNED} /a /a"
    title = step_title(made, "[a 3/5] RUN cargo build", hardened=harden(made, None, how))
    assert (title.text, made.lines.told(title.line or 0)) == ("[a 3/5] RUN cargo build (ONBUILD of base:1)", 1)
    base = step_title(made, f"[a 1/5] FROM {BARE}", hardened=harden(made, None, how))
    assert (base.text, base.line) == ("FROM base:1", 1)


def test_files_are_followed_through_triggers() -> None:
    made = whole("FROM base:1\nRUN true", "WORKDIR /src", "ENV CARGO_HOME=/c", "COPY . .", "RUN cargo build")
    tracer = Tracer(made, arguments={}, base_environment=lambda _reference: {})
    place = tracer.builder_place(None, binary="/src/target/debug/app", manifest="Cargo.toml")
    assert (place.workspace, place.cargo_home) == ("/src", "/c")
    assert [made.lines.told(line) for line in place.cargo_lines] == [1]


def test_own_triggers_of_a_stage_on_such_a_base_are_still_carried_out_where_they_stand() -> None:
    made = settled(whole("FROM base:1 AS t\nONBUILD RUN b\nFROM t\nRUN c", "RUN a"), None)
    assert words(made) == [("RUN", 1), ("RUN", 2), ("RUN", 4)]
    scoped = settled(whole("FROM base:1 AS t\nONBUILD RUN b\nFROM t\nRUN c", "ARG A"), None)
    assert words(scoped) == [("ARG", 1), ("RUN", 2), ("RUN", 4)]
    assert [len(stage.instructions) for stage in scoped.stages] == [1, 2]


TEMPLATE = "FROM rust AS t\nonbuild  COPY a \\\n# why\n  b\n\nONBUILD RUN cargo build\nENV A=1\n"


@pytest.mark.parametrize("end", ["FROM t\nRUN c\n", "FROM t AS x\nRUN c\nFROM t\nCOPY --from=x /a /a\nRUN d"])
def test_triggers_of_a_stage_that_goes_on_behind_them_are_steps_of_those_on_it(end: str) -> None:
    """They are told with their own lines; comments stand there in what is sent, so nobody carries them out twice."""
    text = TEMPLATE + end
    made = whole(text)
    assert made.lines.written(made.text) == text
    assert made.text.split("\n")[1:6] == ["#", "#", "#", "", "#"]
    steps = [("ENV", 7), ("COPY", 2), ("RUN", 6), ("RUN", 9)]
    assert words(made) == [*steps, *([("COPY", 2), ("RUN", 6), ("COPY", 11), ("RUN", 12)] if "x" in end else [])]
    assert not any(inherits(made, stage) for stage in made.stages)
    assert str(made.lines.trigger(12)) == "ONBUILD trigger `RUN cargo build` of the stage t"
    assert str(made.lines.trigger(10)) == "ONBUILD trigger `COPY a b` of the stage t"
    told = in_the_users_lines(facts(call(line=12)), made.lines)
    assert (told.calls[0].line, told.calls[0].trigger, told.inherited) == (6, "RUN cargo build", {})


@pytest.mark.parametrize(
    "text",
    [
        f"{TEMPLATE}ONBUILD COPY --from=u /a /a\nFROM t\nRUN c\n",
        f"{TEMPLATE}ONBUILD \\\n  RUN d\nFROM t\nRUN c\n",
        f"{TEMPLATE}FROM rust\nCOPY --from=t /a /a\n",
        TEMPLATE,
    ],
    ids=["takes files", "on another line", "nothing stands on it", "shipped"],
)
def test_triggers_of_a_stage_stay_where_that_is_not_surely_the_same(text: str) -> None:
    assert whole(f"FROM rust AS u\n{text}").text == f"FROM rust AS u\n{text}"


def test_a_line_that_the_engine_tells_is_one_of_the_text_that_was_sent() -> None:
    made = whole("FROM base:1\nRUN true\nEXPOSE x")
    for line, told, named in ((5, 3, False), (3, 1, True)):
        said = SolveFailedError(f"dockerfile parse error line {line}: no such port", step=None, log=b"")
        error = explained(said, made)
        assert isinstance(error, DockerfileInvalidError)
        assert error.location == Location(file="Dockerfile", line=told)
        assert ("ONBUILD trigger `RUN cargo build` of the base base:1" in str(error)) is named


def test_what_is_judged_has_the_users_lines() -> None:
    """Sent: FROM in line 1, triggers in 2 to 4, a COPY in 5."""
    lines = whole("FROM base:1\nCOPY a a", "COPY . .", "RUN cargo  build --release", "RUN cargo build").lines
    prime, keep = call(line=3, sources=PRIMED), call(line=4, made={}, kept={RELEASE: IMAGE})
    known = facts(
        prime,
        keep,
        call(line=None),
        cargo_lines=(3, 4),
        copies=(5,),
        mounts={3: ("/a",), 4: (), 5: ()},
        brought=Brought(line=5, source="x"),
        changes=((4, "strip"), (5, "upx")),
        launch=(5, "cargo run"),
        logs={4: "last", 3: "first"},
        control=Control(text="", line=3, program=artifact(STUB), how="bit for bit"),
        packed_as=Packed(file=artifact(STUB), line=5, tool="upx", command=None),
    )
    told = in_the_users_lines(known, lines)
    assert [(each.line, each.trigger) for each in told.calls] == [
        (1, "RUN cargo build --release"),
        (1, "RUN cargo build"),
        (None, None),
    ]
    assert (told.cargo_lines, told.copies, told.mounts) == ((1, 1), (2,), {1: ("/a",), 2: ()})
    assert (told.brought, told.changes, told.launch) == (
        Brought(line=2, source="x"),
        ((1, "strip"), (2, "upx")),
        (2, "cargo run"),
    )
    assert told.logs == {1: "last"}
    assert told.control is not None
    assert told.packed_as is not None
    assert (told.control.line, told.packed_as.line, told.inherited) == (1, 2, {1: "base:1"})
    result = judge(replace(told, calls=told.calls[:2], launch=None, control=None, packed_as=None))
    assert (result.cause, result.location and result.location.line) == ("cached-stub", 1)
    assert "at line 1 (ONBUILD `RUN cargo build --release`)" in result.message
    assert "ONBUILD triggers of base:1" in (result.repair or "")


def test_without_triggers_nothing_is_told_otherwise() -> None:
    known = facts(call(line=6))
    assert in_the_users_lines(known, whole("FROM rust:1\nRUN a").lines) is known
    assert "ONBUILD" not in (judge(facts(call(line=4, sources=PRIMED))).repair or "")
