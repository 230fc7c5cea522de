"""Looking for the cause by building again: real builds of one small project whose build script asks for one thing."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.events import StepEvent
from orchestrator.flow.probe import Pair, ProbeReport, probe_pair
from orchestrator.parity.probe import Factor, Reach

pytestmark = [pytest.mark.cargo, pytest.mark.usefixtures("namespaces")]

MAIN = 'fn main() { println!("{}", env!("SEEN")); }\n'
SCRIPT = 'fn main() {{ let seen = {{ {expression} }}; println!("cargo:rustc-env=SEEN={{seen}}"); }}\n'
TIME = "std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()"
ORDER = (
    "let all: std::collections::HashSet<u32> = (0..40).collect(); "
    'all.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" ")'
)
JOBS = 'format!("built by {:0>4} jobs", std::env::var("NUM_JOBS").unwrap())'
BASE = {"CARGO_BUILD_JOBS": "2"}


def built(crate: Any, expression: str, **image: str) -> Pair:
    """Build both sides, the image's with other variables."""
    crate.write({"src/main.rs": MAIN, "build.rs": SCRIPT.format(expression=expression)})
    local = crate.build(variables=BASE).artifact
    crate.workspace.target.rename(crate.workspace.root / "target-of-local")
    other = crate.build(variables={**BASE, **image}).artifact
    assert local.sha256 != other.sha256
    return Pair(local=local, image=other)


def probed(crate: Any, pair: Pair, *, limit: float = 600.0, told: list[Any] | None = None) -> ProbeReport:
    """Look for the cause."""
    return probe_pair(
        pair,
        crate.plan(variables=BASE),
        epoch=1_700_000_000,
        workspace=crate.workspace,
        logs=crate.workspace.root,
        environment=crate.environment,
        emit=(told if told is not None else []).append,
        limit=limit,
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
    found = probed(crate, pair, told=told)
    assert [(one.factor, one.reach) for one in found.outcomes] == [
        (Factor.AGAIN, Reach.NONE),
        (Factor.CLOCK, Reach.NONE),
        (Factor.JOBS, Reach.MEETS),
    ]
    assert "image's program, byte for byte" in found.conclusion.explanation
    assert "probe: jobs" in {event.name for event in told if isinstance(event, StepEvent)}
    second = probed(crate, pair, limit=0.0)
    assert [one.remembered for one in second.outcomes] == [True] * 3
    assert second.conclusion == found.conclusion
    assert not list(crate.workspace.scratch.iterdir())
