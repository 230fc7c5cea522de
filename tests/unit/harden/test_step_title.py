"""Steps under the user's own words; what the tool or the engine adds is told as theirs."""

from __future__ import annotations

import pytest

from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.step_title import StepTitle, step_title

_TEXT = """\
FROM rust:1 AS build
WORKDIR /app
RUN cargo build
FROM build AS test
RUN cargo test
FROM debian:12
COPY a b
"""
_HARDENED = _TEXT.replace("rust:1", "twinbuild.local/base:aa").replace("debian:12", "twinbuild.local/base:bb")
_MOUNT = "--mount=type=bind,from=twinbuild.local/tools:1,source=/enforce,target=/dev/.twinbuild"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("[build 1/3] FROM twinbuild.local/base:aa", "FROM rust:1", 1),
        # Another build's stage, whose base is the same: the engine shares the step and keeps one name of it.
        ("[stage-7 1/9] FROM twinbuild.local/base:bb", "FROM debian:12", 6),
        ("[build 2/3] WORKDIR /app", "[build 2/3] WORKDIR /app", 2),
        (f"[build 3/3] RUN {_MOUNT} . /dev/.twinbuild/on; cargo build", "[build 3/3] RUN cargo build", 3),
        ("[stage-2 2/2] COPY a b", "[stage-2 2/2] COPY a b", 7),
    ],
)
def test_the_users_steps_are_told_as_written(name: str, text: str, line: int) -> None:
    """Neither pinned references nor mounts are shown, and the line is the user's."""
    told = step_title(parse(_TEXT, file="Dockerfile", arguments={}), name, hardened=_HARDENED)
    assert told == StepTitle(text=text, line=line, own=False)


@pytest.mark.parametrize(
    "name",
    [
        "copy /context /",
        "FROM twinbuild.local/tools:184f575ae7c1c2cf",
        "FROM twinbuild.local/crates:86bdc3595d877bcf",
        "FROM twinbuild.local/pinned:aa",
        "exporting to image",
    ],
)
def test_added_steps_are_told_as_added(name: str) -> None:
    """No line of the Dockerfile stands for them, and no reference of ours is shown."""
    told = step_title(parse(_TEXT, file="Dockerfile", arguments={}), name, hardened=_HARDENED)
    assert (told.own, told.line) == (True, None)
    assert "twinbuild.local" not in told.text
