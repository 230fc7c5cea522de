"""The corpus' table: what each case did, in the terminal's summary and in a file of the session's temporary folder."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.engine.docker import Engine

ROWS = pytest.StashKey[list["Row"]]()


@dataclass(slots=True, kw_only=True)
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


@pytest.fixture(scope="session")
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Row]]:
    """Return the table of this session; it is also written to `table.md` in a folder of the session's folder."""
    table: list[Row] = request.config.stash.setdefault(ROWS, [])
    yield table
    (tmp_path_factory.mktemp("corpus") / "table.md").write_text("\n".join(lines(table)) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def pins(engine: Engine, bases: Mapping[str, str]) -> Mapping[str, str]:
    """Return the tag of each base by the reference that Dockerfiles name."""
    found = {}
    for reference, image_id in bases.items():
        image = engine.image(image_id)
        assert image is not None
        found[reference] = image.tags[0]
    return found


def lines(table: list[Row]) -> list[str]:
    """Return the table as Markdown."""
    heads = [each.name for each in fields(Row)]
    body = [[str(value) for value in astuple(row)] for row in table]
    widths = [max(len(line[place]) for line in [heads, *body]) for place in range(len(heads))]
    ruled = [heads, ["-" * width for width in widths], *body]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in ruled
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    table = config.stash.get(ROWS, [])
    if table:
        terminalreporter.section("corpus")
        for line in lines(table):
            terminalreporter.write_line(line)
