"""What the two builds of a run come down to: a line each. Pure functions of the record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.report.figures import size
from orchestrator.report.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.record import ReachedFacts, RunRecord, StepFacts

NO_NETWORK = (
    "no lock holds what it fetched; crates are there without a network, packages belong into `bases`, and "
    "`network: {steps: none}` refuses a step that needs one"
)
"""What to do about a step that reached for the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One build. `seconds`: from its first step's start to its last one's end."""

    seconds: float
    title: str
    steps: tuple[StepFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """The two builds; None for one that did not begin."""

    local: Lane | None
    image: Lane | None


def lanes_of(record: RunRecord) -> Lanes:
    """Return the two builds of a run."""
    local = steps_of(record, "local")
    image = steps_of(record, "image")
    return Lanes(
        local=Lane(seconds=extent(local), title=_local_title(record, local), steps=local) if local else None,
        image=Lane(seconds=extent(image), title=_image_title(record, image), steps=image) if image else None,
    )


def steps_of(record: RunRecord, lane: str) -> tuple[StepFacts, ...]:
    """Return a lane's steps in the order in which they began; those of older records in that of their ends."""
    return tuple(sorted((step for step in record.steps if step.lane == lane), key=lambda step: step.started or 0.0))


def extent(steps: Sequence[StepFacts]) -> float:
    """Return the seconds from the first start to the last end; their sum where a record does not know the starts."""
    known = [(step.started, step.started + (step.seconds or 0.0)) for step in steps if step.started is not None]
    if len(known) < len(steps):
        return sum(step.seconds or 0.0 for step in steps)
    return max((end for _, end in known), default=0.0) - min((start for start, _ in known), default=0.0)


def _local_title(record: RunRecord, steps: Sequence[StepFacts]) -> str:
    command = one_line(steps[-1].name)
    if record.local is None:
        return command
    compiled, fresh = len(record.local.compiled), len(record.local.fresh)
    return f"{compiled} of {compiled + fresh} crates compiled by {command}"


def _image_title(record: RunRecord, steps: Sequence[StepFacts]) -> str:
    asked = [step for step in steps if not step.own]
    ended = Counter(step.state for step in asked)
    handed = any(call.handed and not call.handed.startswith("no: ") for call in record.calls)
    parts = [
        f"{len(asked)} steps",
        f"{ended['cached']} cached",
        *([f"{ended['failed']} failed"] if ended["failed"] else []),
        *([f"{ended['cut-off']} cut off"] if ended["cut-off"] else []),
        *(["dependencies from the host"] if handed else []),
    ]
    return ", ".join(parts)


def sent(step: ReachedFacts) -> str:
    """Return what passed: `2 connections, 1 datagram, 21.5 kB sent, 15.8 MB received`."""
    counts = ((step.connections, "connection"), (step.datagrams, "datagram"))
    bytes_ = ((step.sent, "sent"), (step.received, "received"))
    return ", ".join(
        (
            *(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count),
            *(f"{size(count)} {name}" for count, name in bytes_ if count is not None),
        )
    )
