"""A comparison of two programs as versioned JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.binary.names import readable
from orchestrator.parity.aspects import look_at
from orchestrator.parity.cause import causes_of
from orchestrator.parity.extent import extent
from orchestrator.parity.rung import accepts

if TYPE_CHECKING:
    from orchestrator.parity.difference import Comparison, Difference
    from orchestrator.parity.rung import Rung

VERSION = 1
"""Goes up when a field is taken out or changes its meaning."""


def dump_comparison(local: str, image: str, comparison: Comparison, *, accept: Rung) -> str:
    """Return the JSON text; see docs/reference/compare-json.md for its fields."""
    value: dict[str, Any] = {
        "version": VERSION,
        "accepted": accepts(accept, comparison.rung),
        "accept": accept.value,
        "rung": comparison.rung.value,
        "held_by": comparison.held_by,
        "local": {"origin": local, "sha256": comparison.local_sha256, "size": comparison.local_size},
        "image": {"origin": image, "sha256": comparison.image_sha256, "size": comparison.image_size},
        "causes": [
            {
                "cause": suspicion.cause,
                "likelihood": suspicion.likelihood.name.lower(),
                "explanation": suspicion.explanation,
                "repair": suspicion.repair,
                "evidence": [asdict(evidence) for evidence in suspicion.evidence],
            }
            for suspicion in causes_of(comparison)
        ],
        **(_difference(comparison.difference) if comparison.difference is not None else _NOTHING),
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_NOTHING: dict[str, Any] = {"concerns": "nothing", "aspects": [], "excerpts": []}


def _difference(difference: Difference) -> dict[str, Any]:
    excerpts = difference.content.instructions.excerpts if difference.content else ()
    return {
        "concerns": extent(difference),
        "aspects": [asdict(aspect) for aspect in look_at(difference)],
        "excerpts": [
            {
                "function": readable(excerpt.name),
                "source": list(excerpt.source),
                "rows": [list(row) for row in excerpt.rows],
                "more": excerpt.more,
            }
            for excerpt in excerpts
        ],
    }
