"""Which probe comes next, and what finished ones prove."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.read import read_profile
from orchestrator.parity.compare import compare
from orchestrator.parity.probe import CHANGED, Factor, Outcome, Reach, conclude, next_probe
from orchestrator.parity.same_places import covers

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.parity.difference import Comparison


PROGRAM = """#include <stdio.h>
int main(int count, char **words) { (void)words; puts("built by " USER " for the " SAUCE); return count * FACTOR; }"""


def compared(folder: Path, user: str = "ann", sauce: str = "red one", factor: int = 7) -> Comparison:
    """Return how a program differs that holds other values, from the one with these defaults."""
    paths = []
    for number, values in enumerate((("ann", "red one", 7), (user, sauce, factor))):
        path = folder / f"{number}-{user}-{sauce}-{factor}"
        named = [f'-DUSER="{values[0]}"', f'-DSAUCE="{values[1]}"', f"-DFACTOR={values[2]}"]
        subprocess.run(
            ["gcc", "-O1", *named, "-x", "c", "-", "-o", str(path)], input=PROGRAM.encode(), check=True, cwd=folder
        )
        paths.append(path)
    return compare(read_profile(paths[0]), read_profile(paths[1]), content=explain_difference(*paths))


def test_a_change_of_the_same_value_covers_and_one_of_another_value_does_not(tmp_path: Path) -> None:
    """Two values in one text are two places; a function counts by its name; equal programs are covered by nothing."""
    bob, eve, sauce, both = (
        compared(tmp_path, user="bob"),
        compared(tmp_path, user="eve"),
        compared(tmp_path, sauce="hot one"),
        compared(tmp_path, user="eve", factor=9),
    )
    assert covers(eve, bob)
    assert not covers(sauce, bob)
    assert covers(both, bob)
    assert not covers(bob, both)
    assert not covers(bob, compared(tmp_path))


def outcome(factor: Factor, reach: Reach, *, number: int = 1, sha256: str = "") -> Outcome:
    same = {Reach.NONE: "local", Reach.MEETS: "image"}
    return Outcome(factor=factor, number=number, reach=reach, sha256=sha256 or same.get(reach, f"{factor}{number}"))


def steps(answers: dict[Factor, Reach], equal: tuple[Factor, ...] = ()) -> list[Outcome]:
    """Make the probes that are asked for, and return them in their order."""
    made: list[Outcome] = []
    while (step := next_probe(made)) is not None:
        factor, number = step
        sha256 = f"{factor}" if factor in equal else ""
        made.append(outcome(factor, answers.get(factor, Reach.NONE), number=number, sha256=sha256))
    return made


def test_a_build_that_repeats_itself_has_each_factor_changed_once() -> None:
    """Nothing changes the program: all of it is ruled out, by name, and no cause is claimed."""
    made = steps({})
    assert [one.factor for one in made] == [Factor.AGAIN, *CHANGED]
    found = conclude(made)
    assert found.cause == "unknown"
    ruled_out = next(fact.value for fact in found.evidence if fact.label == "ruled out")
    assert ruled_out == "nondeterminism, clock, jobs, locale, user, host name, SOURCE_DATE_EPOCH, path"


@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (Factor.CLOCK, "timestamp"),
        (Factor.JOBS, "baked-value"),
        (Factor.LOCALE, "baked-value"),
        (Factor.USER, "baked-value"),
        (Factor.HOST, "baked-value"),
        (Factor.EPOCH, "timestamp"),
        (Factor.PATH, "paths"),
    ],
)
def test_the_factor_that_changes_the_same_places_is_the_cause(factor: Factor, cause: str) -> None:
    """One that changes other places is told, and is not the cause."""
    assert conclude(steps({factor: Reach.COVERS})).cause == cause
    elsewhere = conclude(steps({factor: Reach.ELSEWHERE}))
    assert elsewhere.cause == "unknown"
    assert factor.value in elsewhere.explanation


def test_the_search_ends_where_the_pair_meets() -> None:
    """No further build is made, and the one that met goes before one that merely changed the same places."""
    made = steps({Factor.CLOCK: Reach.COVERS, Factor.LOCALE: Reach.MEETS})
    assert made[-1].factor is Factor.LOCALE
    assert "byte for byte" in conclude(made).explanation


def test_a_build_that_does_not_repeat_itself_has_things_held_still() -> None:
    """Two builds each, until two are equal; where none are, nothing but the fact is claimed."""
    every = dict.fromkeys(Factor, Reach.COVERS)
    made = steps(every, equal=(Factor.CLOCK_AND_RANDOM,))
    assert [one.factor for one in made] == [Factor.AGAIN, *[f for f in _HELD for _ in range(2)]]
    assert "clock and random numbers held still" in conclude(made).explanation
    never = conclude(steps(every))
    assert (never.cause, "held still" in never.explanation) == ("nondeterminism", False)


_HELD = (Factor.CLOCK, Factor.RANDOM, Factor.CLOCK_AND_RANDOM)


def test_a_pair_that_differs_in_more_than_a_build_from_itself_is_not_explained_away() -> None:
    """The time of the build is one cause; what else differs stays open."""
    found = conclude(
        steps({**dict.fromkeys(Factor, Reach.COVERS), Factor.AGAIN: Reach.ELSEWHERE}, equal=(Factor.CLOCK,))
    )
    assert found.cause == "timestamp"
    assert "further places" in found.explanation


def test_without_a_finished_probe_nothing_is_said() -> None:
    """The time was over before the first one was done."""
    assert conclude([]).cause == "unknown"
