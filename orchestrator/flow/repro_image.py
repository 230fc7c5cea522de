"""`invoke repro --image`: the image is built twice without a cache, and whatever differs is named."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from orchestrator.build.engine_build import EngineBuild
from orchestrator.build.image import normalisation
from orchestrator.build.image_difference import ImageDifference, image_differences
from orchestrator.build.leftovers import Kind, kind_of
from orchestrator.build.normalise import normalise
from orchestrator.build.saved import SavedImage
from orchestrator.dockerfile.harden import sent_name
from orchestrator.dockerfile.layers import layer_instruction
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels
from orchestrator.events import Lane, NoteEvent, told
from orchestrator.flow.prepare import Prepared, prepare
from orchestrator.flow.surroundings import Surroundings
from orchestrator.source.snapshot import take_snapshot
from orchestrator.source.tree import lay_out
from orchestrator.workspace import no_space_named, waiting_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.build.normalised import Normalised
    from orchestrator.events import Emit
    from orchestrator.location import Location
    from orchestrator.spec.load import LoadedSpec
    from orchestrator.workspace import Workspace

_FOLDER = "repro"
_A_SECOND = 1.1
"""What writes the time must have another one to write in the second build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A difference, the instruction that made the layer it is in, and what is known of such files."""

    difference: ImageDifference
    location: Location | None
    leftover: Kind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRepro:
    """Two builds of an image. `ids`: of both normalised images; equal exactly when nothing differs."""

    ids: tuple[str, str]
    differences: tuple[Located, ...]
    seconds: float

    @property
    def identical(self) -> bool:
        """Return whether both builds gave the same image."""
        return self.ids[0] == self.ids[1]


def repro_image(loaded: LoadedSpec, *, workspace: Workspace, environment: Mapping[str, str], show: Emit) -> ImageRepro:
    """Build the spec's image twice, every step anew, and compare; nothing is tagged, and nothing of it is kept.

    Raises:
        NoVerdictError: of the kind that fits, as a build tells it.
    """
    began = time.monotonic()
    logs = workspace.root / _FOLDER
    with (
        workspace.locked(
            "repro", wait=True, on_wait=lambda holder: show(NoteEvent(lane=Lane.IMAGE, text=waiting_for(holder)))
        ),
        Engine.connect(environment) as engine,
        no_space_named(workspace.root),
    ):
        logs.mkdir(exist_ok=True)
        source = loaded.spec.source
        snapshot = take_snapshot(loaded.root / source.root, source, workspace=workspace, environment=environment)
        lay_out(snapshot, workspace.source)
        around = Surroundings(
            engine=engine,
            workspace=workspace,
            labels=run_labels(workspace.root, "repro"),
            logs=logs,
            environment=environment,
            emit=show,
            cancel=threading.Event(),
        )
        prepared = prepare(loaded.spec, snapshot, around)
        with tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="repro-") as folder:
            made = _twice(prepared, around, Path(folder))
            found = _compared(prepared, made, around, Path(folder))
    return ImageRepro(ids=(made[0].image_id, made[1].image_id), differences=found, seconds=time.monotonic() - began)


def _twice(prepared: Prepared, around: Surroundings, folder: Path) -> tuple[Normalised, Normalised]:
    before = _known(around)
    made: list[Normalised] = []
    for number in (1, 2):
        start = time.monotonic()
        with (around.logs / f"image-{number}.log").open("w", encoding="utf-8", buffering=1) as out:
            made.append(_built(prepared, around, folder / f"{number}.tar", out=out, before=before, number=number))
        time.sleep(max(0.0, _A_SECOND - (time.monotonic() - start)))
    return made[0], made[1]


def _built(
    prepared: Prepared, around: Surroundings, context: Path, *, out: TextIO, before: set[str], number: int
) -> Normalised:
    plan = prepared.image
    with told(around.emit, Lane.IMAGE, f"build {number} of 2, every step anew"):
        build = EngineBuild(
            around.engine, plan, context, out=out, emit=around.emit, cancel=around.cancel, no_cache=True
        )
        raw = build.solve(sent_name(plan.dockerfile.stage(plan.target)))
        made = normalise(around.engine, raw, normalisation(plan), workspace=around.workspace)
    if raw != made.name:
        _forget(raw, around, before)
    return made


def _compared(
    prepared: Prepared, made: tuple[Normalised, Normalised], around: Surroundings, folder: Path
) -> tuple[Located, ...]:
    before = _known(around)
    try:
        if made[0].image_id == made[1].image_id:
            return ()
        with told(around.emit, Lane.IMAGE, "both images compared", own=True):
            saved = []
            for number, image in enumerate(made):
                place = folder / f"saved-{number}"
                place.mkdir()
                saved.append(SavedImage(around.engine.save(image.name), place))
            base = len(prepared.image.base_layers)
            return tuple(_located(image_differences(saved[0], saved[1], base_layers=base), prepared))
    finally:
        for name in {image.name for image in made}:
            _forget(name, around, before)


def _located(differences: Iterator[ImageDifference], prepared: Prepared) -> Iterator[Located]:
    dockerfile, target = prepared.dockerfile, prepared.image.target
    for each in differences:
        made_by = layer_instruction(dockerfile, target, keyword=each.keyword, after=each.after)
        yield Located(
            difference=each,
            location=dockerfile.location(made_by.line) if made_by and each.keyword else None,
            leftover=kind_of(each.place.lstrip("/")) if each.what != "field" else None,
        )


def _known(around: Surroundings) -> set[str]:
    """Return the images that the last run of this project works with."""
    kept = around.workspace.recall("images", "last")
    return {str(image) for image in kept} if isinstance(kept, list) else set()


def _forget(image_id: str, around: Surroundings, kept: Sequence[str] | set[str]) -> None:
    """Remove an image that was made here; one that has a name, or that a run works with, stays."""
    facts = around.engine.image(image_id)
    if facts is not None and not facts.tags and image_id not in kept:
        around.engine.remove_image(image_id)
