"""What starting an image takes, read out of it; once for the same image and plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.binary.loading import load_facts_from_json, load_facts_to_json
from orchestrator.events import Lane, told
from orchestrator.version import VERSION
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.binary.loading import LoadFacts
    from orchestrator.build.image import ImageBuild
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.flow.surroundings import Surroundings
    from orchestrator.spec.model import BuildSpec


def loading_known(candidate: ImageFacts, spec: BuildSpec, *, around: Surroundings) -> LoadFacts | None:
    """Return what an earlier run has read, or None."""
    return load_facts_from_json(around.workspace.recall("loading", _key(candidate, spec)))


def read_loading(
    candidate: ImageFacts, spec: BuildSpec, image: ImageBuild, *, base: Sequence[str], around: Surroundings
) -> LoadFacts:
    """Read it out of the image, and of its base what is known of that, and keep it.

    Args:
        candidate: the image.
        spec: names the program and its arguments.
        image: how it was built.
        base: the layers of what it was built on.
        around: the run.

    Raises:
        NoVerdictError: the engine went away.
    """
    from orchestrator.binary.loading.read import read_loadable  # noqa: PLC0415 - an image that is known needs none of it
    from orchestrator.build.base_files import BaseFiles  # noqa: PLC0415 - same
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - same

    with (
        told(around.emit, Lane.CHECKS, "what starting the image takes, read out of it", own=True),
        image_files(around.engine, candidate.id, labels=around.labels) as files,
    ):
        root = BaseFiles(
            files,
            # Of an image that was not made on its base nothing is known to be the base's.
            layers=tuple(base) if candidate.layers[: len(base)] == tuple(base) else (),
            touched=image.touched,
            workspace=around.workspace,
        )
        facts = read_loadable(
            root,
            candidate,
            binary=spec.image.binary,
            program=image.shipped.path if image.shipped else None,
            arguments=spec.smoke.arguments,
        )
        root.keep()
    around.workspace.remember("loading", _key(candidate, spec), load_facts_to_json(facts))
    return facts


def _key(candidate: ImageFacts, spec: BuildSpec) -> str:
    return memo_key(
        {"image": candidate.id, "binary": spec.image.binary, "arguments": spec.smoke.arguments, "tool": VERSION}
    )
