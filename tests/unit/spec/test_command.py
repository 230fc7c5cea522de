"""`invoke spec` as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.spec.load import load_spec

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-P", str(ROOT / "start.py"), "--write-pyc", "--search-root", str(ROOT), "spec"]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"}
    return subprocess.run([*COMMAND, *words], env=environment, capture_output=True, text=True, check=False)


def test_the_effective_spec_is_printed(folder: Path) -> None:
    """It is YAML, says where each value came from, and is a spec that says the same."""
    done = call("--spec", str(ROOT / "buildspec.yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "printed.yaml").write_text(done.stdout, encoding="utf-8")
    assert load_spec(Path("printed.yaml")).spec == load_spec(ROOT / "buildspec.yaml").spec
    lines = {line.split(":")[0].strip(): line for line in done.stdout.splitlines()}
    assert lines["project"].endswith(f"# {ROOT}/buildspec.yaml:3:10")
    assert lines["guard"].endswith("# default")


def test_the_schema_is_printed(folder: Path) -> None:
    """No spec is needed for it."""
    done = call("--schema", "--spec", str(folder / "none.yaml"))
    assert done.returncode == 0
    spec = yaml.safe_load((ROOT / "buildspec.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(spec, json.loads(done.stdout))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**spec, "sorce": {}}, json.loads(done.stdout))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no buildspec.yaml"),
        ("version: 1\nproject: Demo\nsorce: {}\n", "buildspec.yaml:3:1: unknown key `sorce`"),
        ("a: [\n", "buildspec.yaml:2:1: no YAML"),
    ],
)
def test_mistakes_are_told_without_a_traceback(folder: Path, text: str | None, said: str) -> None:
    """On stderr, with exit code 2."""
    if text is not None:
        (folder / "buildspec.yaml").write_text(text)
    done = call("--spec", "buildspec.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
