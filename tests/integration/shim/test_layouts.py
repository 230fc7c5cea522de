"""Every form of RUN and every layout of a cargo project, in one build: each ships the truth, and it is proved."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.shim.stages import Bench, Shipped, printed, sha256

if TYPE_CHECKING:
    from orchestrator.toolchains.cargo.witness import WitnessedCall

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

LAYOUTS = Path(__file__).parent / "layouts"
CASES = sorted(
    line.split()[-1].removeprefix("case-")
    for line in (LAYOUTS / "Dockerfile").read_text().splitlines()
    if line.startswith("FROM") and line.split()[-1].startswith("case-")
)
UNWITNESSED = {"lacking"}
"""What the tool cannot witness: a tool is missing."""

OTHERWISE_COMPILED = {"options", "triple", "rustc", "root", "beside", "scratch", "mounts", "install", "sed"}
"""Where paths or flags differ from the plain build's, so that another program is right."""


@pytest.fixture(scope="module")
def shipped(module_bench: Bench) -> Shipped:
    module_bench.copy(LAYOUTS)
    return module_bench.build(module_bench.plan(binary="/out/plain"))


@pytest.fixture(scope="module")
def programs(shipped: Shipped) -> dict[str, bytes]:
    return shipped.files("/out")


@pytest.mark.parametrize("case", CASES)
def test_the_truth_is_shipped(case: str, programs: dict[str, bytes], tmp_path: Path) -> None:
    """What the placeholder would not print."""
    assert printed(programs[case], tmp_path) == "truth"


@pytest.mark.parametrize("case", sorted(set(CASES) - UNWITNESSED))
def test_the_program_is_traced_to_a_call_on_the_real_sources(
    case: str, shipped: Shipped, programs: dict[str, bytes]
) -> None:
    """A successful call wrote it after it had seen the real library, and the step's text tells which step it was."""
    stage = {"scratch": "static", "onbuild": "trigger"}.get(case, f"case-{case}")
    proof = [call for call in shipped.in_stage(stage) if sha256(programs[case]) in call.made.values()]
    # Calls that run at the same time each see what any of them writes.
    assert {call.exit_code for call in proof} == {0}
    assert all(call.refreshed and real_library(call) for call in proof)
    assert "cargo" in proof[0].step or "build.sh" in proof[0].step


@pytest.mark.parametrize("case", sorted(set(CASES) - OTHERWISE_COMPILED))
def test_the_program_is_that_of_a_plain_build(case: str, programs: dict[str, bytes]) -> None:
    """Bit for bit what cargo makes of these sources from scratch, with nothing of this tool before it."""
    assert sha256(programs[case]) == sha256(programs["plain"])


@pytest.mark.parametrize("case", sorted(UNWITNESSED))
def test_what_is_not_witnessed_is_not_known(case: str, shipped: Shipped, programs: dict[str, bytes]) -> None:
    """No call of that stage tells of the program, and the reason is said where there is one."""
    assert not [call for call in shipped.in_stage(f"case-{case}") if sha256(programs[case]) in call.made.values()]
    if case == "lacking":
        assert [call.unwitnessed for call in shipped.in_stage("case-lacking")] == ["sha256sum is missing"]


def test_a_call_by_absolute_path_in_a_word_for_a_shell_is_not_witnessed(shipped: Shipped) -> None:
    """It goes past PATH, and `RUN ["sh", "-c", "…"]` is a text that nothing is put into."""
    assert not shipped.in_stage("plain")


def real_library(call: WitnessedCall) -> bool:
    wanted = hashlib.sha256((LAYOUTS / "real/crates/word/src/lib.rs").read_bytes()).hexdigest()
    return wanted in {call.sources.get("crates/word/src/lib.rs"), call.sources.get("../shared/src/lib.rs")}
