"""`invoke compare` and `invoke inspect` as whole processes, on the sample backend built with two cargo homes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, best, timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
_TIMES = 5
_DIFFERING, _INSPECT, _IDENTICAL, _HUGE, _UNLIKE = 1.0, 0.8, 3.0, 30.0, 2.0
_PAIR = "TWINBUILD_BENCH_PAIR"
"""Names two programs, separated by a colon, to be compared instead of a pair that is built first."""


def measure() -> Iterator[Figure]:
    """Yield the figures; two minutes on two cores, half of it for building the pair."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        folder = Path(place)
        local, image = _pair(folder)
        size = f"{local.stat().st_size / 1e6:.0f} MB"
        yield _figure(
            f"compare, {size}, paths differ", ["compare", str(local), str(image)], folder, promised=_DIFFERING
        )
        copy = folder / "copy"
        shutil.copy(local, copy)
        peer = best(lambda: _timed(["sha256sum", str(local), str(copy)], folder)[0], times=_TIMES)
        yield _figure(
            f"compare, {size}, identical", ["compare", str(local), str(copy)], folder, promised=_IDENTICAL, peer=peer
        )
        unlike = _unlike(local)
        sizes = " and ".join(f"{path.stat().st_size / 1e6:.0f} MB" for path in unlike)
        yield _figure(f"compare, {sizes}, unlike", ["compare", *map(str, unlike)], folder, promised=_UNLIKE)
        yield _figure(f"inspect, {size}", ["inspect", str(local)], folder, promised=_INSPECT)
        large = [folder / "large-1", folder / "large-2"]
        for path, program in zip(large, (local, image), strict=True):
            shutil.copy(program, path)
            os.truncate(path, 1 << 30)
        yield _figure("compare, 1 GB", ["compare", *map(str, large)], folder, promised=_HUGE, times=1)


def _figure(
    name: str,
    arguments: Sequence[str],
    folder: Path,
    *,
    promised: float,
    peer: float | None = None,
    times: int = _TIMES,
) -> Figure:
    command = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *arguments]
    runs = [_timed(command, folder) for _ in range(times)]
    peak = min(memory for _, memory in runs)
    return Figure(
        name=f"{name} (at most {peak} MB of memory)",
        ours=min(seconds for seconds, _ in runs),
        peer=peer,
        peer_name="sha256sum of both",
        promised=promised,
    )


def _timed(command: Sequence[str], folder: Path) -> tuple[float, int]:
    """Run a command; return its wall time in seconds and its peak memory in MB. A difference is no failure."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - began
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode not in {0, 1} or said:
        raise SystemExit(f"`{' '.join(command)}` failed with {process.returncode}:\n{said[-2000:]}")
    return took, usage.ru_maxrss // 1024


def _pair(folder: Path) -> tuple[Path, Path]:
    """Return the sample backend, built twice with its crates in folders of different length."""
    given = os.environ.get(_PAIR)
    if given:
        local, _, image = given.partition(":")
        return Path(local), Path(image)
    made = []
    for name in ("home", "cargo-home-with-a-longer-name"):
        shutil.copytree(ROOT / "backend", folder / name / "backend", ignore=shutil.ignore_patterns("target"))
        variables = {**os.environ, "CARGO_HOME": str(folder / name / "cargo")}
        command = ["cargo", "build", "--release", "--locked", "--bin", "backend"]
        timed(command, cwd=folder / name / "backend", environment=variables)
        made.append(folder / name / "backend/target/release/backend")
    return made[0], made[1]


def _unlike(program: Path) -> tuple[Path, Path]:
    """Return two large programs that have little in common: cargo itself, of two toolchains where there are two."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    first = Path(sysroot) / "bin/cargo"
    digest = hashlib.sha256(first.read_bytes()).digest()
    beside = sorted(Path(sysroot).parent.glob("*/bin/cargo"))
    others = (path for path in beside if hashlib.sha256(path.read_bytes()).digest() != digest)
    return first, next(others, program)
