"""Which offers of compiled dependencies stay on the engine: a project's newest, and what others have used lately."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.offer_key import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.workspace import Workspace

OFFERS = ("handover", "offers")
"""Where the workspace remembers the tags of the offers that a project's runs made, the newest first."""

_KEPT = 2
"""One more than is needed, so that going back and forth between two branches makes none anew."""

_UNUSED_SECONDS = 14 * 86_400
"""After this long without a run that used it, an offer is that of a checkout which is gone or rests."""

_DATED_SECONDS = 86_400
"""A run with nothing to do leaves a date that is younger than this, and the engine at rest."""


def use(engine: Engine, reference: str) -> bool:
    """Return whether the engine has an offer; if so, it counts as used now.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    image = engine.image(reference)
    if image is not None and (image.tagged is None or time.time() - image.tagged > _DATED_SECONDS):
        engine.tag(image.id, reference)
    return image is not None


def retire(engine: Engine, newest: str, workspace: Workspace, *, limit: int) -> None:
    """Remove offers, each as large as a target directory, but for the project's within the limit and others in use.

    Args:
        engine: has them.
        newest: the tag of the one that was made just now.
        workspace: remembers the project's.
        limit: bytes of the project's.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    known = workspace.recall(*OFFERS)
    offers = [newest, *(str(offer) for offer in (known if isinstance(known, list) else []) if offer != newest)]
    left, kept = limit, list[str]()
    for offer in offers:
        image = engine.image(offer)
        left -= image.size if image else 0
        if offer == newest or (len(kept) < _KEPT and left >= 0):
            kept.append(offer)
        else:
            engine.remove_image(offer)
    workspace.remember(*OFFERS, kept)
    # Nobody else removes those of a checkout that was deleted. Whoever comes back to one compiles once more.
    for offer in unused(engine.images(REPOSITORY), kept=kept, now=time.time()):
        engine.remove_image(offer)


def unused(images: Iterable[ImageFacts], *, kept: Collection[str], now: float) -> Iterator[str]:
    """Yield the tags of offers that no run has used for long; `now`: seconds since 1970."""
    for image in images:
        if image.tagged is not None and now - image.tagged > _UNUSED_SECONDS:
            yield from (tag for tag in image.tags if tag.startswith(f"{REPOSITORY}:") and tag not in kept)
