"""From a command that calls make or just to the shell text that it runs."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.dockerfile.recipes import just, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from orchestrator.dockerfile.recipes.model import RecipeLine
    from orchestrator.dockerfile.shell.model import Command
    from orchestrator.dockerfile.spans import SourceText


def recipe_lines(
    command: Command, folder: str, *, read: Callable[[str], SourceText | None], exists: Callable[[str], bool]
) -> Sequence[RecipeLine] | None:
    """Return what a command runs through make or just; None where it calls neither, or that is not certain.

    Args:
        command: all of whose words are known.
        folder: where it is called, absolute.
        read: returns a text file of the stage by its absolute path.
        exists: whether an absolute path is known to be there.
    """
    words = [word.text for word in command.arguments]
    if command.name in {"make", "gmake"}:
        call = make.make_call(words)
        if call is None:
            return None
        place = posixpath.normpath(posixpath.join(folder, call.folder))
        source = _first(place, (call.file,) if call.file else make.NAMES, read)
        lines = (
            None
            if source is None
            else make.make_lines(
                source,
                call,
                environment=command.environment,
                exists=lambda path: exists(posixpath.join(place, path)),
            )
        )
        return None if lines is None else [replace(line, folder=call.folder) for line in lines]
    if command.name == "just":
        asked = just.just_call(words)
        source = None if asked is None else _first(folder, (asked.file,) if asked.file else just.NAMES, read)
        # A justfile runs in the folder that it lies in.
        if asked is None or source is None:
            return None
        lines = just.just_lines(source, asked)
        own = posixpath.dirname(asked.file) if asked.file else ""
        return None if lines is None else [replace(line, folder=own or ".") for line in lines]
    return None


def _first(folder: str, names: Iterable[str], read: Callable[[str], SourceText | None]) -> SourceText | None:
    found = (read(posixpath.normpath(posixpath.join(folder, name))) for name in names)
    return next((source for source in found if source is not None), None)
