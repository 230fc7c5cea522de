"""Constants and initial values, compared as a bag: the order that a linker chose means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.parity.aspects.aspect import Aspect
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def look(difference: Difference) -> Aspect:
    """Say which sections hold other constants."""
    content = difference.content
    if difference.mapped_equal:
        return Aspect(name="data", equal=True, summary="equal, byte for byte")
    if content is None:
        equal = difference.local.data_sha256 == difference.image.data_sha256 if difference.sound else None
        return Aspect(
            name="data", equal=equal, summary="not looked into" if equal is None else "equal" if equal else "differ"
        )
    constants = content.constants
    summary = (
        "equal" if constants.equal else f"other constants in {', '.join(constants.sections) or 'the unwinding tables'}"
    )
    if content.folders:
        summary += ", source folders taken out"
    return Aspect(
        name="data",
        equal=constants.equal,
        summary=summary,
        details=tuple(Evidence(label="section", value=name) for name in constants.sections),
    )
