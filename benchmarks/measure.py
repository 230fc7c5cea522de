"""Measuring: a command's wall time, and the table that the measurements make."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement against its peer.

    Attributes:
        name: what was measured.
        ours: seconds.
        peer: seconds of the raw commands in the same run; None where the promise is a time, not a ratio.
        peer_name: what the raw commands are.
        promised: the ratio (or the seconds, without a peer) that is promised.
    """

    name: str
    ours: float
    peer: float | None
    peer_name: str
    promised: float

    @property
    def ratio(self) -> float:
        """Return ours over the peer's, or the seconds where there is no peer."""
        return self.ours if self.peer is None else self.ours / self.peer

    @property
    def kept(self) -> bool:
        """Return whether the promise is kept."""
        return self.ratio <= self.promised


def timed(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> float:
    """Run a command and return its wall time in seconds.

    Raises:
        SystemExit: it failed; what it said is shown.
    """
    began = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(
            f"`{' '.join(command)}` failed with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return took


def best(measure: Callable[[], float], *, times: int) -> float:
    """Return the shortest of several measurements: noise on a shared machine only ever adds."""
    return min(measure() for _ in range(times))


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| measured | ours | peer | ratio | promised | kept |", "|---|---:|---:|---:|---:|---|"]
    for figure in figures:
        peer = "" if figure.peer is None else f"{figure.peer:.2f} s ({figure.peer_name})"
        ratio = "" if figure.peer is None else f"{figure.ratio:.2f}"
        promised = f"{figure.promised:g}" + (" s" if figure.peer is None else "")
        kept = "yes" if figure.kept else "**no**"
        rows.append(f"| {figure.name} | {figure.ours:.2f} s | {peer} | {ratio} | {promised} | {kept} |")
    return "\n".join(rows) + "\n"
