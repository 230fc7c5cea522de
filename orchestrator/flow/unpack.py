"""A program that UPX packed after the build: unpacked by the stage's own UPX, and packed again to see that it was that.

What is judged then is the program that was packed. That packing it again gives the shipped bytes is what makes this a
proof: a loader that was changed, or another packer that only calls itself UPX, would unpack to the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.build.artifact import Artifact, Side
from orchestrator.dockerfile.marks import packing
from orchestrator.events import Lane, told
from orchestrator.gate.checks.stub_free import Packed
from orchestrator.parity.rung import Rung, accepts
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.build.image import ImageBuild
    from orchestrator.dockerfile.marks import Packing
    from orchestrator.flow.prepare import Prepared
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.parity.difference import Comparison

_FOLDER = "/twinbuild-unpacked"

_USUAL = ((), ("--best",), ("--best", "--lzma"), ("--lzma",), ("-9",))
"""What is tried where the text does not tell how it was packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A packed program's inside.

    Attributes:
        program: what was packed.
        packed: the shipped file, and what is known of its packing.
    """

    program: Artifact
    packed: Packed


def unpack(prepared: Prepared, image: ImageBuild, shipped: Artifact, around: Surroundings) -> Unpacked | None:
    """Return what was packed into the shipped program, which has UPX's mark; None where no stage can unpack it."""
    stages = prepared.dockerfile.needed(prepared.image.target)
    packer = packing(stages)
    if packer is None:
        return None
    line = prepared.dockerfile.lines.told(packer.line)
    with told(around.emit, Lane.CHECKS, f"program unpacked by the UPX of line {line}", own=True):
        tries = (packer.options, *(() if packer.sure else _USUAL))
        found = _found(shipped, packer, tries, prepared=prepared, image=image, around=around)
    plain = found.get(f"{_FOLDER}/plain") if found else None
    if found is None or plain is None:
        return None
    again = next(
        (
            options
            for number, options in enumerate(tries)
            if f"{_FOLDER}/{number}" in found and found[f"{_FOLDER}/{number}"].sha256 == shipped.sha256
        ),
        None,
    )
    program = replace(plain, side=shipped.side, origin=f"{shipped.origin}, unpacked")
    command = None if again is None else " ".join((packer.tool, *again))
    return Unpacked(program=program, packed=Packed(file=shipped, line=packer.line, tool=packer.tool, command=command))


def _found(
    shipped: Artifact,
    packer: Packing,
    tries: Sequence[tuple[str, ...]],
    *,
    prepared: Prepared,
    image: ImageBuild,
    around: Surroundings,
) -> dict[str, Artifact] | None:
    """Return what unpacking leaves, and what each way of packing that again does; remembered for the same image."""
    from orchestrator.build.in_stage import GIVEN, run_in_stage  # noqa: PLC0415 - few programs are packed

    lines = [f"mkdir {_FOLDER}", f"cd {_FOLDER}", f"{packer.tool} -qqq -d -o plain {GIVEN}"]
    for number, options in enumerate(tries):
        lines += [f"cp plain {number}", " ".join((packer.tool, "-qqq", *options, str(number)))]
    wanted = [f"{_FOLDER}/plain", *(f"{_FOLDER}/{number}" for number, _ in enumerate(tries))]
    script, stage = " && ".join(lines), packer.stage
    key = memo_key({"image": image.raw_id, "stage": stage.index, "program": shipped.sha256, "script": script})
    artifact = around.workspace.artifact
    known = around.workspace.recall("unpacked", key)
    if isinstance(known, dict) and all(artifact(str(digest)).exists() for digest, _ in known.values()):
        return {
            path: Artifact(side=Side.IMAGE, sha256=digest, size=size, origin=path, path=artifact(digest))
            for path, (digest, size) in known.items()
        }
    found = run_in_stage(
        around.engine,
        prepared.image,
        stage,
        raw_id=image.raw_id,
        given=shipped.path,
        script=script,
        results=wanted,
        workspace=around.workspace,
        labels=around.labels,
        log=around.logs / "unpacked.log",
        cancel=around.cancel,
    )
    if found is not None:
        around.workspace.remember("unpacked", key, {path: [it.sha256, it.size] for path, it in found.items()})
    return found


def seen_through(image: ImageBuild, unpacked: Unpacked) -> ImageBuild:
    """Return the image build with the program that was packed in the place of the packed one."""
    same = image.builder is not None and image.builder.sha256 == unpacked.packed.file.sha256
    return replace(image, shipped=unpacked.program, builder=unpacked.program if same else image.builder)


def compared_packed(packed: Comparison, unpacked: Comparison, how: Packed) -> Comparison:
    """Return what the comparison of a packed program comes to: that of what was packed, at best `hash-only`.

    Args:
        packed: of the host's program with the shipped file.
        unpacked: of the host's program with what was packed into it.
        how: how it was packed. Where that cannot be done again, the shipped file counts as it is.
    """
    if how.command is None:
        return packed
    rung = unpacked.rung if accepts(unpacked.rung, Rung.HASH_ONLY) else Rung.HASH_ONLY
    inside = "byte for byte the host's" if unpacked.rung is Rung.IDENTICAL else f"held by {unpacked.held_by}"
    return replace(packed, rung=rung, held_by=f"it is packed by `{how.command}`; what was packed is {inside}")
