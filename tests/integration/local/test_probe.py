"""Looking for the cause by building again: real builds of one small project whose build script asks for one thing."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.events import NoteEvent, OutputEvent, StepEvent
from orchestrator.flow.probe import ProbeReport, probe_pair
from orchestrator.flow.probe_bench import Pair
from orchestrator.parity.probe import Factor, Reach

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.cargo, pytest.mark.usefixtures("namespaces")]

MAIN = 'fn main() { println!("{}", env!("SEEN")); }\n'
SCRIPT = 'fn main() {{ let seen = {{ {expression} }}; println!("cargo:rustc-env=SEEN={{seen}}"); }}\n'
TIME = "std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()"
ORDER = (
    "let all: std::collections::HashSet<u32> = (0..40).collect(); "
    'all.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" ")'
)
JOBS = 'format!("built by {:0>4} jobs", std::env::var("NUM_JOBS").unwrap())'
OWNER = 'std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()).to_string()'
BASE = {"CARGO_BUILD_JOBS": "2"}


def built(crate: Any, expression: str, *, user: int = 0, **image: str) -> Pair:
    """Build both sides, the image's with other variables or as another user."""
    crate.write({"src/main.rs": MAIN, "build.rs": SCRIPT.format(expression=expression)})
    local = crate.build(variables=BASE).artifact
    crate.workspace.target.rename(crate.workspace.root / "target-of-local")
    other = crate.build(variables={**BASE, **image}, user=user).artifact
    assert local.sha256 != other.sha256
    return Pair(local=local, image=other)


def probed(
    crate: Any,
    pair: Pair,
    *,
    limit: float = 600.0,
    tell: Callable[[Any], object] = lambda _event: None,
    keep: Callable[[ProbeReport], object] = lambda _report: None,
) -> ProbeReport:
    """Look for the cause."""
    return probe_pair(
        pair,
        crate.plan(variables=BASE),
        epoch=1_700_000_000,
        workspace=crate.workspace,
        logs=crate.workspace.root,
        environment=crate.environment,
        emit=tell,
        limit=limit,
        keep=keep,
    )


def test_a_build_time_is_found(crate: Any) -> None:
    """Two equal builds differ, and are one program while the clock stands still."""
    found = probed(crate, built(crate, TIME))
    assert (found.conclusion.cause, found.left) == ("timestamp", None)
    assert [(one.factor, one.number) for one in found.outcomes] == [
        (Factor.AGAIN, 1),
        (Factor.CLOCK, 1),
        (Factor.CLOCK, 2),
    ]
    assert "clock held still" in found.conclusion.explanation
    assert "further places" not in found.conclusion.explanation


def test_a_random_order_is_found(crate: Any) -> None:
    """The clock is not it: the same random numbers make two builds one program."""
    found = probed(crate, built(crate, ORDER))
    assert found.conclusion.cause == "nondeterminism"
    assert found.outcomes[-1].factor is Factor.RANDOM
    assert "random numbers held still" in found.conclusion.explanation


def test_the_image_s_program_is_met_and_a_second_call_goes_on(crate: Any) -> None:
    """Built with one job, as the image was: the very program. A call without time says what is left."""
    pair = built(crate, JOBS, CARGO_BUILD_JOBS="1")
    none = probed(crate, pair, limit=0.0)
    assert (none.outcomes, none.left, none.conclusion.cause) == ((), Factor.AGAIN, "unknown")
    told: list[Any] = []
    found = probed(crate, pair, tell=told.append)
    assert [(one.factor, one.reach) for one in found.outcomes] == [
        (Factor.AGAIN, Reach.NONE),
        (Factor.CLOCK, Reach.NONE),
        (Factor.JOBS, Reach.MEETS),
    ]
    assert "image's program, byte for byte" in found.conclusion.explanation
    assert found.conclusion.cause == "baked-value"
    assert "NUM_JOBS" in found.conclusion.repair
    steps = {event.name for event in told if isinstance(event, StepEvent)}
    assert steps == {"probe: again", "probe 2 of at most 8: clock", "probe 3 of at most 8: jobs"}
    said = [event for event in told if isinstance(event, OutputEvent)]
    assert {event.step for event in said} == steps
    assert any("Compiling" in event.text for event in said)
    assert "jobs: the image's program" in {event.text for event in told if isinstance(event, NoteEvent)}
    second = probed(crate, pair, limit=0.0)
    assert [one.remembered for one in second.outcomes] == [True] * 3
    assert second.conclusion == found.conclusion
    assert not list(crate.workspace.scratch.iterdir())


def test_another_user_is_one_by_number_too(crate: Any) -> None:
    """What asks the system and no variable sees it too; a build that fails under a factor does not end the search."""
    script = f'{{ let owner = {OWNER}; assert!(std::env::var("CARGO_BUILD_JOBS").unwrap() == "2"); owner }}'
    pair = built(crate, script, user=1000)
    found = probed(crate, pair)
    reached = {one.factor: one.reach for one in found.outcomes}
    assert (reached[Factor.JOBS], reached[Factor.USER]) == (Reach.FAILED, Reach.MEETS)
    assert found.conclusion.cause == "baked-value"
    assert [one.remembered for one in probed(crate, pair, limit=0.0).outcomes] == [True] * len(found.outcomes)


@pytest.mark.alone  # a process that runs tests beside others ignores the signal
def test_what_was_found_is_kept_when_the_search_is_ended_by_hand(crate: Any) -> None:
    """After each probe, so a Ctrl-C in the third one leaves two; the next call needs only the third."""
    pair = built(crate, JOBS, CARGO_BUILD_JOBS="1")
    kept: list[ProbeReport] = []

    def tell(event: object) -> None:
        # Cargo says so before it starts the compiler, so the build goes on while the signal arrives.
        if isinstance(event, OutputEvent) and "Compiling" in event.text and len(kept) == len(("none", "one", "two")):
            os.kill(os.getpid(), signal.SIGINT)

    # What a shell starts in the background ignores the signal, and these tests as well then.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            probed(crate, pair, tell=tell, keep=kept.append)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [len(found.outcomes) for found in kept] == [0, 1, 2]
    assert kept[-1].left is Factor.JOBS
    assert not list(crate.workspace.scratch.iterdir())
    again = probed(crate, pair)
    assert [one.remembered for one in again.outcomes] == [True, True, False]
    assert again.conclusion.cause == "baked-value"
