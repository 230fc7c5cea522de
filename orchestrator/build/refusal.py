"""Why the local build has no program, in the words that help."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.engine.absent import missing
from orchestrator.errors import LocalBuildFailedError, NoSpaceError, NoVerdictError
from orchestrator.location import Location
from orchestrator.toolchains.cargo.failure import (
    absent_tool,
    bus_error,
    disk_full,
    failed_script,
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

_GIT = re.compile(r"""["']git["']|\.git\b|\b(?:vergen|vergen_git2|vergen_gix|shadow_rs|git2|gix|git_version)\b""")
"""A call of git, its folder, or a crate that reads it (crates.io: vergen, shadow-rs, git2, gix, git-version)."""


def refusal(said: str, report: CargoReport, plan: LocalPlan, ground: Ground) -> NoVerdictError:
    """Return the error for a call of cargo that failed.

    Args:
        said: what cargo printed for people.
        report: what it said in typed messages.
        plan: what was to be built.
        ground: where.
    """
    typed = "\n".join(error.rendered for error in report.errors)
    known = _of_the_machine(f"{typed}\n{said}", ground, said) or _of_the_lock(plan, said) or _of_git(plan, said)
    if known is not None:
        return known
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


def _of_the_machine(everything: str, ground: Ground, said: str) -> NoVerdictError | None:
    """Return the error for a tool or room that this machine lacks."""
    tool = absent_tool(everything)
    if tool is not None:
        return missing(tool)
    if disk_full(everything) or (bus_error(everything) and _is_full(ground)):
        return NoSpaceError(
            f"no space left while cargo wrote below {ground.target}",
            repair="free space, or run `invoke clean` to remove what this tool keeps",
            detail=last_words(said),
        )
    return None


def _of_the_lock(plan: LocalPlan, said: str) -> NoVerdictError | None:
    if lock_unreadable(said):
        return LocalBuildFailedError(
            "cargo cannot read Cargo.lock: it is damaged, or a newer cargo wrote it",
            location=Location(file=plan.project.lock),
            repair="use a toolchain that knows its version, or have this one write it anew: remove it, and run "
            "`cargo generate-lockfile`",
            detail=last_words(said),
        )
    return outdated(plan.project, said) if lock_outdated(said) else None


def _of_git(plan: LocalPlan, said: str) -> NoVerdictError | None:
    """Return the error for a build script that looks for a repository: there is none in a snapshot."""
    script = failed_script(said)
    if script is None or not _asks_git(script, plan):
        return None
    return LocalBuildFailedError(
        f"the build script of {script} failed, and it looks for git: the snapshot has no .git, and neither has a "
        "build context that leaves it out",
        repair="give both builds what it asks for as a variable, and let it read that first: "
        "`inputs: {GIT_HASH: ${source.commit}}` in buildspec.yaml",
        detail=last_words(said),
    )


def _asks_git(package: str, plan: LocalPlan) -> bool:
    """Return whether a member's build script asks git, itself or by a crate that does."""
    for member in plan.project.members:
        for kind, path in member.roots if member.name == package else ():
            if kind == "custom-build":
                with suppress(OSError):
                    text = (plan.tree / path).read_text(encoding="utf-8", errors="replace")
                    return _GIT.search(text) is not None
    return False


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
