"""Looking at a base while the image on it is still being built: what starting the image takes is mostly the base's."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.errors import NoVerdictError
from orchestrator.version import VERSION
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.build.image_plan import ImagePlan
    from orchestrator.flow.surroundings import Surroundings


def read_of_base(plan: ImagePlan, program: Path, *, around: Surroundings) -> None:
    """Keep the files of an image's base that starting a program takes; once for each base.

    Nothing depends on it: where it fails, the same files are read out of the image afterwards.

    Args:
        plan: of the image that is being built.
        program: what the host has built for it.
        around: the run.
    """
    key = memo_key({"base": tuple(plan.base_layers), "tool": VERSION})
    if plan.base_id is None or around.workspace.recall("base-read", key) is not None:
        return
    from orchestrator.binary.loading.read import read_ahead  # noqa: PLC0415 - a base that is known needs none of it
    from orchestrator.build.base_files import BaseFiles  # noqa: PLC0415 - same
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - same

    with suppress(NoVerdictError), image_files(around.engine, plan.base_id, labels=around.labels) as files:
        base = BaseFiles(files, layers=plan.base_layers, touched=frozenset(), workspace=around.workspace)
        read_ahead(base, program)
        base.keep()
        around.workspace.remember("base-read", key, True)  # noqa: FBT003 - a JSON value
