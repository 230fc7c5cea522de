"""No witnessed call wrote it. What is it, then?"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.sources import sources_differ
from orchestrator.gate.checks.stub_free.statement import SHORT, TOUCH, build_command, line_to_mend, refused
from orchestrator.verdict import Evidence, Status

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.gate.checks.stub_free.history import History
    from orchestrator.verdict import CheckResult


def was_it_changed_after_the_build(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program that a packer or an editor of files made into another one, after cargo had written it."""
    if history.writers or history.keepers:
        return None
    written = next((placed for placed in reversed(facts.calls) if _left_it(placed, facts)), None)
    if facts.packed is None and not facts.changes and written is None:
        return None
    line, tool = facts.changes[-1] if facts.changes else (None, None)
    by = f" by {facts.packed}" if facts.packed else f" by `{tool}`" if tool else ""
    since = f" {written.where} had written {facts.builder_path}" if written else " it was built"
    return refused(
        facts,
        cause="changed-after-build",
        message=f"the image's program was changed{by} after{since}, and what is loaded is no longer that of a program "
        "that is proved: what it does now is not known",
        line=line or (written.line if written else None) or line_to_mend(facts),
        repair="ship the program as cargo made it, or only without its symbols (`strip`), which stays provable",
        evidence=()
        if written is None
        else (Evidence(label="witnessed", value=f"sha256 {written.call.made[facts.builder_path][:SHORT]}"),),
    )


def _left_it(placed: PlacedCall, facts: ShippedFacts) -> bool:
    """Return whether a call on these sources wrote the very file that was copied; nobody unseen may have since."""
    made = facts.builder_path in placed.call.made
    return made and not facts.unwitnessed_lines and not sources_differ(placed.call, facts)


def was_it_there_before(facts: ShippedFacts, history: History) -> CheckResult | None:
    """Name a program that lay in the target directory before the first call of cargo that was witnessed."""
    if not history.keepers or history.writers:
        return None
    keeper = history.keepers[0]
    mount = next((each for each in facts.mounts.get(keeper.line or 0, ()) if _covers(each, keeper)), None)
    if mount is not None:
        return refused(
            facts,
            cause="stale-build",
            message=f"the image's program lay below the cache mount {mount} before cargo was called: an earlier build "
            f"made it of its sources, and {keeper.where} found it fresh and kept it (suspect: cached stub)",
            line=keeper.line,
            repair="make the sources newer than what the mount holds, in that step: "
            f"{TOUCH} && cargo build …; or set `stub: {{guard: enforce}}`",
        )
    return refused(
        facts,
        cause="never-compiled",
        message="the image's program lay in the target directory before cargo was called (suspect: not really built): "
        f"{keeper.where} kept it and no witnessed call wrote it",
        line=keeper.line or line_to_mend(facts),
        repair="begin with an empty target directory: none from the build context, a base image or a cache mount",
    )


def _covers(mount: str, keeper: PlacedCall) -> bool:
    return f"{keeper.call.target}/".startswith(f"{mount.rstrip('/')}/")


def is_it_another_file_of_the_stage(facts: ShippedFacts, _history: History) -> CheckResult | None:
    """Name a file that goes by another name than the program, or is not what lies in the stage it came from."""
    name = posixpath.basename(facts.builder_path)
    if name != facts.binary and name in facts.programs:
        why = f"it is `{name}`, another program of the package `{facts.programs[name]}`"
    elif facts.builder is not None and facts.shipped is not None and facts.builder.sha256 != facts.shipped.sha256:
        why = f"it is not the file that lies at {facts.builder_path} in the stage that it is copied from"
    else:
        return None
    return refused(
        facts,
        cause="wrong-file-copied",
        message=f"{facts.image_path} is not the program `{facts.binary}` (suspect: wrong file copied): {why}",
        line=facts.copies[0] if facts.copies else None,
        repair=f"let COPY take the file that `{build_command(facts)}` makes: check path, profile and name",
    )


def was_it_compiled_at_all(facts: ShippedFacts, _history: History) -> CheckResult:
    """Say that no witnessed call wrote it, as exactly as the rest of the facts allow."""
    if facts.triggers is not None:
        return _by_triggers(facts, *facts.triggers)
    if facts.unwitnessed_lines:
        return _by_its_path(facts)
    blind = next((placed for placed in reversed(facts.calls) if placed.call.unwitnessed), None)
    if blind is not None:
        return _blind(facts, blind)
    if facts.calls:
        return _never_compiled(facts)
    if facts.shipped is not None and facts.shipped.size * 2 < facts.local.size:
        return _by_size_and_log(facts, f"{facts.shipped.size / facts.local.size:.0%} of the host's size")
    return refused(
        facts,
        cause="unwitnessed",
        status=Status.UNKNOWN,
        message="no call of cargo was witnessed in the image build, and the image's program is not the host's: "
        "what it was compiled from is not known",
        line=line_to_mend(facts),
        repair="set `stub: {guard: enforce}`; call cargo by its name, not by an absolute path",
    )


def _by_triggers(facts: ShippedFacts, line: int, image: str) -> CheckResult:
    return refused(
        facts,
        cause="unwitnessed",
        status=Status.UNKNOWN,
        message=f"the base {image} has instructions of its own carried out when a stage begins (ONBUILD), which "
        "nothing witnesses, and the image's program is not the host's: what it was compiled from is not known",
        line=line,
        repair=f"write what `docker inspect {image}` shows as OnBuild into the Dockerfile, behind a FROM without it",
    )


def _by_its_path(facts: ShippedFacts) -> CheckResult:
    line = facts.unwitnessed_lines[-1]
    return refused(
        facts,
        cause="unwitnessed-cargo",
        status=Status.UNKNOWN,
        message=f"line {line} calls cargo by its path, where nothing witnesses it, and the image's program is not the "
        "host's: what it was compiled from is not known",
        line=line,
        repair="call cargo by its name (`cargo build …`)",
    )


def _blind(facts: ShippedFacts, blind: PlacedCall) -> CheckResult:
    return refused(
        facts,
        cause="unwitnessed",
        status=Status.UNKNOWN,
        message=f"{blind.where} could not be witnessed ({blind.call.unwitnessed}), and the image's program is not the "
        "host's: what it was compiled from is not known",
        line=blind.line or line_to_mend(facts),
        repair="give the builder stage what the witness needs (coreutils or busybox), or install it in that stage",
    )


def _never_compiled(facts: ShippedFacts) -> CheckResult:
    witnessed = ", ".join(f"{placed.where} (exit {placed.call.exit_code})" for placed in facts.calls)
    return refused(
        facts,
        cause="never-compiled",
        message="no call of cargo wrote the image's program from these sources (suspect: not really built); "
        f"witnessed: {witnessed}",
        line=line_to_mend(facts),
        repair=f"build it in the stage it is copied from: `{build_command(facts)}`, and let a failure end the step",
    )


def _by_size_and_log(facts: ShippedFacts, share: str) -> CheckResult:
    """Judge without a witness (guard off): by size, and by what cargo said."""
    last = facts.cargo_lines[-1] if facts.cargo_lines else None
    if last is None:
        return refused(
            facts,
            cause="never-compiled",
            message="no step of the stage that the program comes from calls cargo (suspect: not really built); "
            f"the file has {share}",
            line=facts.copies[0] if facts.copies else None,
            repair=f"copy from the stage that runs `{build_command(facts)}`",
        )
    linking = [line for line in facts.cargo_lines if line in facts.linking_lines]
    if last not in linking and len(linking) <= 1:
        return refused(
            facts,
            cause="never-compiled",
            message=f"the last step that calls cargo links nothing (suspect: not really built); the file has {share}",
            line=last,
            repair=f"let it build: `{build_command(facts)}`",
        )
    # A step that only tests or checks stands behind the one that should have built it.
    last = linking[-1]
    said = facts.logs.get(last, "")
    compiled = re.search(rf"Compiling {re.escape(facts.package)} v", said)
    if said and "Finished" in said and not compiled:
        finished = next(line.strip() for line in said.splitlines() if "Finished" in line)
        return refused(
            facts,
            cause="cached-stub",
            message=f"the last cargo step compiled nothing of `{facts.package}` and shipped what an earlier step had "
            f"made (suspect: cached stub); the file has {share}",
            line=last,
            repair=f"{TOUCH} && cargo build …; or set `stub: {{guard: enforce}}`",
            evidence=[Evidence(label="cargo said", value=finished)],
        )
    stub = len(facts.cargo_lines) > 1
    return refused(
        facts,
        cause="cached-stub" if stub else "never-compiled",
        message=f"the image's program has {share} and was not compiled by a witnessed call "
        f"(suspect: {'cached stub' if stub else 'not really built'})",
        line=last,
        repair=(
            f"make the sources newer than the artifacts in that step: {TOUCH} && cargo build …; or " if stub else ""
        )
        + "set `stub: {guard: enforce}`, which witnesses every call of cargo and names the step",
    )
