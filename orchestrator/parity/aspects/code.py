"""Functions, matched by their names without hashes, and compared with what they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import crate_of, readable
from orchestrator.parity.aspects.aspect import Aspect
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.binary.content.bodies import BodyPair
    from orchestrator.parity.difference import Difference


_MOST = 20


def look(difference: Difference) -> Aspect:
    """Count functions that do the same, that moved, and that differ; name some of these, own ones first."""
    content = difference.content
    if difference.mapped_equal or (content is None and difference.local.code_sha256 == difference.image.code_sha256):
        return Aspect(name="code", equal=True if difference.sound else None, summary="equal, byte for byte")
    if content is None:
        summary = _by_size(difference) if difference.sound else "not looked into"
        return Aspect(name="code", equal=False if difference.sound else None, summary=summary)
    bodies = content.bodies
    own = {code.crate for code in difference.own} | set(difference.local_entries)
    changed = sorted(bodies.changed, key=lambda pair: (crate_of(pair.local.name) not in own, pair.local.name))
    gone = sorted(bodies.only_local, key=lambda body: crate_of(body.name) not in own)
    total = bodies.same + len(bodies.other_data) + len(bodies.changed) + len(bodies.only_local)
    parts = [f"{bodies.same:,} of {total:,} functions do the same"]
    parts += [f"{len(found):,} {words}" for found, words in (
        (bodies.changed, "with another body"),
        (bodies.other_data, "that use other constants"),
        (bodies.only_local, "only local"),
        (bodies.only_image, "only in the image"),
    ) if found]  # fmt: skip
    if bodies.moved:
        parts.append(f"{bodies.moved:,} lie elsewhere")
    return Aspect(
        name="code",
        equal=bodies.code_equal,
        summary=", ".join(parts),
        details=(
            *(
                Evidence(label="other body", value=f"{readable(pair.local.name)} ({_sizes(pair)})")
                for pair in changed[:_MOST]
            ),
            *(Evidence(label="only local", value=readable(body.name)) for body in gone[:_MOST]),
            *(Evidence(label="only in the image", value=readable(body.name)) for body in bodies.only_image[:_MOST]),
        ),
    )


def _by_size(difference: Difference) -> str:
    functions = difference.functions
    if functions is None:
        return "differs; functions could not be compared one by one"
    return f"differs; {len(functions.resized):,} functions of another size, by the symbol tables alone"


def _sizes(pair: BodyPair) -> str:
    here, there = (body.end - body.start for body in pair)
    return f"{here} bytes" if here == there else f"{here} and {there} bytes"
