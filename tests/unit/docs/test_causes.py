"""Each cause that this tool can name has a whole page that `invoke explain` finds."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import NoVerdictError, every_error
from orchestrator.parity.cause import CAUSES
from orchestrator.report.catalogue import cause_page

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs/reference/causes"
NAMING = ("orchestrator/gate", "orchestrator/repro")
KEYWORDS = frozenset({"cause", "refused"})


def _words(node: ast.AST) -> Iterator[str]:
    """Yield the texts of an expression that may be a choice; a text with a capital is no cause."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and node.value.islower():
            yield node.value
        return
    for part in (node.body, node.orelse) if isinstance(node, ast.IfExp) else ast.iter_child_nodes(node):
        yield from _words(part)


def _assigned(targets: list[ast.expr], values: list[ast.expr]) -> Iterator[str]:
    for target in targets:
        if isinstance(target, ast.Tuple):
            for name, value in zip(target.elts, values, strict=True):
                if isinstance(name, ast.Name) and name.id == "cause":
                    yield from _words(value)


def _causes(tree: ast.AST) -> Iterator[str]:
    """Yield what is passed as `cause=` or `refused=`, assigned to `cause`, or returned first by a `_kind`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
            yield from _words(node.value)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            yield from _assigned(node.targets, node.value.elts)
        elif isinstance(node, ast.FunctionDef) and node.name == "_kind":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Tuple):
                    yield from _words(inner.value.elts[0])


MODULES = [path for folder in NAMING for path in (ROOT / folder).rglob("*.py")]
SPELT = {cause for path in MODULES for cause in _causes(ast.parse(path.read_text(encoding="utf-8")))}
GIVEN = sorted(SPELT | set(CAUSES))


def test_the_source_is_read_as_it_is_written() -> None:
    """One cause of each way of giving it: a keyword, a choice, an assignment, a return; of each package."""
    assert {"binary-missing", "never-compiled", "swallowed-failure", "other-manifest", "dependency-version"} <= SPELT
    assert len(SPELT) > 50


@pytest.mark.parametrize("cause", GIVEN)
def test_every_cause_has_a_whole_page(cause: str) -> None:
    """The title is the id; signature, example, repair and source say something."""
    page = cause_page(PAGES, cause)
    assert page.startswith(f"# {cause}\n\n")
    for heading in ("Signature", "Example", "Repair", "Source"):
        assert page.partition(f"## {heading}\n\n")[2].split("##", maxsplit=1)[0].strip()


@pytest.mark.parametrize("error", every_error())
def test_every_failure_has_a_page_with_its_exit_code(error: type[NoVerdictError]) -> None:
    """Signature, example, repair and source; the code is the class's."""
    page = cause_page(PAGES, error.cause)
    assert page.startswith(f"# {error.cause}\n\n")
    assert f"## Signature\n\nExit code {error.exit_code}." in page
    for heading in ("Example", "Repair", "Source"):
        assert page.partition(f"## {heading}\n\n")[2].split("##", maxsplit=1)[0].strip()
