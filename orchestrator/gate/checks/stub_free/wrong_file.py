"""Is it another program, or the same one built in another way?"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.history import name_of, profile_folder_of
from orchestrator.gate.checks.stub_free.statement import build_command, refused

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult

_TESTING = frozenset({"test", "t", "bench", "nextest"})


def is_it_another_program(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name another program of the same build, an example, or the output of another profile or target."""
    if history.writer is None or history.path is None:
        return None
    name, writer = posixpath.basename(history.path), history.writer
    if "/examples/" in history.path:
        what = f"`{name}`, an example"
    elif name != facts.binary:
        package = facts.programs.get(name)
        what = f"`{name}`, another program" + (f" of the package `{package}`" if package else "")
    else:
        return _other_profile(facts, writer, history.path)
    return _wrong(facts, f"it is {what} that {writer.where} made")


def _other_profile(facts: ShippedFacts, writer: PlacedCall, path: str) -> CheckResult | None:
    folder = profile_folder_of(path, writer.call.target)
    if folder is None or folder == facts.profile_folder:
        return None
    return refused(
        facts,
        cause="wrong-profile",
        message=f"{facts.image_path} is `{facts.binary}` of the profile folder `{folder}`, made by {writer.where}; the "
        f"spec ships `{facts.profile_folder}` (suspect: wrong file copied)",
        line=facts.copies[0] if facts.copies else writer.line,
        repair=f"let COPY take the file below `{facts.profile_folder}`, or correct `toolchain.profile` in the spec",
    )


def is_it_another_build(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program that a test run linked again, after the build and with what tests need."""
    writer = history.writer
    if writer is None or not is_another_build(writer, facts, history):
        return None
    return refused(
        facts,
        cause="relinked-by-tests",
        message=f"the image's program was linked again by {writer.where}: from these sources, and with the features "
        "and profile of a test run, which are not those of the program (suspect: wrong file copied)",
        line=writer.line,
        repair="run tests in a stage of their own, or with a target directory of their own "
        "(`cargo test --target-dir target/test`)",
    )


def is_another_build(placed: PlacedCall, facts: ShippedFacts, history: History) -> bool:
    """Return whether a call was no build of this program: a test run, another program, another profile."""
    call = placed.call
    digest = facts.shipped.sha256 if facts.shipped else ""
    words = [word for word in call.arguments if not word.startswith(("-", "+"))]
    if words and words[0] in _TESTING:
        return True
    path = name_of(call.made, digest) if digest in call.made.values() else history.path or ""
    folder = profile_folder_of(path, call.target)
    return (
        posixpath.basename(path) != facts.binary
        or "/examples/" in path
        or (folder is not None and folder != facts.profile_folder)
    )


def wrong_line(facts: ShippedFacts) -> int | None:
    """Return the COPY that brings the file into the image."""
    return facts.copies[0] if facts.copies else None


def _wrong(facts: ShippedFacts, why: str) -> CheckResult:
    return refused(
        facts,
        cause="wrong-file-copied",
        message=f"{facts.image_path} is not the program `{facts.binary}` (suspect: wrong file copied): {why}",
        line=wrong_line(facts),
        repair=f"let COPY take the file that `{build_command(facts)}` makes: check path, profile and name",
    )
