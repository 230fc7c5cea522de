"""The control stub: is the shipped program what the very same step makes of a placeholder?

Asked only where nothing else tells what the program is, so a build that passes pays nothing for it. The stage that
holds the program is built once more from right before the step that calls cargo, with a placeholder in the place of
the package's programs. What the step makes of it is held against the shipped program.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.build.beside import programs_beside
from orchestrator.dockerfile.replay import REPLAY_STAGE, Planting, compiling_step, replayed
from orchestrator.engine.archive import load_files
from orchestrator.events import Lane, told
from orchestrator.flow.prepare import in_context, remember_tags, tracer_of
from orchestrator.gate.checks.stub_free import Control
from orchestrator.parity.rung import SAME_CONTENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.build.artifact import Artifact
    from orchestrator.build.image import ImageBuild
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.gate.checks.stub_free import ShippedFacts

_USUAL = "fn main() {}\n"
_NEW = 'fn main() {\n    println!("Hello, world!");\n}\n'
"""What `cargo new` and `cargo init` write (cargo 1.95)."""

_MARKED = 'fn main() {\n    println!("planted by twinbuild");\n}\n'
"""Of no Dockerfile: where it makes the same program as a placeholder, the step compiles something else than that."""

_MOST = 3
"""How many placeholders are tried."""

_LATER = 4_102_444_800
"""2100-01-01: newer than every artifact, whatever the clock of the engine says."""

_REPOSITORY = "twinbuild.local/planted"


def with_control(facts: ShippedFacts, prepared: Prepared, image: ImageBuild, around: Surroundings) -> ShippedFacts:
    """Return the facts with the control stub that the shipped program equals, if there is one."""
    if facts.shipped is None:
        return facts
    step = compiling_step(prepared.dockerfile, prepared.builder.stage)
    mains = () if step is None else _mains(prepared, step)
    if step is None or not mains:
        return facts
    shipped = facts.shipped if facts.packed_as is None else facts.packed_as.file
    lines = prepared.dockerfile.lines
    with told(around.emit, Lane.CHECKS, f"control stub, by the step of line {lines.told(step.line)}", own=True):
        texts = _placeholders(prepared, facts.placeholders)
        made = _built((*texts, _MARKED), mains=mains, step=step, prepared=prepared, image=image, around=around)
    marked = made.get(_MARKED)
    if marked is None:
        return facts
    for text in texts:
        stub = made.get(text)
        how = None if stub is None or stub.sha256 == marked.sha256 else _likeness(stub, shipped, around)
        # A project whose own program is no more than such a placeholder is not told apart from one.
        if stub is not None and how is not None and _likeness(stub, facts.local, around) is None:
            return replace(facts, control=Control(text=text, line=step.line, program=stub, how=how))
    return facts


def _mains(prepared: Prepared, step: Instruction) -> tuple[str, ...]:
    """Return where the package's programs begin in the stage of a step; empty where that is not known."""
    project, plan = prepared.project, prepared.image
    stage = next(each for each in prepared.dockerfile.stages if step in each.instructions)
    manifest = in_context(prepared.local.settings.manifest, plan.context)
    place = tracer_of(prepared.dockerfile, plan.arguments, prepared.bases).source_place(stage, manifest)
    if place is None:
        return ()
    shipping = next(member for member in project.members if member.name == project.package)
    return tuple(
        posixpath.normpath(posixpath.join(posixpath.dirname(place), posixpath.relpath(path, project.folder)))
        for kind, path in shipping.roots
        if kind == "bin"
    )


def _placeholders(prepared: Prepared, written: Mapping[str, str]) -> tuple[str, ...]:
    """Return the placeholders to try: the usual one, and those that the Dockerfile's own steps write."""
    steps = [each for stage in prepared.dockerfile.stages for each in stage.instructions if each.keyword == "RUN"]
    texts = [_USUAL]
    texts += [_NEW] if any(re.search(r"\bcargo\s+(?:new|init)\b", each.script) for each in steps) else []
    texts += [text for text in written.values() if re.fullmatch(r"\s*fn main\(\)\s*\{.*\}\s*", text, re.DOTALL)]
    return tuple({"".join(text.split()): text for text in reversed(texts)}.values())[::-1][:_MOST]


def _built(
    texts: Sequence[str],
    *,
    mains: Sequence[str],
    step: Instruction,
    prepared: Prepared,
    image: ImageBuild,
    around: Surroundings,
) -> dict[str, Artifact]:
    """Return what the step makes of each placeholder; nothing where it fails on them."""
    builder, engine = prepared.builder, around.engine
    plantings = [Planting(image=_planted(text, mains, around), files=mains) for text in texts]
    # They stay until `invoke clean`: another run at this moment may plant the very same texts.
    remember_tags(around.workspace, [each.image for each in plantings])
    places = {f"/program/{number}/{posixpath.basename(builder.program)}": text for number, text in enumerate(texts)}
    found = programs_beside(
        engine,
        prepared.image,
        text=replayed(
            prepared.image.hardened,
            prepared.dockerfile,
            stage=builder.stage,
            step=step,
            plantings=plantings,
            program=builder.program,
        ),
        stage=REPLAY_STAGE,
        paths=places,
        context=image.context.digest,
        workspace=around.workspace,
        labels=around.labels,
        log=around.logs / "control.log",
        cancel=around.cancel,
    )
    return {} if found is None else {places[path]: artifact for path, artifact in found.items()}


def _planted(text: str, mains: Sequence[str], around: Surroundings) -> str:
    """Return the tag of an image that holds a placeholder wherever a program begins."""
    digest = hashlib.sha256("\0".join((text, *mains)).encode()).hexdigest()
    # Whoever the step runs as may touch what was planted.
    files = [(path.lstrip("/"), text.encode(), 0o666) for path in mains]
    return load_files(
        around.engine, f"{_REPOSITORY}:{digest[:16]}", files, scratch=around.workspace.scratch, mtime=_LATER
    )


def _likeness(stub: Artifact, other: Artifact, around: Surroundings) -> str | None:
    """Return how far a program equals the stub, None where it does not."""
    if stub.sha256 == other.sha256:
        return "bit for bit"
    paths = {stub.sha256: stub.path, other.sha256: other.path}
    from orchestrator.binary.read import profile_of  # noqa: PLC0415 - few programs need a control
    from orchestrator.parity.compare import compare_files  # noqa: PLC0415 - same

    compared = compare_files(
        stub.sha256,
        other.sha256,
        size=stub.size,
        profile=lambda digest: profile_of(paths[digest], digest, workspace=around.workspace),
    )
    return "in all that is loaded" if compared.rung in SAME_CONTENT else None
