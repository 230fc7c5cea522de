"""Why the local build has no program, in the words that help."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.engine.absent import missing
from orchestrator.errors import LocalBuildFailedError, NoSpaceError, NoVerdictError
from orchestrator.location import Location
from orchestrator.toolchains.cargo.failure import (
    absent_tool,
    bus_error,
    disk_full,
    last_words,
    lock_outdated,
    lock_unreadable,
)
from orchestrator.toolchains.cargo.lock import outdated

if TYPE_CHECKING:
    from orchestrator.build.ground import Ground, LocalPlan
    from orchestrator.toolchains.cargo.messages import CargoReport, Diagnostic

_HARDLY_ROOM = 64_000_000
"""Bytes; what was half written is removed before anybody looks."""


def refusal(said: str, report: CargoReport, plan: LocalPlan, ground: Ground) -> NoVerdictError:
    """Return the error for a call of cargo that failed.

    Args:
        said: what cargo printed for people.
        report: what it said in typed messages.
        plan: what was to be built.
        ground: where.
    """
    typed = "\n".join(error.rendered for error in report.errors)
    tool = absent_tool(f"{typed}\n{said}")
    if tool is not None:
        return missing(tool)
    if disk_full(f"{typed}\n{said}") or (bus_error(f"{typed}\n{said}") and _is_full(ground)):
        return NoSpaceError(
            f"no space left while cargo wrote below {ground.target}",
            repair="free space, or run `invoke clean` to remove what this tool keeps",
            detail=last_words(said),
        )
    if lock_unreadable(said):
        return LocalBuildFailedError(
            "cargo cannot read Cargo.lock: it is damaged, or a newer cargo wrote it",
            location=Location(file=plan.project.lock),
            repair="use a toolchain that knows its version, or have this one write it anew: remove it, and run "
            "`cargo generate-lockfile`",
            detail=last_words(said),
        )
    if lock_outdated(said):
        return outdated(plan.project, said)
    if not report.errors:
        return LocalBuildFailedError(
            "cargo could not build the program on the host", repair="mend what cargo says", detail=last_words(said)
        )
    places = (place for error in report.errors for place in _places(error, plan, ground))
    return LocalBuildFailedError(
        "the program does not compile on the host",
        location=next(places, None),
        repair="mend what the compiler says",
        detail=tuple(line for error in report.errors for line in error.rendered.splitlines()),
    )


def _is_full(ground: Ground) -> bool:
    return shutil.disk_usage(ground.target if ground.target.exists() else ground.worktree).free < _HARDLY_ROOM


def _places(error: Diagnostic, plan: LocalPlan, ground: Ground) -> list[Location]:
    """Return where an error points to in the user's files; one in a macro of a crate counts where it is used."""
    root = ground.worktree / plan.project.root
    manifest = ground.place.outside(error.manifest)
    base = root if manifest.is_relative_to(root) else manifest.parent
    found = []
    for name, line, column in error.spans:
        file = ground.place.outside(name) if name.startswith("/") else base / name
        if file.is_relative_to(ground.worktree):
            found.append(Location(file=str(file.relative_to(ground.worktree)), line=line, column=column))
    return found
