"""Steps that surely called cargo and left no witness: served from the cache, they are built once more, they alone.

A step tells of its calls in files of its stage, which the layer cache keeps. Where such a file is missing although the
step was not executed in this run (whatever took it away), one word without effect is put into that step, so that the
engine builds it and what follows it anew. The word is remembered: later runs find that build in the cache.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.equip import again, unequipped
from orchestrator.dockerfile.evidence_stages import CALLS_CARGO
from orchestrator.toolchains.cargo.witness import read_witness
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.workspace import Workspace

_MEMO = "again"


def silent_steps(plan: ImagePlan, witness: Mapping[str, bytes]) -> tuple[Instruction, ...]:
    """Return the steps behind the builder stage that call cargo by their text and have no witness, but should have."""
    if plan.builder is None or not plan.witnessed:
        return ()
    told = [unequipped(call.step) for call in read_witness(witness) if not call.earlier]
    if "" in told:
        # A call whose step is not known may be anybody's.
        return ()
    return tuple(
        step
        for step in _steps(plan, plan.builder[0])
        if CALLS_CARGO.search(step.script)
        and _anew(plan.hardened, step, "0") != plan.hardened
        and not any(text.endswith(_text(step)) for text in told)
    )


def remembered(plan: ImagePlan, workspace: Workspace) -> ImagePlan:
    """Return the plan with the words that earlier runs put into silent steps."""
    return replace(plan, hardened=_with_words(plan, _words(plan, workspace)))


def built_anew(plan: ImagePlan, steps: Iterable[Instruction], workspace: Workspace) -> ImagePlan | None:
    """Return the plan that has these steps built once more; None where that was done before.

    Args:
        plan: as it came, without any such word.
        steps: silent ones that were not executed in this run.
        workspace: remembers the words.
    """
    words = _words(plan, workspace)
    new = {str(step.line): secrets.token_hex(4) for step in steps if str(step.line) not in words}
    if not new:
        return None
    workspace.remember(_MEMO, memo_key({"hardened": plan.hardened}), {**words, **new})
    return remembered(plan, workspace)


def _words(plan: ImagePlan, workspace: Workspace) -> dict[str, str]:
    known = workspace.recall(_MEMO, memo_key({"hardened": plan.hardened}))
    return {str(line): str(word) for line, word in known.items()} if isinstance(known, dict) else {}


def _with_words(plan: ImagePlan, words: Mapping[str, str]) -> str:
    text = plan.hardened
    for line, word in words.items():
        step = plan.dockerfile.instruction(int(line))
        if step is not None:
            text = _anew(text, step, word)
    return text


def _anew(text: str, step: Instruction, word: str) -> str:
    return again(text, (step.line, step.last_line), word)


def _steps(plan: ImagePlan, index: int) -> Iterator[Instruction]:
    stage = plan.dockerfile.stages[index]
    if stage.base_stage is not None:
        yield from _steps(plan, stage.base_stage)
    yield from (each for each in stage.instructions if each.keyword == "RUN")


def _text(step: Instruction) -> str:
    """Return the step's text as its first process has it among its arguments."""
    return "\n".join(step.values if step.json else step.heredocs or step.values).rstrip("\n")
