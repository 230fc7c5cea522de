"""A program that UPX packed after the build: unpacked by the stage's own UPX, and packed again to see that it was that.

What is judged then is the program that was packed. That packing it again gives the shipped bytes is what makes this a
proof: a loader that was changed, or another packer that only calls itself UPX, would unpack to the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.build.beside import programs_beside
from orchestrator.dockerfile.marks import packing
from orchestrator.engine.archive import load_files
from orchestrator.events import Lane, told
from orchestrator.gate.checks.stub_free import Packed
from orchestrator.parity.rung import Rung, accepts

if TYPE_CHECKING:
    from orchestrator.build.artifact import Artifact
    from orchestrator.build.image import ImageBuild
    from orchestrator.dockerfile.marks import Packing
    from orchestrator.flow.prepare import Prepared, Surroundings
    from orchestrator.parity.difference import Comparison

_MARK, _REACH = b"UPX!", 4096
"""UPX leaves its name right behind the program headers (https://github.com/upx/upx, `l_info`)."""

_REPOSITORY = "twinbuild.local/packed"
_MOUNT = "/dev/.twinbuild-packed"
_STAGES = ("twinbuild-packer", "twinbuild-unpacked")
_FOLDER = "/.twinbuild-unpacked"

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


def is_packed(program: Artifact) -> bool:
    """Return whether UPX left its mark in a program."""
    with program.path.open("rb") as stream:
        return _MARK in stream.read(_REACH)


def unpack(prepared: Prepared, image: ImageBuild, local: Artifact, around: Surroundings) -> Unpacked | None:
    """Return what was packed into the shipped program; None where it is not packed, or no stage can unpack it."""
    shipped = image.shipped
    if shipped is None or shipped.sha256 == local.sha256 or not is_packed(shipped):
        return None
    stages = prepared.dockerfile.needed(prepared.image.target)
    packer = packing(stages)
    if packer is None:
        return None
    with told(around.emit, Lane.CHECKS, f"program unpacked by the UPX of line {packer.line}", own=True):
        tries = (packer.options, *(() if packer.sure else _USUAL))
        reference = load_files(
            around.engine,
            f"{_REPOSITORY}:{shipped.sha256[:16]}",
            [("program", shipped.path, 0o755)],
            scratch=around.workspace.scratch,
        )
        try:
            found = programs_beside(
                around.engine,
                prepared.image,
                text=_text(prepared.image.hardened, packer, tries, reference),
                stage=_STAGES[1],
                paths=[f"{_FOLDER}/plain", *(f"{_FOLDER}/{number}" for number, _ in enumerate(tries))],
                context=image.context.digest,
                workspace=around.workspace,
                labels=around.labels,
                log=around.logs / "unpacked.log",
                emit=around.emit,
                cancel=around.cancel,
            )
        finally:
            around.engine.remove_image(reference)
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


def _text(hardened: str, packer: Packing, tries: tuple[tuple[str, ...], ...], reference: str) -> str:
    """Return the hardened text with a stage that unpacks the program, and packs it again in each way."""
    lines = [f"mkdir {_FOLDER}", f"cd {_FOLDER}", f"{packer.tool} -qqq -d -o plain {_MOUNT}"]
    for number, options in enumerate(tries):
        lines += [f"cp plain {number}", " ".join((packer.tool, "-qqq", *options, str(number)))]
    command = json.dumps(["/bin/sh", "-c", " && ".join(lines)])
    return "\n".join(
        [
            hardened.rstrip("\n"),
            "",
            f"FROM {packer.stage.name or f'stage-{packer.stage.index}'} AS {_STAGES[0]}",
            "USER 0",
            f"RUN --mount=type=bind,from={reference},source=/program,target={_MOUNT} {command}",
            "",
            f"FROM scratch AS {_STAGES[1]}",
            f"COPY --from={_STAGES[0]} {_FOLDER}/ {_FOLDER}/",
            "",
        ]
    )


def seen_through(image: ImageBuild, unpacked: Unpacked | None) -> ImageBuild:
    """Return the image build with the program that was packed in the place of the packed one."""
    if unpacked is None or image.shipped is None:
        return image
    same = image.builder is not None and image.builder.sha256 == image.shipped.sha256
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
