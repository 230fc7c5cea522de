"""Scripts of the context that the image starts, or that a step runs."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.output import start_words

if TYPE_CHECKING:
    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.read import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedScript:
    """A script that the image starts. `path`: relative to the context. `brought`: the COPY that brings it."""

    path: str
    text: str
    brought: Span


def started_script(timeline: Timeline) -> StartedScript | None:
    """Return the script that the image starts, where the context has it."""
    started = start_words(timeline)
    if started is None or timeline.context is None:
        return None
    words = [word for word in started[0] if not word.startswith("-")]
    named = next(
        (word for word in words if word.rsplit("/", 1)[-1] not in {"sh", "bash", "dash", "tini", "dumb-init", "exec"}),
        "",
    )
    walked = timeline.places[-1]
    directory = walked[-1].directory if walked else "/"
    guesses = [posixpath.normpath(posixpath.join(directory, named))]
    if named and "/" not in named:
        guesses += [f"{folder}/{named}" for folder in ("/usr/local/bin", "/usr/bin", "/bin")]
    for path in guesses:
        for arrived in reversed(timeline.states[-1].arrivals):
            source = arrived.source_of(path) if arrived.origin is None and arrived.context is not None else None
            text = timeline.context.read(source) if source else None
            if source and text is not None and text.startswith("#!"):
                return StartedScript(path=source, text=text, brought=arrived.span)
    return None
