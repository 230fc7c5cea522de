"""Whether a base holds cargo at a path."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.bases.image import BaseImage
    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace


def cargo_in(
    engine: Engine, base: BaseImage, paths: Sequence[str], *, workspace: Workspace, labels: Mapping[str, str]
) -> str | None:
    """Return the file that the first of some paths leads to in a base, None where it has none of them.

    Raises:
        EngineUnreachableError: as its name says.
    """
    key = memo_key({"image": base.image_id, "paths": list(paths), "version": 1})
    known = workspace.recall("cargo-in-base", key)
    if isinstance(known, list):
        return str(known[0]) if known else None
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - a base that is known is not read

    found = None
    with image_files(engine, base.image_id, labels=labels) as files:
        for path in paths:
            facts = files.stat(path)
            end = facts.link_target if facts and facts.link_target else path
            facts = files.stat(end) if end != path else facts
            if facts is not None and stat.S_ISREG(facts.mode) and facts.mode & 0o111:
                found = end
                break
    workspace.remember("cargo-in-base", key, [found] if found else [])
    return found
