"""`invoke compare` and `invoke inspect` as whole processes, on the sample backend built with two cargo homes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best, timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
_TIMES = 5
_DIFFERING, _DEBUG, _INSPECT, _IDENTICAL, _HUGE, _UNLIKE = 1.0, 2.0, 0.8, 3.0, 30.0, 2.0
_PAIR, _DEBUG_PAIR = "TWINBUILD_BENCH_PAIR", "TWINBUILD_BENCH_DEBUG_PAIR"
"""Name two programs, separated by a colon, to be compared instead of a pair that is built first."""
_PEERS = {"diffoscope": ["--no-progress", "--text", os.devnull], "bloaty": ["-d", "symbols", "-n", "0"]}
"""Measured once each where they are installed; bloaty tells sizes only, of both files together."""


def measure() -> Iterator[Figure]:
    """Yield the figures; five minutes on two cores, most of it for building the pairs and for slower peers."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        folder = Path(place)
        pair = _pair(folder, "target", _PAIR)
        yield from _of_pair(folder, pair)
        debug = _pair(folder, "target-debug", _DEBUG_PAIR, CARGO_PROFILE_RELEASE_DEBUG="2")
        name = f"compare, {_size(debug[0])} with debug information, paths differ"
        yield _figure(name, ["compare", *map(str, debug)], folder, promised=_DEBUG)
        unlike = _unlike(pair[0])
        sizes = " and ".join(map(_size, unlike))
        yield _figure(f"compare, {sizes}, unlike", ["compare", *map(str, unlike)], folder, promised=_UNLIKE)
        for program in (pair[0], debug[0]):
            yield _figure(f"inspect, {_size(program)}", ["inspect", str(program)], folder, promised=_INSPECT)
        large = [folder / "large-1", folder / "large-2"]
        for path, program in zip(large, pair, strict=True):
            shutil.copy(program, path)
            os.truncate(path, 1 << 30)
        yield _figure("compare, 1 GB", ["compare", *map(str, large)], folder, promised=_HUGE, times=1)


def _of_pair(folder: Path, pair: tuple[Path, Path]) -> Iterator[Figure]:
    local, image = pair
    ours = _figure(
        f"compare, {_size(local)}, paths differ", ["compare", str(local), str(image)], folder, promised=_DIFFERING
    )
    yield ours
    for name, command in _PEERS.items():
        if shutil.which(name) is not None:
            took, memory = _timed([name, *command, str(local), str(image)], folder, quiet=False)
            yield replace(ours, peer=took, peer_name=f"{name}, {memory} MB", promised=1.0)
    copy = folder / "copy"
    shutil.copy(local, copy)
    peer = best(lambda: _timed(["sha256sum", str(local), str(copy)], folder)[0], times=_TIMES)
    yield _figure(
        f"compare, {_size(local)}, identical",
        ["compare", str(local), str(copy)],
        folder,
        promised=_IDENTICAL,
        peer=peer,
    )


def _size(program: Path) -> str:
    return f"{program.stat().st_size / 1e6:.0f} MB"


def _figure(
    name: str,
    arguments: Sequence[str],
    folder: Path,
    *,
    promised: float,
    peer: float | None = None,
    times: int = _TIMES,
) -> Figure:
    command = [sys.executable, "-P", str(ROOT / "start.py"), "--write-pyc", "--search-root", str(ROOT), *arguments]
    runs = [_timed(command, folder) for _ in range(times)]
    peak = min(memory for _, memory in runs)
    return Figure(
        name=f"{name} (at most {peak} MB of memory)",
        ours=min(seconds for seconds, _ in runs),
        peer=peer,
        peer_name="sha256sum of both",
        promised=promised,
    )


def _timed(command: Sequence[str], folder: Path, *, quiet: bool = True) -> tuple[float, int]:
    """Run a command; return its wall time in seconds and its peak memory in MB. A difference is no failure.

    With `quiet`, a word on standard error is one.
    """
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - began
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode not in {0, 1} or (quiet and said):
        raise SystemExit(f"`{' '.join(command)}` failed with {process.returncode}:\n{said[-2000:]}")
    return took, usage.ru_maxrss // 1024


def _pair(folder: Path, target: str, given: str, **variables: str) -> tuple[Path, Path]:
    """Return the sample backend, built twice with its crates in folders of different length.

    Args:
        folder: where it is built.
        target: name of the target directory.
        given: variable that may name a pair that was built before.
        variables: for cargo.
    """
    before = os.environ.get(given)
    if before:
        local, _, image = before.partition(":")
        return Path(local), Path(image)
    made = []
    for name in ("home", "cargo-home-with-a-longer-name"):
        sources = folder / name / "backend"
        if not sources.exists():
            shutil.copytree(ROOT / "backend", sources, ignore=shutil.ignore_patterns("target"))
        environment = {**os.environ, **variables, "CARGO_HOME": str(folder / name / "cargo")}
        command = ["cargo", "build", "--release", "--locked", "--bin", "backend", "--target-dir", target]
        timed(command, cwd=sources, environment=environment)
        made.append(sources / target / "release/backend")
    return made[0], made[1]


def _unlike(program: Path) -> tuple[Path, Path]:
    """Return two large programs that have little in common: cargo itself, of two toolchains where there are two."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    first = Path(sysroot) / "bin/cargo"
    digest = hashlib.sha256(first.read_bytes()).digest()
    beside = sorted(Path(sysroot).parent.glob("*/bin/cargo"))
    others = (path for path in beside if hashlib.sha256(path.read_bytes()).digest() != digest)
    return first, next(others, program)
