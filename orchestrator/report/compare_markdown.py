"""A comparison of two programs as Markdown, for a merge request or a CI server's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.names import readable
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import Likelihood, causes_of
from orchestrator.parity.extent import extent
from orchestrator.parity.rung import accepts
from orchestrator.report.markdown_text import code, fenced, plain, prose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.parity.aspects import Aspect
    from orchestrator.parity.cause import Suspicion
    from orchestrator.parity.difference import Comparison, Difference
    from orchestrator.parity.rung import Rung

_DIGEST = 12
_EXCERPTS_KEPT, _FACTS_KEPT = 3, 20


def render_comparison_markdown(local: str, image: str, comparison: Comparison, *, accept: Rung) -> bytes:
    """Return the text, UTF-8.

    Args:
        local: where the local program was.
        image: where the image's program was.
        comparison: what was found.
        accept: the worst rung that passes.
    """
    blocks = [_head(comparison, accept), _programs(local, image, comparison)]
    suspicions = causes_of(comparison)
    if comparison.difference is None:
        blocks += [_causes(suspicions)] if suspicions else []
    else:
        blocks += [
            _reason(comparison, comparison.difference),
            _causes(suspicions),
            _aspects(look_at(comparison.difference)),
            _excerpts(comparison.difference),
        ]
    texts = ("\n".join(block) for block in blocks)
    return ("\n\n".join(text for text in texts if text) + "\n").encode(errors="backslashreplace")


def _head(comparison: Comparison, accept: Rung) -> Iterator[str]:
    word = "✅ accepted" if accepts(accept, comparison.rung) else "❌ refused"
    yield f"### {word}: {code(comparison.rung.value)} (accepted: {code(accept.value)})"


def _programs(local: str, image: str, comparison: Comparison) -> Iterator[str]:
    yield "| program | bytes | sha256 | where it was |"
    yield "| --- | ---: | --- | --- |"
    for side, origin, sha256, size in (
        ("local", local, comparison.local_sha256, comparison.local_size),
        ("image", image, comparison.image_sha256, comparison.image_size),
    ):
        yield f"| {side} | {size:,} | {code(sha256[:_DIGEST])} | {code(origin)} |"


def _reason(comparison: Comparison, difference: Difference) -> Iterator[str]:
    yield f"- **Held by:** {prose(comparison.held_by)}"
    yield f"- **Concerns:** {prose(extent(difference))}"


def _causes(suspicions: Sequence[Suspicion]) -> Iterator[str]:
    for number, suspicion in enumerate(suspicions):
        label = "Cause" if number == 0 else "Also" if suspicion.likelihood >= Likelihood.LIKELY else "Maybe"
        likelihood = f" ({suspicion.likelihood.name.lower()})" if suspicion.cause != "unknown" else ""
        yield f"- **{label}:** {code(suspicion.cause)}{likelihood}: {prose(suspicion.explanation)}"
        for evidence in suspicion.evidence[:_FACTS_KEPT]:
            yield f"  - {plain(evidence.label)}: {prose(evidence.value)}"
    yield f"- **Repair:** {prose(suspicions[0].repair)}"


def _aspects(aspects: Sequence[Aspect]) -> Iterator[str]:
    yield "| | aspect | what was found |"
    yield "| --- | --- | --- |"
    for aspect in aspects:
        sign = {True: "=", False: "≠", None: "?"}[aspect.equal]
        yield f"| {sign} | {plain(aspect.name)} | {prose(aspect.summary)} |"


def _excerpts(difference: Difference) -> Iterator[str]:
    excerpts = difference.content.instructions.excerpts if difference.content else ()
    for excerpt in excerpts[:_EXCERPTS_KEPT]:
        yield f"<details><summary>{code(readable(excerpt.name))}</summary>"
        rows = (*((excerpt.source,) if any(excerpt.source) else ()), *excerpt.rows)
        width = max((len(row.local) for row in rows), default=0)
        yield from fenced([f"{row.local:{width}} | {row.image}" for row in rows])
        yield "</details>"
    if len(excerpts) > _EXCERPTS_KEPT:
        yield f"\n{len(excerpts) - _EXCERPTS_KEPT} more functions are in the HTML page."
