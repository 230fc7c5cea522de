"""An image's ID, whatever store the engine keeps it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.store import read_image_id
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from orchestrator.bases.image import BaseImage
    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace


def image_id_of(engine: Engine, name: str, *, workspace: Workspace) -> str:
    """Return an image's ID, the digest of its configuration; read once of an image whose engine does not tell it.

    Args:
        engine: has the image.
        name: what the engine calls it.
        workspace: remembers the answer; the name is a digest as well, so it stays true.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    if not engine.names_manifests:
        return name
    key = memo_key({"manifest": name})
    known = workspace.recall("image-id", key)
    if isinstance(known, str):
        return known
    found = read_image_id(engine, name)
    workspace.remember("image-id", key, found)
    return found


def base_id(engine: Engine, base: BaseImage, *, workspace: Workspace) -> str:
    """Return a base's ID; of one that was made here it is computed from what it was made of."""
    return base.made_id or image_id_of(engine, base.image_id, workspace=workspace)
