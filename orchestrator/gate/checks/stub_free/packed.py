"""What an answer about an unpacked program means for the packed file that ships."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.statement import program, refused
from orchestrator.verdict import Status

if TYPE_CHECKING:
    from orchestrator.gate.checks.stub_free.facts import Packed, ShippedFacts
    from orchestrator.verdict import CheckResult


def of_the_packed(answer: CheckResult, facts: ShippedFacts, packed: Packed) -> CheckResult:
    """Return the answer for the packed file: proof only where packing again gives the very bytes that ship."""
    evidence = (program("packed", packed.file), *answer.evidence)
    by = f"packed by `{packed.tool}` at line {packed.line}"
    if answer.status is not Status.PASSED:
        return replace(answer, message=f"{answer.message}; {by}", evidence=evidence)
    if packed.command is not None:
        message = f"{answer.message}; {by}: `{packed.command}` makes the very bytes that ship of it"
        return replace(answer, message=message, evidence=evidence)
    return refused(
        facts,
        cause="changed-after-build",
        status=Status.UNKNOWN,
        message=f"the image's program was {by}, and unpacks to one that is proved, but packing "
        " that again gives another file: whether its loader is that of the packer is not known",
        line=packed.line,
        repair="write the packer's options out where it is called (`upx --best …`), or ship the program as it is",
        evidence=(program("packed", packed.file),),
    )
