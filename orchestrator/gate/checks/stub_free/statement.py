"""How an answer of this check is put: cause, sentence, line, repair, and the programs as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.location import Location
from orchestrator.verdict import CheckResult, Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.build.artifact import Artifact
    from orchestrator.gate.checks.stub_free.facts import ShippedFacts

ID = "stub-free"
SHORT = 12
"""How many characters of a digest are shown."""

TOUCH = "find . -path ./target -prune -o -name '*.rs' -exec touch {} +"


def passed(facts: ShippedFacts, message: str, *evidence: Evidence) -> CheckResult:
    """Return the answer that the program is proved."""
    shipped = () if facts.shipped is None else (program("shipped", facts.shipped),)
    return CheckResult(id=ID, status=Status.PASSED, message=message, evidence=(*shipped, *evidence))


def refused(
    facts: ShippedFacts,
    *,
    cause: str,
    message: str,
    line: int | None,
    repair: str,
    evidence: Sequence[Evidence] = (),
    status: Status = Status.FAILED,
) -> CheckResult:
    """Return the answer that it is something else, or (`status`) that it is not known."""
    base = None if line is None else facts.inherited.get(line)
    return CheckResult(
        id=ID,
        status=status,
        cause=cause,
        message=message,
        location=Location(file=facts.dockerfile, line=line),
        repair=f"{repair}{'' if base is None else _in_the_base(base)}",
        evidence=(*programs(facts), *evidence),
    )


def _in_the_base(image: str) -> str:
    return (
        f" (the line's FROM brings the steps in question as ONBUILD triggers of {image}: change them in that base, or "
        "write them into the Dockerfile behind a FROM without them)"
    )


def programs(facts: ShippedFacts) -> Iterator[Evidence]:
    """Yield the three programs, the one of the builder stage where it is another than the shipped one."""
    yield program("shipped", facts.shipped)
    if facts.builder is not None and (facts.shipped is None or facts.builder.sha256 != facts.shipped.sha256):
        yield program("builder stage", facts.builder)
    yield program("host", facts.local)


def program(label: str, artifact: Artifact | None) -> Evidence:
    """Return a program as a line of evidence."""
    if artifact is None:
        return Evidence(label=label, value="no such file")
    return Evidence(label=label, value=f"{artifact.size:,} bytes, sha256 {artifact.sha256[:SHORT]}, {artifact.origin}")


def build_command(facts: ShippedFacts) -> str:
    """Return the call of cargo that makes the program, as a person would write it in a RUN step."""
    profile = {"release": " --release", "debug": ""}.get(facts.profile_folder, f" --profile {facts.profile_folder}")
    return f"cargo build{profile} --package {facts.package} --bin {facts.binary}"


def line_to_mend(facts: ShippedFacts) -> int | None:
    """Return the builder stage's last step that names cargo, else the last COPY on the way into the image."""
    if facts.cargo_lines:
        return facts.cargo_lines[-1]
    return facts.copies[0] if facts.copies else None
