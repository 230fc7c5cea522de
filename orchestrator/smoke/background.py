"""Whether a program that ended at once went into the background: seen in a second run under a process 1 of our own.

When the first process of a container ends, the kernel ends all others with it, so the first run shows nothing of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.engine.containers import RunningContainer, StartFailedError
from orchestrator.smoke.static_program import static_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.containers import ContainerRequest
    from orchestrator.engine.docker import Engine
    from orchestrator.engine.image_facts import ImageFacts

_GOES_ON = 213
"""What `first.c` ends with."""

_PLACE = "/run/.twinbuild/first"
_MORE_SECONDS = 5.0


def goes_on(
    engine: Engine, image: ImageFacts, request: ContainerRequest, command: Sequence[str], *, within: float
) -> bool:
    """Run an image once more and return whether something goes on after its program has ended well.

    Args:
        engine: where the image is.
        image: the image.
        request: how it was run.
        command: what it starts, ENTRYPOINT and CMD together.
        within: seconds that it took to end.

    Returns:
        False also where that cannot be told: there is no C compiler, or the image is for another processor.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    first = static_program("first.c", image) if command else None
    if first is None:
        return False
    again = replace(request, entrypoint=(_PLACE, *command), command=(), programs={_PLACE: first})
    with RunningContainer(engine, again) as container:
        try:
            container.start(lambda _stream, _chunk: None)
        except StartFailedError:
            return False
        return container.wait(within + _MORE_SECONDS) and container.end().exit_code == _GOES_ON
