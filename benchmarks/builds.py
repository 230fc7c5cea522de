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
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLD = {"cold": ((), 0.6), "cold, --independent": (("--independent",), 1.0)}
"""Words of the command, and the promised ratio."""

_ONE_LINE, _NO_OP = 0.9, 0.8
_CHANGES = 3
_PEER = "cargo build + image build"


def measure() -> Iterator[Figure]:
    """Yield the figures; about ten minutes on two cores.

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
        for name, (words, promised) in _COLD.items():
            ours, peer = bench.pair("-".join(("cold", *words)), sample.forget, *words)
            yield Figure(name=name, ours=ours, peer=peer, peer_name=_PEER, promised=promised)
        pairs = [bench.pair("cold", sample.change_a_line) for _ in range(_CHANGES)]
        yield Figure(
            name="one-line change",
            ours=min(pair[0] for pair in pairs),
            peer=min(pair[1] for pair in pairs),
            peer_name=_PEER,
            promised=_ONE_LINE,
        )
        again = partial(sample.invoke, bench.workspace("cold").root)
        yield Figure(name="nothing to do", ours=best(again, times=5), peer=None, peer_name="", promised=_NO_OP)
        engine.remove_image(sample.tag)


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
