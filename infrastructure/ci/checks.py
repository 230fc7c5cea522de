"""What `invoke test` runs, in the order in which failures are cheapest: the same here and in CI."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invoke.exceptions import Exit, UnexpectedExit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from invoke.context import Context

_ENGINES = ("26.1", "28.5", "28.5-containerd")
"""Of `tests/engines/release.py`; this machine's own engine has all tests in `run_all`."""

_ON_EACH_ENGINE = (
    "tests/integration/engine",
    "tests/integration/shim",
    "tests/integration/loading",
    "tests/integration/smoke/test_hostile.py",
    "tests/integration/runs/test_unhappy.py",
)
_PROCESSES = 2
"""Most tests wait for the engine, a container or a second compiler for half of their time, also on two cores."""

_CORPUS = "tests/integration/corpus/test_corpus.py"
_CASE = "test_no_wrong_program_ships"
_CASES_ON_EACH_ENGINE = ("a1-old-mtime", "c1-target-cache-mount", "d2-wrong-stage", "sound-touch-all")
"""One of each kind: time stamps, mounts, the wrong file, and a sound one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One command. `fast`: it needs no engine and no toolchain."""

    name: str
    command: str
    fast: bool = False


def _checks(root: Path) -> tuple[Check, ...]:
    python = f"{sys.executable} -m"
    programs = os.path.dirname(sys.executable)  # noqa: PTH120 - a string for a command line
    shim = "orchestrator/toolchains/cargo/shim"
    ask = "orchestrator/inventory/ask.sh orchestrator/bases/certificates_on.sh"
    parts = " ".join(f"{shim}/lib/{part.name}" for part in sorted((root / shim / "lib").iterdir()) if not part.suffix)
    scripts = f"invoke infrastructure/docker/entrypoint.sh {shim}/on {shim}/exec {shim}/cargo {parts} {ask}"
    tests = f"{python} pytest -q --require-engine tests/integration"
    cargo = f"--manifest-path backend/Cargo.toml --workspace --locked --target-dir {root}/.twinbuild/test-target"
    return (
        Check(name="lint", command=f"{python} ruff check .", fast=True),
        Check(name="format", command=f"{python} ruff format --check .", fast=True),
        Check(name="types", command=f"{python} mypy", fast=True),
        Check(name="layers", command=f"{programs}/lint-imports", fast=True),
        Check(name="shell", command=f"{programs}/shellcheck -s sh {scripts}", fast=True),
        Check(name="Dockerfile rules", command=f"{programs}/invoke lint", fast=True),
        Check(
            name="unit tests",
            command=f"{python} pytest -q tests/unit tests/architecture --numprocesses {_PROCESSES}",
            fast=True,
        ),
        Check(name="sample build", command=f"{programs}/invoke build"),
        Check(
            name="integration tests",
            command=f"{tests} -m 'not alone' --numprocesses {_PROCESSES} --durations=15",
        ),
        Check(name="integration tests that run alone", command=f"{tests} -m alone"),
        Check(name="backend's lint", command=f"cargo clippy -q --all-targets {cargo} -- -D warnings"),
        Check(name="backend's tests", command=f"cargo test -q {cargo}"),
    )


def _engine_checks() -> tuple[Check, ...]:
    python = f"{sys.executable} -m"
    pytest = f"{python} pytest -q --require-engine"
    chosen = " ".join((*_ON_EACH_ENGINE, *(f"'{_CORPUS}::{_CASE}[{case}]'" for case in _CASES_ON_EACH_ENGINE)))
    return (
        Check(name="one program and one image ID", command=f"{pytest} tests/engines"),
        # What cargo and the engine do without this tool changes with them alone: not asked with every change of ours.
        Check(name="plain builds", command=f"{pytest} {_CORPUS} --plain-claims --numprocesses {_PROCESSES}"),
        *(
            Check(
                name=f"engine {engine}",
                command=f"{python} tests.engines run {engine} -- {pytest} {chosen} --plain-claims",
            )
            for engine in _ENGINES
        ),
    )


def run_engines(context: Context, root: Path) -> None:
    """Run what depends on the engine on other engines than this machine's; each is started for its tests alone.

    Raises:
        Exit: a check failed, or this user may not start an engine.
    """
    if os.geteuid() != 0:
        raise Exit("starting an engine needs root: mounts, a network bridge, and a process namespace", code=2)
    _run(context, root, _engine_checks())


def run_all(context: Context, root: Path, *, fast: bool) -> None:
    """Run the checks and stop at the first that fails.

    Raises:
        Exit: a check failed; its exit code is the run's.
    """
    _run(context, root, [check for check in _checks(root) if check.fast or not fast])


def _run(context: Context, root: Path, chosen: Sequence[Check]) -> None:
    began = time.monotonic()
    for number, check in enumerate(chosen, start=1):
        sys.stdout.write(f"== {number}/{len(chosen)} {check.name}: {check.command}\n")
        sys.stdout.flush()
        start = time.monotonic()
        with context.cd(str(root)):
            try:
                context.run(check.command, in_stream=False)
            except UnexpectedExit as failed:
                sys.stdout.write(f"== {check.name} failed with exit code {failed.result.exited}\n")
                raise Exit(code=failed.result.exited) from None
        sys.stdout.write(f"== {check.name}: ok, {time.monotonic() - start:.1f} s\n")
    sys.stdout.write(f"== all {len(chosen)} checks passed in {time.monotonic() - began:.0f} s\n")
