"""The corpus' table in the terminal's summary: what each case did, whichever process of the tests it ran in."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import SLIM
from tests.integration.corpus.runtime import runtime_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from tests.integration.corpus.case import Case

_PROPERTY = "corpus"


@dataclass(slots=True, order=True)
class Row:
    """A line of the table, filled while the case runs."""

    case: str
    taxonomy: str
    raw: str = "-"
    enforce: str = "-"
    observe: str = "-"
    cause: str = "-"
    line: str = "-"
    seconds: str = "-"


@pytest.fixture
def row(case: Case, request: pytest.FixtureRequest) -> Iterator[Row]:
    """Return the case's line of the table; it goes to the summary with the test's report."""
    made = Row(case=case.name, taxonomy=" ".join(case.taxonomy))
    yield made
    request.node.user_properties.append((_PROPERTY, astuple(made)))


@pytest.fixture(scope="session")
def pins(
    engine: Engine, bases: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """Return the tag of each base by the reference that Dockerfiles name; for Debian's, that of a smaller image."""
    found = {}
    for reference, image_id in bases.items():
        image = engine.image(image_id)
        assert image is not None
        found[reference] = image.tags[0]
    runtime = runtime_image(engine, found[SLIM], tmp_path_factory.mktemp("runtime"))
    yield {**found, SLIM: runtime}
    image = engine.image(runtime)
    # The runs have pinned it by a tag of theirs.
    for tag in image.tags if image is not None else ():
        engine.remove_image(tag)


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where one case leaves what it has found out of this machine, for the others; nothing is there yet."""
    return tmp_path_factory.mktemp("known") / "of-this-machine"


def lines(table: list[Row]) -> list[str]:
    """Return the table as Markdown."""
    heads = [each.name for each in fields(Row)]
    body = [[str(value) for value in astuple(row)] for row in table]
    widths = [max(len(line[place]) for line in [heads, *body]) for place in range(len(heads))]
    ruled = [heads, ["-" * width for width in widths], *body]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in ruled
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    told = [value for each in reports for name, value in getattr(each, "user_properties", ()) if name == _PROPERTY]
    if told:
        terminalreporter.section("corpus")
        for line in lines(sorted(Row(*values) for values in told)):
            terminalreporter.write_line(line)
