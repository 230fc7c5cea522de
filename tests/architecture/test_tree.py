"""The tree keeps its promises: names, sizes, and one door each to the outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "orchestrator").rglob("*.py"))
NAMES_WITHOUT_A_NOUN = ("manager", "helper", "utils", "common", "core", "misc")
LONGEST_FUNCTION = 60


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_tells_its_rule(module: Path) -> None:
    """A module begins with a docstring, has found its noun, and has no function that does not fit on a screen."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    assert not any(name in module.stem for name in NAMES_WITHOUT_A_NOUN)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


def test_no_broad_except() -> None:
    """A bug looks like a bug: nobody swallows every exception."""
    for module in [*MODULES, ROOT / "tasks.py"]:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                name = node.type.id if isinstance(node.type, ast.Name) else ""
                bare = node.type is None or name in {"Exception", "BaseException"}
                raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
                assert not bare or raises, f"{module}:{node.lineno}"


LATE = (
    *("docker", "lief", "capstone", "asyncio", "unittest.mock"),
    *("orchestrator.binary.elf", "orchestrator.binary.loading.read", "orchestrator.parity.cause"),
    *("orchestrator.parity.compare", "orchestrator.smoke.image", "orchestrator.smoke.local"),
    *("orchestrator.build.normalise", "orchestrator.build.made_again", "orchestrator.build.clean_container"),
    *("orchestrator.engine.containers", "orchestrator.engine.files"),
)


def test_a_run_without_anything_to_do_loads_only_what_it_needs() -> None:
    """Loading code is most of what such a run does, so what only a difference, or a first run, needs comes later."""
    program = "import sys, runpy; runpy.run_path('start.py'); import orchestrator.flow.verify; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "orchestrator.flow.verify" in done.stdout.split()
    assert not set(LATE) & set(done.stdout.split())


def test_no_folder_of_tests_is_passed_over(request: pytest.FixtureRequest) -> None:
    """Pytest does not look into folders with certain names, and says nothing of it."""
    passed_over = request.config.getini("norecursedirs")
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "tests").rglob("test_*.py")}
    assert not [
        folder for folder in folders for name in folder.parts for pattern in passed_over if fnmatch(name, pattern)
    ]
