"""No input gives a traceback: whatever stands in the file, the answer is a spec or located mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import SpecInvalidError
from orchestrator.spec.explain import render_effective, schema
from orchestrator.spec.load import load_spec

SAMPLE = (Path(__file__).resolve().parents[3] / "buildspec.yaml").read_text(encoding="utf-8")
LINE = re.compile(r"buildspec\.yaml:[1-9]\d*:[1-9]\d*: [^\n\x1b]+")
PIECES = ("\t", "\n", "  ", ": ", "- ", "&a ", "*a", "<<: *a", "!!set", "{", "}", "[", "]", "'", '"', "#", "| ", "? ")
PIECES += ("---\n", "...\n", "\x00", "﻿", " ", "\ud7ff", "🚀", "~", "yes", "1e999", "0x1F", "%YAML 1.1\n", "${x}")


def _names(entry: object) -> Iterator[str]:
    if isinstance(entry, dict):
        for key, inner in entry.items():
            if key == "properties":
                yield from inner
            yield from _names(inner)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(PIECES)
KEYS = st.sampled_from(sorted(set(_names(schema())))) | st.text(max_size=5)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The sample's own spec with pieces cut out, doubled, and put in."""
    text = SAMPLE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(st.sampled_from(PIECES) | st.just(text[start:end] * 2)) + text[end:]
    return text


def answers(content: bytes, folder: Path) -> None:
    path = folder / "buildspec.yaml"
    path.write_bytes(content)
    try:
        loaded = load_spec(Path("buildspec.yaml"))
    except SpecInvalidError as error:
        wrong = error
    else:
        path.write_text(render_effective(loaded), encoding="utf-8")
        assert load_spec(path).spec == loaded.spec
        return
    assert wrong.message
    assert all(LINE.fullmatch(line) for line in wrong.detail), wrong.detail
    # YAML counts more kinds of line end than `splitlines` of bytes does.
    lines = len(content.decode(errors="replace").splitlines()) + 2
    assert all(int(line.split(":")[1]) <= lines for line in wrong.detail)


quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_noise(content: bytes, folder: Path) -> None:
    """Bytes and texts of all kinds."""
    answers(content, folder)


@quick
@given(text=damaged())
def test_a_damaged_spec(text: str, folder: Path) -> None:
    """A real spec in which an editor went astray."""
    answers(text.encode(errors="replace"), folder)


@quick
@given(tree=st.dictionaries(KEYS, TREES, max_size=8))
def test_well_formed_nonsense(tree: dict[str, object], folder: Path) -> None:
    """Right YAML, known keys, wrong values."""
    answers(json.dumps(tree, ensure_ascii=False).encode(errors="replace"), folder)


@pytest.mark.parametrize("name", ["source", "toolchain", "image", "bases", "stub", "parity", "smoke", "runs"])
def test_each_slice_refuses_every_kind_of_value(name: str, folder: Path) -> None:
    """No slice lets a scalar, a list or an unknown key pass."""
    for value in ("1", "1.5", "true", "text", "[a]", "{nonsense_key: 1}", "{1: [2, {3: 4}]}", "null"):
        with pytest.raises(SpecInvalidError):
            load_text(folder, f"{name}: {value}\n")


def load_text(folder: Path, text: str) -> None:
    (folder / "buildspec.yaml").write_text(text)
    load_spec(Path("buildspec.yaml"))
