"""Which failure is told where both builds fail: the host's, whichever was first, and the other beside it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from orchestrator.errors import (
    ImageBuildFailedError,
    InterruptedRunError,
    LocalBuildFailedError,
    NoVerdictError,
    run_ended,
)
from orchestrator.flow.failures import awaits_host, told_failure
from orchestrator.location import Location

HOST = LocalBuildFailedError(
    "the program does not compile on the host", location=Location(file="src/main.rs", line=2), detail=("error: x",)
)
IMAGE = ImageBuildFailedError(
    "`RUN cargo build` failed with exit code 101", location=Location(file="Dockerfile", line=6), detail=("error: x",)
)


def build(outcome: BaseException | str | None) -> Future[Any]:
    """Return a build that failed, made something, or (None) still runs."""
    future: Future[Any] = Future()
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    elif outcome is not None:
        future.set_result(outcome)
    return future


@pytest.mark.parametrize(
    ("local", "image", "cause"),
    [
        (HOST, None, "local-build-failed"),
        (None, IMAGE, "image-build-failed"),
        ("made", IMAGE, "image-build-failed"),
        (HOST, IMAGE, "local-build-failed"),
        (HOST, InterruptedRunError("ended"), "local-build-failed"),
        (InterruptedRunError("ended"), IMAGE, "image-build-failed"),
        (run_ended(), run_ended(), "interrupted"),
    ],
)
def test_the_hosts_goes_first(local: NoVerdictError, image: NoVerdictError, cause: str) -> None:
    """An end that was ordered is no failure of its own."""
    told = told_failure(build(local), build(image))
    assert isinstance(told, NoVerdictError)
    assert told.cause == cause


def test_both_are_told() -> None:
    """The leading one with its place and words, the other in a line above these."""
    told = told_failure(build(HOST), build(IMAGE))
    assert isinstance(told, NoVerdictError)
    assert (told.message, told.location) == (HOST.message, HOST.location)
    assert told.detail == (
        "the image build failed as well: Dockerfile:6: `RUN cargo build` failed with exit code 101",
        "error: x",
    )


def test_nothing_is_told_of_builds_that_go_on() -> None:
    """And a bug is no failure of the build: it is shown as what it is."""
    assert told_failure(build("made"), build(None)) is None
    bug = KeyError("x")
    assert told_failure(build(bug), build(IMAGE)) is bug


def test_only_a_failed_compilation_waits_for_the_host() -> None:
    """Any other step of the image has nothing to do with what the host finds."""
    assert awaits_host(build(IMAGE), (6, 8))
    assert not awaits_host(build(IMAGE), (8,))
    assert not awaits_host(build(None), (6,))
    assert not awaits_host(build("made"), (6,))
