"""Which failure is told where both builds may fail: the same one, whichever side is quicker.

A program that does not compile fails on both sides. The host's refusal names file, line and column, so it leads, and a
failed cargo step of the image waits for it; what the image build said is told beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import ImageBuildFailedError, InterruptedRunError, NoVerdictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild


def awaits_host(image: Future[ImageBuild], cargo_lines: Sequence[int]) -> bool:
    """Return whether the image build failed where it compiles, so that the host's build has to tell as well.

    Args:
        image: the image build.
        cargo_lines: lines of the Dockerfile's steps that compile, as they are told.
    """
    error = image.exception() if image.done() else None
    return (
        isinstance(error, ImageBuildFailedError) and error.location is not None and error.location.line in cargo_lines
    )


def told_failure(local: Future[LocalBuild], image: Future[ImageBuild]) -> BaseException | None:
    """Return the failure that is told, None where nothing has failed yet; the host's goes before the image's.

    Where both have failed, it also has the other one's words.
    """
    found = [
        (name, error)
        for name, build in (("host's build", local), ("image build", image))
        if build.done() and (error := build.exception()) is not None
    ]
    # An end that was ordered says nothing of the build.
    own = [each for each in found if not isinstance(each[1], InterruptedRunError)] or found
    if not own:
        return None
    leading, others = own[0][1], own[1:]
    if not isinstance(leading, NoVerdictError) or isinstance(leading, InterruptedRunError):
        return leading
    also = [_also(name, error) for name, error in others if isinstance(error, NoVerdictError)]
    return type(leading)(
        leading.message, location=leading.location, repair=leading.repair, detail=(*also, *leading.detail)
    )


def _also(name: str, error: NoVerdictError) -> str:
    place = f"{error.location}: " if error.location else ""
    return f"the {name} failed as well: {place}{error.message}"
