"""A base without its ONBUILD triggers: the same layers and configuration, so what is built on it is the same image."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.saved import SavedImage
from orchestrator.engine.archive import load_over
from orchestrator.engine.store import read_config
from orchestrator.events import Lane, told
from orchestrator.workspace import no_space_named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from orchestrator.bases.image import BaseImage
    from orchestrator.engine.docker import Engine
    from orchestrator.events import Emit
    from orchestrator.workspace import Workspace

BARE = "twinbuild.local/bare"
"""The repository of the tags for bases without triggers."""

_KEY_LENGTH = 16
_TRIGGERS = "OnBuild"


def bare_base(engine: Engine, base: BaseImage, *, workspace: Workspace, emit: Emit) -> str:
    """Return the tag of our own of a base without its triggers, which is made where the engine lacks it.

    Args:
        engine: has the base.
        base: the image.
        workspace: has room for a while.
        emit: told that it takes a while (10 s for 1 GB, once: the engine tells a configuration in an archive alone).

    Raises:
        ImageBuildFailedError: the engine's archive of the base is not understood.
        NoSpaceError: no room for the layers.
        EngineUnreachableError: the engine went away.
    """
    tag = f"{BARE}:{base.image_id.removeprefix('sha256:')[:_KEY_LENGTH]}"
    if engine.image(tag) is None:
        name = f"base {base.reference} without its ONBUILD triggers, which become steps"
        with told(emit, Lane.BASES, name, own=True), no_space_named(workspace.root):
            engine.tag(_loaded(engine, base.image_id, scratch=workspace.scratch), tag)
    return tag


def _loaded(engine: Engine, image: str, *, scratch: Path) -> str:
    """Load the bare image and return what the engine calls it; no layer is sent to an engine that takes its own."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="bare-") as folder:

        @cache
        def saved() -> SavedImage:
            return SavedImage(engine.save(image), Path(folder))

        config = json.loads(saved().config if engine.names_manifests else read_config(engine, image))
        return load_over(
            engine,
            _without_triggers(config),
            [],
            lambda diff_id: saved().layer(diff_id),
            parents=config["rootfs"]["diff_ids"],
        )


def _without_triggers(config: Mapping[str, Any]) -> bytes:
    bare = dict(config)
    for part in ("config", "container_config"):
        if isinstance(bare.get(part), dict):
            bare[part] = {key: value for key, value in bare[part].items() if key != _TRIGGERS}
    return json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()
