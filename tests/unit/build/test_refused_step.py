"""What a refused step is told as: the user's own words, never the tool's."""

from __future__ import annotations

from orchestrator.build.refused_step import explained
from orchestrator.dockerfile.model import parse
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
