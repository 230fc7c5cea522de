"""The time of the build is baked into the programs.

As a text it changes data alone; as a number it is part of an instruction.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.parity.evidence.texts import differing_texts, texts_alone
from orchestrator.parity.suspicion import Likelihood, Suspicion, listed
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from orchestrator.parity.difference import Difference

_DATE = re.compile(
    r"(19|20)\d\d-[01]\d-[0-3]\d([T ][0-2]\d:[0-5]\d(:[0-5]\d)?)?|[0-2]\d:[0-5]\d:[0-5]\d|(19|20)\d{12}Z?"
)
_SECONDS = re.compile(r"\b1\d{9}(\d{3}|\d{6}|\d{9})?\b")
_EARLIEST, _LATEST = 1_262_304_000, 2_147_483_647  # 2010 to the end of 32-bit time


def weigh(difference: Difference) -> Suspicion | None:
    """Likely when all code is equal and what differs reads as a date or as seconds since 1970.

    It does on both sides, or on one while the other has nothing in its place.
    """
    texts = [pair for pair in differing_texts(difference) if all(map(_may_be_time, pair[:2])) and any(pair[:2])]
    numbers = () if texts else _numbers(difference)
    if not texts and not numbers:
        return None
    shown = [f"{pair.local or 'nothing'} (local) {pair.image or 'nothing'} (image)" for pair in texts] or [
        f"{a} (local) {b} (image)" for a, b in numbers
    ]
    return Suspicion(
        cause="timestamp",
        likelihood=Likelihood.LIKELY if not texts or texts_alone(difference) else Likelihood.POSSIBLE,
        explanation=f"the time of the build is part of the program: {listed(shown, most=2)}",
        repair="set SOURCE_DATE_EPOCH under `inputs` and declare it (`ARG SOURCE_DATE_EPOCH`) before the Dockerfile's "
        "first call of cargo: gcc and clang heed it for __DATE__ and __TIME__, and many build scripts do; otherwise "
        "take the time out, or pass it in as one input of both sides",
        evidence=(Evidence(label="times", value=listed(shown)),),
        explains=frozenset({"own-data", "other-sources"}) if texts else frozenset({"other-sources"}),
    )


def _may_be_time(text: str) -> bool:
    return not text or _DATE.search(text) is not None or _SECONDS.search(text) is not None


def _numbers(difference: Difference) -> tuple[tuple[int, int], ...]:
    """Return numbers in instructions that differ and are both times; all that differs must be such."""
    content = difference.content
    immediates = content.instructions.immediates if content is not None else ()
    if not immediates:
        return ()
    return immediates if all(_EARLIEST < n < _LATEST for pair in immediates for n in pair) else ()
