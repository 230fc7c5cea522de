"""What a run knows of both builds' inputs: a difference there explains one in the programs."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.build.place import PlaceKind
from orchestrator.parity.facts import BuildFacts, SideFacts
from orchestrator.toolchains.cargo.witness import read_witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.flow.prepare import Prepared
    from orchestrator.toolchains.cargo.witness import WitnessedCall


def build_facts(prepared: Prepared, local: LocalBuild, image: ImageBuild) -> BuildFacts:
    """Return what is known of both builds; of the image's, what the call of cargo that wrote the program tells."""
    programs = tuple(name for member in prepared.project.members for name in member.binaries)
    call = _writer(image)
    place = local.place
    plan = prepared.local
    ours = str(plan.tree / prepared.project.root) if place.kind is PlaceKind.REMAP else plan.root
    here = SideFacts(
        rustc=_first_line(prepared.toolchain.verbose),
        target="",
        rustflags=local.flags,
        folders={"workspace": posixpath.normpath(ours)},
    )
    if call is None:
        return BuildFacts(local=here, image=SideFacts(), programs=programs)
    there = SideFacts(
        rustc=_first_line(call.rustc),
        target=_option(call.arguments, "--target") or "",
        folders={"workspace": call.workspace},
    )
    return BuildFacts(local=here, image=there, programs=programs)


def _writer(image: ImageBuild) -> WitnessedCall | None:
    """Return the last call that wrote the shipped bytes."""
    if image.shipped is None:
        return None
    calls = [call for call in read_witness(image.witness) if image.shipped.sha256 in call.made.values()]
    return calls[-1] if calls else None


def _first_line(text: str) -> str | None:
    return text.splitlines()[0] if text else None


def _option(arguments: Sequence[str], name: str) -> str | None:
    for number, word in enumerate(arguments):
        if word == name:
            return next(iter(arguments[number + 1 : number + 2]), None)
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None
