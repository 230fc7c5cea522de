"""`invoke clean`: removes what this tool made, and nothing else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.bases.image import REPOSITORY as BASES
from orchestrator.build.handover import OFFERS
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels, sweep
from orchestrator.flow.prepare import OWN_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.workspace import Workspace


def clean_store(workspace: Workspace, *, environment: Mapping[str, str]) -> Iterator[str]:
    """Remove what the host handed to image builds of compiled dependencies; yield a line for each thing that went.

    Raises:
        WorkspaceBusyError: a run is going on there.
        EngineUnreachableError: no engine answers; nothing was removed then.
    """
    with workspace.locked("clean", wait=False, on_wait=lambda _: None), Engine.connect(environment) as engine:
        offers = workspace.recall(*OFFERS)
        for tag in offers if isinstance(offers, list) else []:
            if engine.remove_image(str(tag)):
                yield f"image {tag}"
        workspace.remember(*OFFERS, [])


def clean(workspace: Workspace, *, environment: Mapping[str, str], bases: bool) -> Iterator[str]:
    """Remove the workspace and what lies in the engine; yield a line for each thing that went.

    Images that passed keep their tags: those are the user's. Of the tool's own images those go that this project's
    builds stood on; another project that needs one as well makes it again, in a moment.

    Args:
        workspace: the project's; nobody may be running in it.
        environment: the caller's variables.
        bases: also remove bootstrapped bases, which take minutes to make again.

    Raises:
        WorkspaceBusyError: a run is going on there.
        EngineUnreachableError: no engine answers; nothing was removed then.
    """
    with workspace.locked("clean", wait=False, on_wait=lambda _: None), Engine.connect(environment) as engine:
        swept = sweep(engine, run_labels(workspace.root, "clean"))
        if swept:
            yield f"{swept} containers, volumes and networks of ended runs"
        known = workspace.recall("images", "last")
        for image_id in known if isinstance(known, list) else []:
            facts = engine.image(str(image_id))
            if facts is not None and not facts.tags and engine.remove_image(facts.id):
                yield f"untagged image {facts.id[7:19]}"
        own = workspace.recall(*OWN_TAGS)
        for tag in own if isinstance(own, list) else []:
            if (bases or not str(tag).startswith(f"{BASES}:")) and engine.remove_image(str(tag)):
                yield f"image {tag}"
        size = sum(path.lstat().st_size for path in workspace.root.rglob("*") if not path.is_dir())
        shutil.rmtree(workspace.root)
        yield f"{workspace.root} ({size / 1e6:.0f} MB)"
