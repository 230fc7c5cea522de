"""Stages built once more on planted files: which step, and which text."""

from __future__ import annotations

import pytest

from orchestrator.dockerfile.marks import packing
from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.replay import Planting, compiling_step, replayed

PRIMED = """\
# escape=`
FROM --platform=linux/amd64 rust:1 AS builder
WORKDIR /app
RUN cargo build
COPY src src
RUN --mount=type=cache,id=t,target=/app/target --mount=type=bind,from=tool:1,target=/t `
    /opt/cargo build
RUN echo done

FROM debian AS tests
COPY --from=builder /app/x /x

FROM builder AS small
RUN strip app

FROM debian
RUN --mount=type=bind,from=small,target=/s --mount=type=cache,target=/c cp /s/app /out/app
"""


def lines_behind(text: str) -> list[str]:
    """Return what a replay of the last stage appends, for two plantings."""
    dockerfile = parse(text, file="Dockerfile", arguments={})
    stage = dockerfile.stages[-1]
    step = compiling_step(dockerfile, stage)
    assert step is not None
    files = ("/app/src/main.rs", "/app/src/b.rs", "/a/b.rs")
    plantings = [Planting(image=f"planted:{number}", files=files) for number in range(2)]
    whole = replayed(text, dockerfile, stage=stage, step=step, plantings=plantings, program="/out/app")
    return whole[len(text) :].split("\n")


def test_the_stages_between_the_step_and_the_program_are_built_again_on_the_planted_files() -> None:
    """What stands before the step stays as it is, and so comes from the cache; what follows takes from the replays."""
    lines = lines_behind(PRIMED)
    first = lines[: lines.index("FROM --platform=linux/amd64 rust:1 AS twinbuild-replay-1-0")]
    assert [line for line in first if line] == [
        "FROM --platform=linux/amd64 rust:1 AS twinbuild-replay-0-0",
        "WORKDIR /app",
        "RUN cargo build",
        "COPY src src",
        'COPY --from=planted:0 ["/app/src/main.rs", "/app/src/b.rs", "/app/src/"]',
        'COPY --from=planted:0 ["/a/b.rs", "/a/"]',
        "RUN  --mount=type=bind,from=tool:1,target=/t `",
        "    /opt/cargo build",
        "RUN echo done",
        "FROM twinbuild-replay-0-0 AS twinbuild-replay-0-2",
        "RUN strip app",
        "FROM debian AS twinbuild-replay-0-3",
        "RUN --mount=type=bind,from=twinbuild-replay-0-2,target=/s  cp /s/app /out/app",
    ]
    assert lines[-4:] == [
        "FROM scratch AS twinbuild-replay",
        'COPY --from=twinbuild-replay-0-3 ["/out/ap[p]", "/program/0/"]',
        'COPY --from=twinbuild-replay-1-3 ["/out/ap[p]", "/program/1/"]',
        "",
    ]


def test_what_stands_before_the_step_keeps_its_cache_mounts() -> None:
    """Without them it would be another step, which no cache has."""
    lines = lines_behind(
        "FROM a AS b\nRUN --mount=type=cache,target=/x true\nRUN --mount=type=cache,target=/x cargo b\n"
    )
    assert lines.count("RUN --mount=type=cache,target=/x true") == 2
    assert lines.count("RUN  cargo b") == 2


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (("cargo build", "cargo --version"), 2),
        (("cargo build", "cp /usr/bin/cargo /opt", "env -i /opt/cargo +nightly install --path ."), 4),
        (("cargo fetch", "make release"), 3),
        (("cargo build", "./test.sh"), 2),
        (("rustc main.rs",), None),
    ],
)
def test_the_last_step_that_lets_cargo_build(steps: tuple[str, ...], line: int | None) -> None:
    dockerfile = parse("\n".join(("FROM rust:1", *(f"RUN {step}" for step in steps))), file="", arguments={})
    step = compiling_step(dockerfile, dockerfile.stages[0])
    assert (step.line if step else None) == line


@pytest.mark.parametrize(
    ("step", "called"),
    [
        ("cargo build && upx -q --best --lzma target/release/app", ("upx", ("--best", "--lzma"), True)),
        ("/opt/upx/upx -9 -o /x/y app", ("/opt/upx/upx", ("-9",), True)),
        ("apt-get install upx-ucl && upx-ucl --ultra-brute -k app; rm b", ("upx-ucl", ("--ultra-brute",), True)),
        ("upx $HOW app", ("upx", (), False)),
    ],
)
def test_how_upx_was_called(step: str, called: tuple[str, tuple[str, ...], bool]) -> None:
    found = packing(parse(f"FROM a\nRUN {step}", file="", arguments={}).stages)
    assert found is not None
    assert (found.tool, found.options, found.sure) == called
    assert found.line == 2


def test_a_step_that_only_installs_upx_packs_nothing() -> None:
    assert packing(parse("FROM a\nRUN apt-get install -y upx\nCOPY upx /upx", file="", arguments={}).stages) is None
