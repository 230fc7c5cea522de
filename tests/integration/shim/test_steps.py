"""The layer cache, what is shipped of a single stage, cache mounts between versions, limits, and refusals by line."""

from __future__ import annotations

import secrets
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.build_watch import Limits
from orchestrator.errors import (
    DockerfileInvalidError,
    EngineUnsupportedError,
    InterruptedRunError,
    NoVerdictError,
    StepTimeoutError,
)
from orchestrator.events import NoteEvent, StepState
from tests.integration.saved import saved_layers
from tests.integration.shim.stages import LIMITS, Bench, Guard, printed, sha256

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

HERE = Path(__file__).parent
RUST = "rust:1.95-bookworm"
REAL = 'fn main() {{\n    println!("{}");\n}}\n'


def small(bench: Bench, dockerfile: str, **names: str) -> None:
    """Lay out the small project with a Dockerfile, names in it replaced."""
    bench.copy(HERE / "small")
    text = (HERE / dockerfile / "Dockerfile").read_text()
    for name, value in names.items():
        text = text.replace(name, value)
    bench.write({"Dockerfile": text})


def test_the_layer_cache_works_as_without_the_guard(bench: Bench) -> None:
    """All is cached without a change, and the dependency step is cached after a change of the sources."""
    small(bench, "primed")
    bench.write({"src/main.rs": REAL.format(secrets.token_hex(8))})
    plan = bench.plan(builder=(0, "/app"))
    first = bench.build(plan)
    again = bench.build(plan)
    assert set(bench.states().values()) == {StepState.CACHED}
    assert again.build.candidate_id == first.build.candidate_id
    assert again.build.witness == first.build.witness
    bench.write({"src/main.rs": REAL.format("changed " + secrets.token_hex(8))})
    changed = bench.build(bench.plan(builder=(0, "/app")))
    states = bench.states()
    assert states[5] is StepState.CACHED
    assert states[7] is StepState.DONE
    assert changed.build.shipped is not None
    assert changed.build.shipped.sha256 in changed.calls[-1].made.values()


def test_a_single_stage_ships_no_trace(bench: Bench, tmp_path: Path) -> None:
    """No file of the tool's lies in any layer, and the shipped files are those of a build without it."""
    small(bench, "single")
    guarded = bench.build(bench.plan(builder=(0, "/app"), base=RUST))
    layers = own_layers(bench, guarded.build.candidate_id, base=RUST)
    names = {name for layer in layers for name in layer}
    assert "w/target/release/app" in names
    assert not [name for name in names if ".twinbuild" in name]
    assert not {"var", "var/tmp", "tmp", "opt", "dev"} & names
    assert guarded.build.shipped is not None
    assert guarded.build.shipped.sha256 in guarded.calls[-1].made.values()
    assert printed(guarded.build.shipped.path.read_bytes(), tmp_path) == "truth"


def own_layers(bench: Bench, image_id: str, *, base: str) -> list[dict[str, tarfile.TarInfo]]:
    """Return the entries of the layers above the base's."""
    facts = bench.engine.image(bench.pins[base])
    assert facts is not None
    return saved_layers(bench.engine, image_id)[len(facts.layers) :]


def test_a_cache_mount_that_two_versions_share(bench: Bench, tmp_path: Path) -> None:
    """The second version ships itself, although the first one's artifacts are newer than its sources.

    The program lies in no stage when the build is over, and is known by its digest, as are the calls before.
    """
    for text in ("one " + secrets.token_hex(4), "two " + secrets.token_hex(4)):
        small(bench, "shared")
        bench.write({"src/main.rs": REAL.format(text)})
        built = bench.build(bench.plan(builder=(0, "/app")))
        assert built.build.shipped is not None
        assert printed(built.build.shipped.path.read_bytes(), tmp_path) == text
        now = [call for call in built.calls if not call.earlier]
        assert built.build.shipped.sha256 in now[-1].made.values()
        assert now[-1].sources["src/main.rs"] == sha256((bench.folder / "src/main.rs").read_bytes())
    assert [call for call in built.calls if call.earlier]


def test_a_cached_step_without_a_witness_is_built_once_more(bench: Bench) -> None:
    """It alone, not what stands before it; the run after that finds it in the cache."""
    small(bench, "silent", NAME=secrets.token_hex(8))
    bench.write({"src/main.rs": REAL.format(secrets.token_hex(4))})
    plan = bench.plan(builder=(0, "/app"))
    assert not bench.build(plan).calls
    second = bench.build(plan)
    assert [event.text for event in bench.events if isinstance(event, NoteEvent)] == [
        "Dockerfile:6: cached, and without a witness: built once more"
    ]
    assert bench.states()[5] is StepState.CACHED
    assert bench.states()[6] is StepState.DONE
    assert second.build.shipped is not None
    assert second.build.shipped.sha256 in second.calls[0].made.values()
    third = bench.build(plan)
    assert bench.states()[6] is StepState.CACHED
    assert third.build.witness == second.build.witness


def test_with_the_guard_off_no_step_is_expected_to_tell(bench: Bench) -> None:
    """A cached build stays one: nothing was to witness its calls."""
    small(bench, "silent", NAME=secrets.token_hex(8))
    bench.write({"src/main.rs": REAL.format(secrets.token_hex(4))})
    plan = replace(bench.plan(builder=(0, "/app")), witnessed=False)
    bench.build(plan)
    bench.build(plan)
    assert not [event for event in bench.events if isinstance(event, NoteEvent)]
    assert bench.states()[6] is StepState.CACHED


@pytest.mark.parametrize("limits", [Limits(step=3, silence=60), Limits(step=60, silence=2)])
def test_a_step_that_never_ends(bench: Bench, limits: Limits) -> None:
    """It is ended on the engine, whether it prints or not, and named by its line."""
    text = (HERE / "endless/Dockerfile").read_text()
    if limits.silence < limits.step:
        text = text.replace('echo "still at it"; \\\n        sleep 0.2', "sleep 1")
    bench.write({"Dockerfile": f"{text}# {secrets.token_hex(4)}\n"})
    with pytest.raises(StepTimeoutError) as caught:
        bench.build(bench.plan(limits=limits))
    assert str(caught.value.location) == "Dockerfile:4"
    assert ".twinbuild" not in caught.value.message
    assert "limit" in (caught.value.repair or "")
    wait_for_no_step()


def test_a_build_that_is_cancelled(bench: Bench) -> None:
    """The step goes with it."""
    bench.write({"Dockerfile": (HERE / "endless/Dockerfile").read_text().replace("still", secrets.token_hex(4))})
    cancel = threading.Event()
    timer = threading.Timer(3, cancel.set)
    timer.start()
    with pytest.raises(InterruptedRunError):
        bench.build(bench.plan(), cancel)
    wait_for_no_step()


def wait_for_no_step() -> None:
    """Wait until nobody on this machine runs the endless loop any more."""
    for _ in range(100):
        if not any(b"sleep 0.2; done" in line or b"while true" in line for line in commands()):
            return
        threading.Event().wait(0.1)
    pytest.fail("the step still runs")


def commands() -> list[bytes]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_bytes())
        except OSError:
            continue
    return [line for line in found if b"/dev/.twinbuild/on" in line]


@pytest.mark.parametrize(
    ("text", "error", "line", "says"),
    [
        ("FROM debian:bookworm-slim\nRUN true\nRUN <<EOF\ntrue\nEOF\n", EngineUnsupportedError, 3, "here-document"),
        ("FROM debian:bookworm-slim\nCOPY --link Dockerfile /\n", DockerfileInvalidError, 2, "link"),
        ("# syntax=nowhere.invalid/docker/dockerfile:1\nFROM debian:bookworm-slim\n", EngineUnsupportedError, 1,
         "nowhere.invalid/docker/dockerfile:1"),
    ],
)  # fmt: skip
def test_what_the_engine_lacks_is_told_by_line(
    bench: Bench, text: str, error: type[NoVerdictError], line: int, says: str
) -> None:
    """Old frontends do not know all that a Dockerfile may use, and a named one may be out of reach."""
    if int(bench.engine.version.version.split(".")[0]) >= 23 and line != 1:
        pytest.skip("this engine's frontend knows it")
    bench.write({"Dockerfile": text})
    with pytest.raises(error) as caught:
        bench.build(bench.plan(limits=LIMITS))
    assert caught.value.location is not None
    assert caught.value.location.line == line
    assert says in caught.value.message
    assert caught.value.repair


def test_observing_ships_the_placeholder_and_tells_who_made_it(bench: Bench, tmp_path: Path) -> None:
    """Nothing is healed, all is witnessed."""
    small(bench, "primed")
    built = bench.build(bench.plan(builder=(0, "/app"), guard=Guard.OBSERVE))
    assert built.build.shipped is not None
    assert printed(built.build.shipped.path.read_bytes(), tmp_path) == ""
    stub, real = built.calls
    assert built.build.shipped.sha256 in stub.made.values()
    assert built.build.shipped.sha256 in real.kept.values()
    assert stub.step != real.step
