"""The wrapper `./invoke` against the program that it starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parents[1]
_PROMISED = 0.05


def measure() -> Iterator[Figure]:
    """Yield what a second call of the wrapper costs over `.venv/bin/invoke`; the task asks for every tool."""
    program = Path(sys.executable).with_name("invoke")
    words = ["build", "--help"]
    plain = best(lambda: timed([str(program), *words], cwd=_ROOT, environment=os.environ), times=15)
    wrapped = best(lambda: timed(["./invoke", *words], cwd=_ROOT, environment=os.environ), times=15)
    yield Figure(
        name="./invoke over .venv/bin/invoke", ours=wrapped - plain, peer=None, peer_name="", promised=_PROMISED
    )
