"""A run of `invoke build` against the two raw builds: cold, after a one-line change, and with nothing to do."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best
from benchmarks.sample import Sample
from orchestrator.engine.docker import Engine
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLD, _ONE_LINE, _NO_OP = 1.0, 1.05, 1.5
_CHANGES = 3


def measure() -> Iterator[Figure]:
    """Yield the figures; about ten minutes on two cores.

    The peer of a build is plain `cargo build` and then the plain image build, one after the other, both with bases and
    crates at hand, as ours has them. The peer keeps its own target directory and cargo home.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place, Engine.connect(os.environ) as engine:
        folder = Path(place)
        ours, peers = Workspace.open(folder / "ours"), Workspace.open(folder / "peer")
        sample = Sample(folder / "checkout")
        # Bases, crates and the snapshot's digests are there before anything is measured, on both sides.
        sample.raw_image(engine, peers)
        shutil.copytree(peers.cargo_home, ours.cargo_home)
        target = folder / "target"

        def raw() -> float:
            return sample.raw_cargo(target, peers.cargo_home) + sample.raw_image(engine, peers)

        def mine() -> float:
            return sample.invoke(ours.root)

        for name, promised, times in (("cold", _COLD, 1), ("one-line change", _ONE_LINE, _CHANGES)):
            pairs = [_pair(sample, name, mine, raw) for _ in range(times)]
            yield Figure(
                name=name,
                ours=min(pair[0] for pair in pairs),
                peer=min(pair[1] for pair in pairs),
                peer_name="cargo build + image build",
                promised=promised,
            )
        yield Figure(name="nothing to do", ours=best(mine, times=5), peer=None, peer_name="", promised=_NO_OP)
        engine.remove_image(sample.tag)


def _pair(sample: Sample, name: str, mine: Callable[[], float], raw: Callable[[], float]) -> tuple[float, float]:
    """Return (ours, the peer's) seconds for one state of the checkout."""
    prepare = sample.forget if name == "cold" else sample.change_a_line
    prepare()
    peer = raw()
    # The engine has that state's layers now, so ours gets a state of its own.
    prepare()
    return mine(), peer
