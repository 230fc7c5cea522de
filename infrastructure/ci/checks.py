"""What `invoke test` runs, in the order in which failures are cheapest: the same here and in CI."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invoke.exceptions import Exit, UnexpectedExit

if TYPE_CHECKING:
    from pathlib import Path

    from invoke.context import Context


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
    parts = " ".join(f"{shim}/lib/{name}" for name in ("words", "sources", "freshness", "programs", "witness", "oddly"))
    scripts = f"invoke infrastructure/docker/entrypoint.sh {shim}/on {shim}/exec {shim}/cargo {parts} {ask}"
    cargo = f"--manifest-path backend/Cargo.toml --workspace --locked --target-dir {root}/.twinbuild/test-target"
    return (
        Check(name="lint", command=f"{python} ruff check .", fast=True),
        Check(name="format", command=f"{python} ruff format --check .", fast=True),
        Check(name="types", command=f"{python} mypy", fast=True),
        Check(name="layers", command=f"{programs}/lint-imports", fast=True),
        Check(name="shell", command=f"{programs}/shellcheck -s sh {scripts}", fast=True),
        Check(name="Dockerfile rules", command=f"{programs}/invoke lint", fast=True),
        Check(name="unit tests", command=f"{python} pytest -q tests/unit tests/architecture", fast=True),
        Check(name="sample build", command=f"{programs}/invoke build"),
        Check(name="integration tests", command=f"{python} pytest -q --require-engine tests/integration"),
        Check(name="backend's lint", command=f"cargo clippy -q --all-targets {cargo} -- -D warnings"),
        Check(name="backend's tests", command=f"cargo test -q {cargo}"),
    )


def run_all(context: Context, root: Path, *, fast: bool) -> None:
    """Run the checks and stop at the first that fails.

    Raises:
        Exit: a check failed; its exit code is the run's.
    """
    began = time.monotonic()
    chosen = [check for check in _checks(root) if check.fast or not fast]
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
