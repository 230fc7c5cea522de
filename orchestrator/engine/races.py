"""What the engine says where somebody else changes, at this moment, what it is asked about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker.errors import APIError

_Answer = TypeVar("_Answer")

_NOT_FOUND = 404
_REMOVED_MEANWHILE = ("unrecognized image ID", "layer does not exist", "parent snapshot ", "content digest ")
"""What an engine says, with code 500, where somebody else removes the image at the same moment: 20.10, and 28.5 with
containerd's image store (`parent snapshot sha256:… does not exist`, `content digest sha256:…: not found`)."""

_MOVING = "data changed during operation, retry"
"""What engine 28.5 says then, with code 500, of containerd's image store (`consistency error`)."""

_ASKED_AGAIN, _BETWEEN_SECONDS = 20, 0.05


def is_gone(error: APIError) -> bool:
    """Return whether the engine has no such image, or is just losing it."""
    said = str(error.explanation or "")
    return error.status_code == _NOT_FOUND or any(words in said for words in _REMOVED_MEANWHILE)


def settled(ask: Callable[[], _Answer]) -> _Answer:
    """Return what the engine answers once nobody else changes what it is asked about.

    It says itself that it is to be asked again; after a second of that it is a fault as any other.

    Raises:
        APIError: as docker-py has it, for all other answers.
    """
    from docker.errors import APIError  # noqa: PLC0415 - docker-py is loaded by `Engine.connect`

    for _ in range(_ASKED_AGAIN):
        try:
            return ask()
        except APIError as error:
            if _MOVING not in str(error.explanation or ""):
                raise
            time.sleep(_BETWEEN_SECONDS)
    return ask()
