"""Here-documents: each ships the truth, and it is proved. They need a frontend that reads them (engine 23 or newer)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.bases.cargo import cargo_in
from orchestrator.bases.image import BaseImage, Origin
from orchestrator.dockerfile.detours import detours
from orchestrator.dockerfile.settings import Guard
from orchestrator.dockerfile.trace import Tracer
from tests.integration.conftest import RUST
from tests.integration.shim.stages import LABELS, Bench, Shipped, printed, sha256

if TYPE_CHECKING:
    from orchestrator.engine.docker import Engine

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

HERE = Path(__file__).parent
DOCKERFILE = HERE / "documents/Dockerfile"
CASES = sorted(
    line.split()[-1].removeprefix("case-")
    for line in DOCKERFILE.read_text().splitlines()
    if line.startswith("FROM") and line.split()[-1].startswith("case-")
)
FOREIGN = "#!/usr/bin/perl"
"""No POSIX shell reads that document, so nothing can be put before it: the tool's cargo lies over the base's."""


@pytest.fixture(scope="module", autouse=True)
def _frontend(engine: Engine) -> None:
    if int(engine.version.version.partition(".")[0]) < 23:
        pytest.skip(
            f"engine {engine.version.version} has no here-documents; `invoke test --engines` runs this on others"
        )


@pytest.fixture(scope="module")
def shipped(module_bench: Bench) -> Shipped:
    module_bench.copy(HERE / "layouts")
    module_bench.write({"Dockerfile": DOCKERFILE.read_text()})
    return module_bench.build(module_bench.plan(binary="/out/script", covered=covered(module_bench)))


def covered(bench: Bench) -> dict[int, tuple[str, str]]:
    """Return the cargo that the steps past PATH reach, as a run finds it out."""
    dockerfile, image = bench.dockerfile(), bench.engine.image(bench.pins[RUST])
    assert image is not None
    base = BaseImage(
        reference=RUST, pinned=bench.pins[RUST], image_id=image.id, origin=Origin.ENGINE, environment=image.environment
    )
    tracer = Tracer(dockerfile, arguments={}, base_environment=lambda _reference: base.environment)
    steps = [each for stage in dockerfile.stages for each in detours(dockerfile, stage, tracer.walk(stage))]
    assert [FOREIGN in each.script for each in map(dockerfile.instruction, (it.line for it in steps)) if each] == [True]
    found = {
        each.line: cargo_in(bench.engine, base, each.paths, workspace=bench.workspace, labels=LABELS) for each in steps
    }
    return {line: (base.pinned, path) for line, path in found.items() if path is not None}


@pytest.fixture(scope="module")
def programs(shipped: Shipped) -> dict[str, bytes]:
    return shipped.files("/out")


@pytest.mark.parametrize("case", CASES)
def test_the_truth_is_shipped(case: str, programs: dict[str, bytes], tmp_path: Path) -> None:
    """What the placeholder would not print."""
    assert printed(programs[case], tmp_path) == "truth"


@pytest.mark.parametrize("case", CASES)
def test_the_program_is_traced_to_a_call_of_its_step(case: str, shipped: Shipped, programs: dict[str, bytes]) -> None:
    """A successful call wrote it, after it had refreshed what was older than the placeholder's artifacts."""
    proof = [call for call in shipped.in_stage(f"case-{case}") if sha256(programs[case]) in call.made.values()]
    assert [call.exit_code for call in proof] == [0]
    assert proof[0].refreshed
    real = HERE / "layouts/real/crates/word/src/lib.rs"
    assert proof[0].sources["crates/word/src/lib.rs"] == sha256(real.read_bytes())


def test_every_step_is_told_by_its_line(module_bench: Bench, shipped: Shipped) -> None:
    """The words that are put into a document move no line."""
    assert shipped.build.shipped is not None
    lines = DOCKERFILE.read_text().splitlines()
    told = {number for number in module_bench.states() if lines[number - 1].startswith("RUN")}
    assert told == {number for number, line in enumerate(lines, start=1) if line.startswith("RUN")}


@pytest.mark.parametrize("name", ["script", "several"])
def test_without_the_guard_the_placeholder_ships(name: str, module_bench: Bench, tmp_path: Path) -> None:
    """The raw claim: the same step in a build that only observes."""
    module_bench.copy(HERE / "layouts")
    module_bench.write({"Dockerfile": DOCKERFILE.read_text()})
    built = module_bench.build(module_bench.plan(binary="/app", target=f"case-{name}", guard=Guard.OBSERVE))
    assert built.build.shipped is not None
    assert printed(built.build.shipped.path.read_bytes(), tmp_path) == ""
