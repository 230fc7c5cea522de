"""Only one side checks arithmetic for overflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import readable
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.binary.content.layout import Body
    from orchestrator.parity.difference import Difference

_PANIC = "panic_const_"
_OVERFLOW = "_overflow"


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when functions that differ call the panics of overflowing arithmetic on one side only.

    That such a panic is there says nothing: a linker that keeps unused code keeps these as well.
    """
    content = difference.content
    if content is None or not content.named:
        return None
    here, there = (_panics(side) for side in (content.bodies.only_local, content.bodies.only_image))
    if bool(here) == bool(there):
        return None
    called = content.instructions.called[0 if here else 1]
    if not any(_PANIC in name and name.rstrip("]").endswith(_OVERFLOW) for name in called):
        return None
    side, names = ("local", here) if here else ("image's", there)
    return Suspicion(
        cause="overflow-checks",
        likelihood=Likelihood.LIKELY,
        explanation=f"only the {side} program checks arithmetic for overflow",
        repair="build both sides with the same cargo profile (`overflow-checks`, `debug-assertions`)",
        evidence=(Evidence(label=f"only in the {side} program", value=listed(names)),),
        explains=frozenset({"codegen-settings", "codegen-units", "other-sources", "features"}),
    )


def _panics(bodies: Iterable[Body]) -> tuple[str, ...]:
    return tuple(sorted(readable(b.name) for b in bodies if _PANIC in b.name and _OVERFLOW in b.name))
