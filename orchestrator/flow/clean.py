"""`invoke clean`: removes what this tool made, and nothing else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.bases.image import REPOSITORY as BASES
from orchestrator.build.offers import OFFERS
from orchestrator.engine.docker import Engine
from orchestrator.engine.sweep import run_labels, sweep
from orchestrator.flow.prepare import OWN_TAGS
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_IN_USE = ": a run of another project is going on, which may use it"


def clean_store(workspace: Workspace, *, environment: Mapping[str, str]) -> Iterator[str]:
    """Remove what the host handed to image builds of compiled dependencies; yield a line for each thing that went.

    Raises:
        WorkspaceBusyError: a run is going on there.
        EngineUnreachableError: no engine answers; nothing was removed then.
    """
    with workspace.locked("clean", wait=False, on_wait=lambda _: None), Engine.connect(environment) as engine:
        offers = workspace.recall(*OFFERS)
        tags = [str(tag) for tag in offers] if isinstance(offers, list) else []
        yield from (f"removed image {tag}" for tag in tags if engine.remove_image(tag))
        workspace.remember(*OFFERS, [])


def clean(workspace: Workspace, *, environment: Mapping[str, str], bases: bool) -> Iterator[str]:
    """Remove the workspace and what lies in the engine; yield a line for each thing that went, or had to stay.

    Images that passed keep their tags: those are the user's. Of the tool's own images those go that this project's
    builds stood on; another project that needs one as well makes it again, in a moment. While another project's run is
    going on they stay, and so does what knows of them, for the next `invoke clean`.

    Args:
        workspace: the project's; nobody may be running in it.
        environment: the caller's variables.
        bases: also remove bootstrapped bases, which take minutes to make again.

    Raises:
        WorkspaceBusyError: a run is going on there.
        EngineUnreachableError: no engine answers; nothing was removed then.
    """
    with (
        workspace.locked("clean", wait=False, on_wait=lambda _: None, alone=True) as only_one,
        Engine.connect(environment) as engine,
    ):
        swept = sweep(engine, run_labels(workspace.root, "clean"))
        if swept:
            yield f"removed {swept} containers, volumes and networks of ended runs"
        known = workspace.recall("images", "last")
        for image_id in known if isinstance(known, list) else []:
            facts = engine.image(str(image_id))
            if facts is not None and not facts.tags and engine.remove_image(facts.id):
                yield f"removed untagged image {facts.id[7:19]}"
        own = workspace.recall(*OWN_TAGS)
        tags = (
            [str(tag) for tag in own if bases or not str(tag).startswith(f"{BASES}:")] if isinstance(own, list) else []
        )
        if only_one:
            yield from (f"removed image {tag}" for tag in tags if engine.remove_image(tag))
        else:
            yield from (f"kept image {tag}{_IN_USE}" for tag in tags)
        size = sum(path.lstat().st_size for path in workspace.root.rglob("*") if not path.is_dir())
        shutil.rmtree(workspace.root)
        if tags and not only_one:
            Workspace.open(workspace.root).remember(*OWN_TAGS, tags)
        yield f"removed {workspace.root} ({size / 1e6:.0f} MB)"
