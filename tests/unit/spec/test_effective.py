"""`invoke spec`: the spec in force, its schema, and the page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from orchestrator.settings import Bytes, Seconds
from orchestrator.spec.explain import effective, render_effective, schema
from orchestrator.spec.load import load_spec
from orchestrator.spec.reference import render_reference

ROOT = Path(__file__).resolve().parents[3]
FULL = """\
version: 1
project: demo
source: {exclude: ["*.md", "!/it's #1\\n\\x85"]}
toolchain: &t {kind: cargo, features: [a, "b c"]}
inputs: {A: &a "yes # no", NO: "${source.digest} 🚀", on: *a}
image: {tag: "demo:dev", binary: /usr/local/bin/demo, step_limit: 90s, silence_limit: 0.25s}
bases:
  rust:1.95-bookworm: {bootstrap: {suite: bookworm}}
  "odd: key": {pull: {digest: "sha256:HEX"}}
smoke:
  stays_up: 1500ms
  limits: {memory: 1025KiB}
""".replace("HEX", "0" * 64)


@pytest.mark.parametrize("text", [FULL, (ROOT / "buildspec.yaml").read_text(encoding="utf-8")])
def test_what_is_printed_loads_to_the_same_spec(folder: Path, text: str) -> None:
    """The output is YAML for any reader, and a spec that says the same."""
    (folder / "buildspec.yaml").write_text(text, encoding="utf-8")
    loaded = load_spec(Path("buildspec.yaml"))
    printed = render_effective(loaded)
    (folder / "printed.yaml").write_text(printed, encoding="utf-8")
    assert load_spec(Path("printed.yaml")).spec == loaded.spec
    assert yaml.safe_load(printed) == loaded.spec.model_dump(mode="json")


def test_every_value_has_its_origin(folder: Path) -> None:
    """Written values with file, line and column (an alias with its anchor's), others as defaults."""
    (folder / "buildspec.yaml").write_text(FULL, encoding="utf-8")
    loaded = load_spec(Path("buildspec.yaml"))
    origins = {".".join(map(str, value.path)): value.origin for value in effective(loaded)}
    assert origins["project"] == "buildspec.yaml:2:10"
    assert origins["inputs.A"] == origins["inputs.on"] == "buildspec.yaml:5:13"
    assert origins["bases.odd: key.pull.digest"] == "buildspec.yaml:9:31"
    assert origins["image.context"] == origins["stub.guard"] == "default"
    lines = render_effective(loaded).splitlines()
    assert all(line.endswith(":") or " # " in line for line in lines)
    assert '  step_limit: "90s" ' in render_effective(loaded)


def test_the_sample_fits_the_schema_and_a_wrong_one_does_not() -> None:
    """Editors that have only the schema judge as the tool does."""
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    check = jsonschema.Draft202012Validator(made)
    right = yaml.safe_load((ROOT / "buildspec.yaml").read_text(encoding="utf-8"))
    assert [error.message for error in check.iter_errors(right)] == []
    for wrong in (
        {"sorce": {}},
        {"version": 2},
        {"inputs": {"A=B": "x"}},
        {"image": {**right["image"], "tag": "backend"}},
        {"image": {**right["image"], "step_limit": 10}},
        {"bases": {"a": {"pull": {"digest": "latest"}}}},
        {"runs": {"keep": 0}},
    ):
        assert not check.is_valid({**right, **wrong}), wrong


def test_the_defaults_in_the_schema_fit_it() -> None:
    """A default that an editor offers must be one that may be written."""
    made = schema()
    json.dumps(made, allow_nan=False)
    found = list(_defaults(made))
    assert len(found) > 30
    for entry in found:
        here = {**entry, "$defs": made["$defs"]}
        errors = [error.message for error in jsonschema.Draft202012Validator(here).iter_errors(entry["default"])]
        assert errors == [], entry


def _defaults(entry: Any) -> Iterator[dict[str, Any]]:
    if isinstance(entry, dict):
        if "default" in entry and isinstance(entry.get("title", ""), str):
            yield entry
        for inner in entry.values():
            yield from _defaults(inner)


def test_the_reference_page_is_up_to_date() -> None:
    """A key that is added, renamed or described anew changes the page in the same commit."""
    page = (ROOT / "docs/reference/spec.md").read_text(encoding="utf-8")
    assert page == render_reference(), "run: python -m orchestrator.spec.reference > docs/reference/spec.md"


@given(st.decimals(min_value=0, max_value=366, places=3), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_durations_come_back_as_they_were(number: object, unit: str) -> None:
    """Reading what is written of a duration gives the very same number of seconds."""
    adapter = TypeAdapter(Seconds)
    seconds = adapter.validate_python(f"{number}{unit}")
    assert adapter.validate_python(adapter.dump_python(seconds, mode="json")) == seconds


@given(st.integers(min_value=0, max_value=10**12 - 1), st.sampled_from(["B", "KiB", "MiB", "GiB"]))
def test_sizes_come_back_as_they_were(number: int, unit: str) -> None:
    """The same for sizes."""
    adapter = TypeAdapter(Bytes)
    size = adapter.validate_python(f"{number}{unit}")
    assert adapter.validate_python(adapter.dump_python(size, mode="json")) == size
