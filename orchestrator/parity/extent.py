"""How much of the program is concerned: in functions and in bytes of their code, never in differing bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference


def extent(difference: Difference) -> str:
    """Return it as a clause."""
    content = difference.content
    if difference.mapped_equal:
        return "nothing that is loaded"
    if content is None:
        return _by_symbols(difference)
    bodies = content.bodies
    total = sum(function.size for function in difference.local.functions or ())
    touched = [*(pair.local for pair in bodies.changed), *bodies.only_local]
    size = sum(body.end - body.start for body in touched)
    count = bodies.same + len(bodies.other_data) + len(bodies.changed) + len(bodies.only_local)
    parts = []
    if touched or bodies.only_image:
        share = f" ({100 * size / total:.1f} % of the code)" if total else ""
        more = f", and {len(bodies.only_image):,} more in the image" if bodies.only_image else ""
        parts.append(f"{len(touched):,} of {count:,} functions{share}{more}")
    constants = max(len(content.constants.only_local), len(content.constants.only_image))
    if constants:
        parts.append(f"{constants:,} constants")
    if not parts:
        return f"no function of {count:,} and no constant" + (" but for source folders" if content.folders else "")
    return "; ".join(parts)


def _by_symbols(difference: Difference) -> str:
    functions = difference.functions
    if functions is None:
        return "not known: functions could not be told apart"
    gone = len(functions.only_local)
    return (
        f"{functions.common:,} of {functions.local:,} functions are in both by name, {gone:,} names only local, "
        f"{len(functions.only_image):,} only in the image"
    )
