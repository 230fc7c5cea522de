"""The image build with the guard against the same build without it: what content freshness and the witness cost."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure
from benchmarks.sample import Sample
from orchestrator.dockerfile.settings import Guard
from orchestrator.engine.docker import Engine
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROMISED = 1.02
_ROUNDS = {"cold": 2, "one-line change": 5}


def measure() -> Iterator[Figure]:
    """Yield the figures; about six minutes on two cores.

    Both builds are of the same checkout and share nothing in the engine's cache: the guard's files are part of the key
    of every RUN step. So both begin a round in the same state, and each goes first in every other round. The tool's own
    work around the build (snapshot, evidence, normalising) is not in it: `builds` measures that.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place, Engine.connect(os.environ) as engine:
        workspace = Workspace.open(Path(place) / "workspace")
        sample = Sample(Path(place) / "checkout")
        for guard in (Guard.OFF, Guard.ENFORCE):
            # Bases, crates and the snapshot's digests are there before anything is measured.
            sample.raw_image(engine, workspace, guard=guard)
        for name, rounds in _ROUNDS.items():
            prepare = sample.forget if name == "cold" else sample.change_a_line
            taken: dict[Guard, list[float]] = {Guard.OFF: [], Guard.ENFORCE: []}
            for number in range(rounds):
                prepare()
                for guard in sorted(taken, reverse=bool(number % 2)):
                    taken[guard].append(sample.raw_image(engine, workspace, guard=guard))
            yield Figure(
                name=f"image build with the guard, {name}",
                ours=min(taken[Guard.ENFORCE]),
                peer=min(taken[Guard.OFF]),
                peer_name="the same without it",
                promised=_PROMISED,
            )
