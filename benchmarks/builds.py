"""A run of `invoke build` against the two raw builds: cold, after a one-line change, and with nothing to do."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best
from benchmarks.sample import Sample
from orchestrator.engine.docker import Engine
from orchestrator.flow.clean import clean
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_COLD, _INDEPENDENT, _ONE_LINE = 0.6, 1.0, 0.9
"""Promised ratios."""
_NO_OP = 0.8
"""Promised seconds."""
_COLD_TIMES, _CHANGES = 2, 3
_PEER = "cargo build + image build"


def measure() -> Iterator[Figure]:
    """Yield the figures; about a quarter of an hour on two cores.

    The peer of a build is plain `cargo build` and then the plain image build, one after the other, both with bases and
    crates at hand, as ours has them. The peer keeps its own target directory and cargo home.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place, Engine.connect(os.environ) as engine:
        folder = Path(place)
        peers = Workspace.open(folder / "peer")
        sample = Sample(folder / "checkout")
        # Bases, crates and the snapshot's digests are there before anything is measured, on both sides.
        sample.raw_image(engine, peers)
        bench = _Bench(engine=engine, sample=sample, peers=peers, folder=folder)
        try:
            cold = [bench.pair(f"cold-{number}", sample.forget) for number in range(_COLD_TIMES)]
            yield _shortest("cold", cold, promised=_COLD)
            last = f"cold-{_COLD_TIMES - 1}"
            # The first one builds what the checkout's present Dockerfile asks for at all, at the peer's.
            lines = [bench.pair(last, sample.change_a_line) for _ in range(_CHANGES + 1)][1:]
            yield _shortest("one-line change", lines, promised=_ONE_LINE)
            again = partial(sample.invoke, bench.workspace(last).root)
            yield Figure(name="nothing to do", ours=best(again, times=5), peer=None, peer_name="", promised=_NO_OP)
            alone = [bench.pair("independent", sample.forget, "--independent")]
            yield _shortest("cold, --independent", alone, promised=_INDEPENDENT)
        finally:
            engine.remove_image(sample.tag)
            for made in folder.glob("ours-*"):
                list(clean(Workspace.open(made), environment=os.environ, bases=False))


def _shortest(name: str, pairs: Sequence[tuple[float, float]], *, promised: float) -> Figure:
    """Return the figure of (ours, the peer's): the shortest of each."""
    ours, peer = (min(each) for each in zip(*pairs, strict=True))
    return Figure(name=name, ours=ours, peer=peer, peer_name=_PEER, promised=promised)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    engine: Engine
    sample: Sample
    peers: Workspace
    folder: Path

    def workspace(self, name: str) -> Workspace:
        """Return our workspace of that name, a new one with all crates fetched."""
        made = Workspace.open(self.folder / f"ours-{name}")
        if not any(made.cargo_home.glob("registry/*")):
            shutil.copytree(self.peers.cargo_home, made.cargo_home, dirs_exist_ok=True)
        return made

    def pair(self, name: str, prepare: Callable[[], None], *words: str) -> tuple[float, float]:
        """Return (ours, the peer's) seconds for one state of the checkout; `name`: of what both keep between builds."""
        ours = self.workspace(name)
        prepare()
        peer = self.sample.raw_cargo(self.folder / f"target-{name}", self.peers.cargo_home)
        peer += self.sample.raw_image(self.engine, self.peers)
        # The engine has that state's layers now, so ours gets a state of its own.
        prepare()
        return self.sample.invoke(ours.root, *words), peer
