"""Where some bytes came from, as far as the records of a project's runs tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.record.facts import CallFacts, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One run that met these bytes.

    Attributes:
        run: its id.
        commit: of the source; None without one.
        places: where they lay, for people (`builder:/app/target/release/x`, `image backend:dev`), each once.
        wrote, kept: the calls of cargo that wrote them, or found and left them.
    """

    run: str
    commit: str | None
    places: tuple[str, ...]
    wrote: tuple[CallFacts, ...]
    kept: tuple[CallFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A program and the runs that met its bytes, newest first. `name`: where it was, for people."""

    name: str
    sha256: str
    size: int | None
    sightings: tuple[Sighting, ...]


def sightings(sha256: str, records: Iterable[RunRecord]) -> Iterator[Sighting]:
    """Yield what each record says of some bytes; nothing for one that never met them."""
    for record in records:
        wrote = tuple(call for call in record.calls if sha256 in call.made.values())
        kept = tuple(call for call in record.calls if sha256 in call.kept.values())
        places = tuple(dict.fromkeys(_places(sha256, record)))
        if wrote or kept or places:
            commit = record.source.commit if record.source else None
            yield Sighting(run=record.run, commit=commit, places=places, wrote=wrote, kept=kept)


def _places(sha256: str, record: RunRecord) -> Iterator[str]:
    for program in record.programs:
        if program.sha256 == sha256:
            yield f"image:{program.origin}" if program.side == "image" else program.origin
    for call in record.calls:
        for path, digest in (*call.made.items(), *call.kept.items()):
            if digest == sha256:
                yield f"{call.stage}:{path}"
