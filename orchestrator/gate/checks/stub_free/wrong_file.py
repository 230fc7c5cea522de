"""Is it another program, or the same one built in another way?"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.dockerfile.subcommands import TESTING
from orchestrator.gate.checks.stub_free.history import is_after, name_of, profile_folder_of
from orchestrator.gate.checks.stub_free.sources import differing, shown, sources_differ
from orchestrator.gate.checks.stub_free.statement import build_command, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.toolchains.cargo.witness import WitnessedCall
    from orchestrator.verdict import CheckResult, Evidence


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


def was_the_right_one_made_elsewhere(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a placeholder that ships although a later call made the program: at another path, or out of COPY's sight."""
    writer = history.writer
    if writer is None or history.path is None or not sources_differ(writer.call, facts):
        return None
    for placed in reversed(facts.calls):
        path = _right_one(placed, facts)
        if path is None or not is_after(placed, writer, facts):
            continue
        if path == history.path and placed.call.stage in facts.builder_stages:
            return _hidden(facts, writer, placed, path)
        where = f"in the stage of line {placed.line}" if path == history.path else f"at {path}"
        return _wrong(
            facts,
            f"{placed.where} made it {where}, and COPY takes what {writer.where} had made of other sources at "
            f"{history.path}",
        )
    return _idle_stage(facts, writer)


def _idle_stage(facts: ShippedFacts, writer: PlacedCall) -> CheckResult | None:
    """Name a Dockerfile that builds the real sources in a stage that nothing is copied from, so none builds it."""
    if not facts.idle_lines or facts.calls[-1] is not writer:
        return None
    return _wrong(
        facts,
        f"COPY takes what {writer.where} made of other sources; the stage of line {facts.idle_lines[-1]} builds after "
        "it, and the image takes nothing from that stage",
        evidence=tuple(shown(differing(writer.call, facts), writer.call, facts)),
    )


def _right_one(placed: PlacedCall, facts: ShippedFacts) -> str | None:
    """Return where a call left the wanted program, None where it did not make it of these sources."""
    call = placed.call
    if call.exit_code or sources_differ(call, facts) or _is_test(call):
        return None
    return next(
        (
            path
            for path in sorted(call.made, key=len)
            if posixpath.basename(path) == facts.binary
            and "/examples/" not in path
            and profile_folder_of(path, call.target) in {None, facts.profile_folder}
        ),
        None,
    )


def _hidden(facts: ShippedFacts, writer: PlacedCall, placed: PlacedCall, path: str) -> CheckResult | None:
    mount = next((each for each in facts.mounts.get(placed.line or 0, ()) if path.startswith(f"{each}/")), None)
    if mount is None:
        return None
    return refused(
        facts,
        cause="hidden-by-mount",
        message=f"{placed.where} made the program below the cache mount {mount}, where no COPY sees it; what ships is "
        f"what {writer.where} had left below the mount, made of other sources (suspect: cached stub)",
        line=placed.line,
        repair=f"copy it out of the mount in the same step: `&& cp {path} /usr/local/bin/`, and let COPY take that",
        evidence=tuple(shown(differing(writer.call, facts), writer.call, facts)),
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
    if _is_test(call):
        return True
    path = name_of(call.made, digest) if digest in call.made.values() else history.path or ""
    folder = profile_folder_of(path, call.target)
    return (
        posixpath.basename(path) != facts.binary
        or "/examples/" in path
        or (folder is not None and folder != facts.profile_folder)
    )


def _is_test(call: WitnessedCall) -> bool:
    words = [word for word in call.arguments if not word.startswith(("-", "+"))]
    return bool(words) and words[0] in TESTING


def _wrong(facts: ShippedFacts, why: str, evidence: Sequence[Evidence] = ()) -> CheckResult:
    return refused(
        facts,
        cause="wrong-file-copied",
        message=f"{facts.image_path} is not the program `{facts.binary}` (suspect: wrong file copied): {why}",
        line=facts.copies[0] if facts.copies else None,
        repair=f"let COPY take the file that `{build_command(facts)}` makes: check stage, path, profile and name",
        evidence=evidence,
    )
