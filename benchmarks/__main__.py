"""`invoke bench`: runs the benchmarks and prints their table."""

from __future__ import annotations

import argparse
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import builds, compare, guard, snapshot, starting, wrapper
from benchmarks.measure import table
from orchestrator.version import VERSION

_BENCHMARKS = {
    "wrapper": wrapper,
    "snapshot": snapshot,
    "builds": builds,
    "guard": guard,
    "starting": starting,
    "compare": compare,
}
_PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"


def main() -> None:
    """Measure, print the table, and write it to the documentation where asked to."""
    parser = argparse.ArgumentParser(prog="invoke bench")
    parser.add_argument("--only", choices=[*_BENCHMARKS], help="one benchmark by name")
    parser.add_argument("--write", action="store_true", help=f"write the table to {_PAGE.name}")
    chosen = parser.parse_args()
    figures = []
    for name, benchmark in _BENCHMARKS.items():
        if chosen.only in {None, name}:
            for figure in benchmark.measure():
                figures.append(figure)
                print(table([figure]).splitlines()[-1], flush=True)
    print("\n" + table(figures))
    if chosen.write:
        _PAGE.write_text(_page(table(figures)), encoding="utf-8")


def _page(made: str) -> str:
    when = datetime.now(UTC).date().isoformat()
    return f"""# Benchmarks

Written by `invoke bench --write` on {when}: version {VERSION}, Python {platform.python_version()},
{platform.machine()}. Each figure is the shortest of several measurements; the peer runs in the same session.
Ratios are what counts: seconds say more about the machine. `--only guard` compares the image build with the guard on
and off; both begin each round in the same state of the cache, and the one that goes first alternates.

{made}"""


if __name__ == "__main__":
    main()
