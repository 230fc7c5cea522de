"""A comparison of two programs on one screen: rung, what holds it back, where to look, and at its end the answer.

The last lines are those that a person sees first: verdict, causes, repair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import crate_of, readable
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import Likelihood, causes_of
from orchestrator.parity.extent import extent
from orchestrator.parity.rung import Rung, accepts
from orchestrator.report.untrusted import visible
from orchestrator.report.width import cut, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.parity.aspects import Aspect
    from orchestrator.parity.cause import Suspicion
    from orchestrator.parity.difference import Comparison, Difference
    from orchestrator.report.style import Style

_DIGEST = 12
_LABEL = 10
_CAUSES = 4
_DETAILS = 3
_ROWS = 6


def render_comparison(local: str, image: str, comparison: Comparison, style: Style, *, accept: Rung) -> str:
    """Return the screen.

    Args:
        local: where the local program was.
        image: where the image's program was.
        comparison: what was found.
        style: of the terminal.
        accept: the worst rung that passes.
    """
    accepted = accepts(accept, comparison.rung)
    word = style.paint("ACCEPTED", "green") if accepted else style.paint("REFUSED", "red")
    blocks = [
        [
            _program("local", local, comparison.local_sha256, comparison.local_size, style),
            _program("image", image, comparison.image_sha256, comparison.image_size, style),
        ],
        list(_rung(comparison, style, accept)),
    ]
    suspicions = causes_of(comparison)
    if comparison.difference is not None:
        blocks += [
            list(_aspects(comparison.difference, style)),
            # Two programs with nothing in common have no function that is worth a look.
            [] if comparison.rung is Rung.FOREIGN else list(_excerpt(comparison.difference, style)),
        ]
    repair = _labelled("repair", suspicions[0].repair, style) if suspicions else ()
    blocks.append([word, *_causes(suspicions, style), *repair])
    return style.shown("\n\n".join("\n".join(block) for block in blocks if block)) + "\n"


def _program(side: str, origin: str, sha256: str, size: int, style: Style) -> str:
    return cut(
        f"  {side:{_LABEL}}{size:>13,} bytes  {sha256[:_DIGEST]}  {visible(origin)}", style.width, style.sign("…")
    )


def _rung(comparison: Comparison, style: Style, accept: Rung) -> Iterator[str]:
    yield from _labelled("rung", f"{comparison.rung.value} (accepted: {accept.value})", style)
    if comparison.difference is not None:
        yield from _labelled("held by", comparison.held_by, style)
        yield from _labelled("concerns", extent(comparison.difference), style)


def _aspects(difference: Difference, style: Style) -> Iterator[str]:
    aspects = look_at(difference)
    equal = [aspect.name for aspect in aspects if aspect.equal]
    for aspect in aspects:
        if aspect.equal is False:
            yield from _aspect(aspect, style)
    if equal:
        yield from _labelled("equal", ", ".join(equal), style)


def _aspect(aspect: Aspect, style: Style) -> Iterator[str]:
    mark = style.sign("…")
    yield cut(f"  {style.sign('≠')} {aspect.name:16}{visible(aspect.summary)}", style.width, mark)
    for detail in aspect.details[:_DETAILS] if aspect.name != "sections" else ():
        line = f"    {'':16}{visible(detail.label)}: {visible(detail.value)}"
        yield style.paint(cut(line, style.width, mark), "dim")


def _causes(suspicions: tuple[Suspicion, ...], style: Style) -> Iterator[str]:
    for number, suspicion in enumerate(suspicions[:_CAUSES]):
        likelihood = suspicion.likelihood.name.lower()
        label = "cause" if number == 0 else "also" if suspicion.likelihood >= Likelihood.LIKELY else "maybe"
        head = f"{suspicion.cause} ({likelihood}): " if suspicion.cause != "unknown" else ""
        yield from _labelled(label, f"{head}{suspicion.explanation}", style)
        for evidence in suspicion.evidence[:_DETAILS] if number == 0 else ():
            line = f"  {'':{_LABEL}}{visible(evidence.label)}: {visible(evidence.value)}"
            yield style.paint(cut(line, style.width, style.sign("…")), "dim")


def _excerpt(difference: Difference, style: Style) -> Iterator[str]:
    """Show in two columns where a function begins to differ; one of the project's own where there is one."""
    excerpts = difference.content.instructions.excerpts if difference.content else ()
    if not excerpts:
        return
    own = {code.crate for code in difference.own} | set(difference.local_entries)
    first, mark = next((e for e in excerpts if crate_of(e.name) in own), excerpts[0]), style.sign("…")
    yield cut(f"  {visible(readable(first.name))}", style.width, mark)
    room = (style.width - 7) // 2
    if any(first.source):
        # A path says most at its end.
        left, right = (text if len(text) <= room else f"{mark}{text[len(mark) - room :]}" for text in first.source)
        yield style.paint(f"    {visible(left):{room}} {style.sign('│')} {visible(right)}".rstrip(), "dim")
    for row in first.rows[:_ROWS]:
        left, right = (cut(visible(text), room, mark) for text in row)
        yield style.paint(f"    {left:{room}} {style.sign('│')} {right}".rstrip(), "dim")


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    for number, line in enumerate(wrap(visible(text), style.width - _LABEL - 2)):
        yield f"  {label if number == 0 else '':{_LABEL}}{line}"
