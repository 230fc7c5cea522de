"""Which probe comes next, and what the probes that were made prove: a bisection of causes. Pure.

A probe is one more build of the local side with one factor changed. Whether the build repeats itself is asked first,
because it decides what a difference means. Where it does, a factor that changes the program is a candidate, and the one
that gives the image's very program is the cause. Where it does not, the factor that makes two builds equal once it is
held still is the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence


class Factor(StrEnum):
    """What one probe changes, or holds still."""

    AGAIN = "again"
    CLOCK = "clock"
    RANDOM = "random numbers"
    CLOCK_AND_RANDOM = "clock and random numbers"
    JOBS = "jobs"
    LOCALE = "locale"
    USER = "user"
    HOST = "host name"
    EPOCH = "SOURCE_DATE_EPOCH"
    PATH = "path"


HELD_STILL = (Factor.CLOCK, Factor.RANDOM, Factor.CLOCK_AND_RANDOM, Factor.JOBS)
"""For a build that does not repeat itself; two builds each, as equal ones are the proof."""

CHANGED = (Factor.CLOCK, Factor.JOBS, Factor.LOCALE, Factor.USER, Factor.HOST, Factor.EPOCH, Factor.PATH)
"""For a build that repeats itself; the path is last, as both builds of a run have the same one."""

_TWICE = 2
_OTHERWISE = {
    Factor.JOBS: "one job at a time",
    **{
        factor: f"another {factor.value}"
        for factor in (Factor.CLOCK, Factor.LOCALE, Factor.USER, Factor.HOST, Factor.EPOCH, Factor.PATH)
    },
}
_HELD = {
    Factor.CLOCK: "the clock held still",
    Factor.RANDOM: "the random numbers held still (the order of a hash table is one)",
    Factor.CLOCK_AND_RANDOM: "clock and random numbers held still",
    Factor.JOBS: "one job at a time",
}
_CAUSES = {
    Factor.CLOCK: "timestamp",
    Factor.EPOCH: "timestamp",
    Factor.PATH: "paths",
    # A build that repeats itself with each number of jobs takes the number in.
    **dict.fromkeys((Factor.JOBS, Factor.LOCALE, Factor.USER, Factor.HOST), "baked-value"),
}
"""What a factor that changes the program of a build that repeats itself is a case of."""

_CAUSES_HELD = {Factor.CLOCK: "timestamp"}
"""What one that makes a build repeat itself once it is held still is a case of, where it is no plain nondeterminism."""

_REPAIRS = {
    "timestamp": "take the time out of the build script or macro that reads it, or let it honour SOURCE_DATE_EPOCH and "
    "set that under `inputs` in the spec",
    "paths": "install bubblewrap, so that both sides build at the same paths, or take the path out of the build script",
    "baked-value": "take it out of the build script, or give both sides the same value under `inputs` in the spec",
    "nondeterminism": "sort what a build script or macro writes: `BTreeMap` instead of `HashMap`, `sort()` after "
    "`read_dir` and after work that was done in parallel",
    "jobs": "let no build script take NUM_JOBS in; where one works in parallel, sort what comes out",
    "unknown": "compare what went into both builds: features, profile, packages, variables that build scripts read",
}


class Reach(IntEnum):
    """How a probe's program differs from the local one, beside how the image's does."""

    FAILED = -1
    """There is none: the build fails under this factor, so it proves nothing."""

    NONE = 0
    """It does not."""

    ELSEWHERE = 1
    """In other places than the pair does."""

    COVERS = 2
    """In all places in which the pair does."""

    MEETS = 3
    """It is the image's program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One finished probe.

    Attributes:
        number: 1, or 2 for the second build under the same conditions.
        sha256: of its program; empty where the build failed.
        seconds: what the build took.
        remembered: whether it was made by an earlier call.
    """

    factor: Factor
    number: int
    sha256: str
    reach: Reach
    seconds: float = 0.0
    remembered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the probes prove. `cause`: kebab-case id of the catalogue; `unknown` where they prove none."""

    cause: str
    explanation: str
    repair: str
    evidence: tuple[Evidence, ...] = ()


def next_probe(outcomes: Sequence[Outcome]) -> tuple[Factor, int] | None:
    """Return the factor and number of the next build, or None when there is nothing more to learn."""
    done = {(outcome.factor, outcome.number): outcome for outcome in outcomes}
    if any(outcome.reach is Reach.MEETS for outcome in outcomes):
        return None
    again = done.get((Factor.AGAIN, 1))
    if again is None:
        return Factor.AGAIN, 1
    if again.reach is Reach.NONE:
        return next(((factor, 1) for factor in CHANGED if (factor, 1) not in done), None)
    for factor in HELD_STILL:
        first = done.get((factor, 1))
        for number in (1,) if first is not None and first.reach is Reach.FAILED else (1, _TWICE):
            if (factor, number) not in done:
                return factor, number
        if _steady(factor, outcomes):
            return None
    return None


def most_probes(outcomes: Sequence[Outcome]) -> int | None:
    """Return how many probes there will be at most; None before it is known whether the build repeats itself."""
    again = next((outcome for outcome in outcomes if outcome.factor is Factor.AGAIN), None)
    if again is None:
        return None
    return 1 + (len(CHANGED) if again.reach is Reach.NONE else _TWICE * len(HELD_STILL))


def conclude(outcomes: Sequence[Outcome]) -> Conclusion:
    """Return what the finished probes prove; with the cause `unknown` and what was ruled out where they prove none."""
    evidence = tuple(_told(outcome) for outcome in outcomes)
    again = next((outcome for outcome in outcomes if outcome.factor is Factor.AGAIN), None)
    if again is None:
        return _conclusion("unknown", "no probe was finished", evidence)
    if again.reach is not Reach.NONE:
        return _unsteady(outcomes, again, evidence)
    changing = [outcome for outcome in outcomes if outcome.reach > Reach.NONE]
    best = max(changing, key=lambda outcome: outcome.reach, default=None)
    if best is None or best.reach is Reach.ELSEWHERE:
        still = [outcome.factor.value for outcome in outcomes if outcome.reach is Reach.NONE]
        ruled_out = Evidence(label="ruled out", value=", ".join(["nondeterminism", *still[1:]]))
        depends = f"; it depends on {best.factor.value}, which changes other places than the pair's" if best else ""
        return _conclusion("unknown", f"the build repeats itself{depends}", (ruled_out, *evidence))
    if best.reach is Reach.MEETS:
        text = f"with {_OTHERWISE[best.factor]} the host builds the image's program, byte for byte"
    else:
        text = f"{_OTHERWISE[best.factor]} changes the program in all places in which the two differ"
    repair = _REPAIRS["jobs"] if best.factor is Factor.JOBS else None
    return _conclusion(_CAUSES[best.factor], text, evidence, repair=repair)


def _unsteady(outcomes: Sequence[Outcome], again: Outcome, evidence: tuple[Evidence, ...]) -> Conclusion:
    steady = next((factor for factor in HELD_STILL if _steady(factor, outcomes)), None)
    # A pair may differ in more than a build differs from itself: then this is a cause and not all of it.
    part = "" if again.reach is not Reach.ELSEWHERE else "; the pair differs in further places, which this leaves open"
    if steady is None:
        return _conclusion("nondeterminism", f"the same build, made twice, gives two programs{part}", evidence)
    cause = _CAUSES_HELD.get(steady, "nondeterminism")
    text = f"the same build, made twice, gives two programs; with {_HELD[steady]} it gives one and the same{part}"
    return _conclusion(cause, text, evidence)


def _steady(factor: Factor, outcomes: Sequence[Outcome]) -> bool:
    made = [outcome.sha256 for outcome in outcomes if outcome.factor is factor and outcome.reach >= Reach.NONE]
    return len(made) == _TWICE and made[0] == made[1]


def _conclusion(
    cause: str, explanation: str, evidence: tuple[Evidence, ...], *, repair: str | None = None
) -> Conclusion:
    return Conclusion(cause=cause, explanation=explanation, repair=repair or _REPAIRS[cause], evidence=evidence)


SAID = {
    Reach.FAILED: "the build fails",
    Reach.NONE: "the local program again",
    Reach.ELSEWHERE: "another program, different in other places than the pair",
    Reach.COVERS: "another program, different wherever the pair is",
    Reach.MEETS: "the image's program",
}


def _told(outcome: Outcome) -> Evidence:
    second = " (second build)" if outcome.number == _TWICE else ""
    value = f"{SAID[outcome.reach]} {outcome.sha256[:12]}".rstrip()
    return Evidence(label=f"probe {outcome.factor.value}{second}", value=value)
