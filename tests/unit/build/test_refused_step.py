"""What a refused step is told as: the user's own words, never the tool's."""

from __future__ import annotations

from orchestrator.build.refused_step import explained
from orchestrator.dockerfile.parse import parse
from orchestrator.engine.build_watch import Step
from orchestrator.engine.buildkit import SolveFailedError

SAID = (
    "executor failed running [/bin/sh -c . /dev/.twinbuild/on; cargo build]: failed to create endpoint on network "
    "bridge: could not find bridge docker0"
)


def test_the_engines_own_trouble_shows_the_step_as_it_was_written() -> None:
    """A step that could not even start has no exit code; what the engine says names the command."""
    dockerfile = parse("FROM rust\nRUN cargo build\n", file="Dockerfile", arguments={})
    told = str(explained(SolveFailedError(SAID, step=None, log=b""), dockerfile))
    assert "[/bin/sh -c cargo build]: failed to create endpoint" in told
    assert "twinbuild" not in told


def test_a_wildcard_in_a_missing_folder_names_the_folder_as_the_context_has_it() -> None:
    """`COPY ./target/release/deps/app* ./app`, where nobody has sent a target."""
    dockerfile = parse("FROM rust\nCOPY target/release/deps/app* ./\n", file="Dockerfile", arguments={})
    step = Step(
        digest="sha256:0",
        name="[2/2] COPY target/release/deps/app* ./",
        started=True,
        done=True,
        cached=False,
        seconds=None,
        error="",
    )
    said = "lstat /var/lib/docker/tmp/buildkit-mount3371356229/target/release/deps: no such file or directory"
    told = str(explained(SolveFailedError(said, step=step, log=b""), dockerfile))
    assert "COPY of target/release/deps: there is no such file in the build context" in told
