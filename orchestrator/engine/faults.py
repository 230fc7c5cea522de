"""What docker-py raises and what the engine says went wrong, as this tool's own errors."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.errors import EngineUnreachableError, NoSpaceError

if TYPE_CHECKING:
    from collections.abc import Iterator


_NO_ENDPOINT = re.compile(r": (failed to create endpoint \S+ on network [^:]+: .+)\Z", re.DOTALL)
"""The engine's words where a step gets no network, at the end of the step's error (20.10, 26.1, 28.5)."""

_ENDED = re.compile(r"exit code: \d+\Z")
"""The end of what it says of a step that ran."""


@contextmanager
def engine_faults(doing: str) -> Iterator[None]:
    """Turn what docker-py raises into this tool's errors.

    Args:
        doing: what the block does, for the message (`loading an image`).

    Raises:
        NoSpaceError: the engine's disk is full.
        EngineUnreachableError: the connection broke or the engine answered with an error nobody expected.
    """
    from docker.errors import APIError, DockerException  # noqa: PLC0415 - docker-py is loaded by `connect`
    from requests.exceptions import RequestException  # noqa: PLC0415 - same

    try:
        yield
    except APIError as error:
        raise fault(doing, str(error.explanation or error)) from error
    except (DockerException, RequestException) as error:
        raise EngineUnreachableError(
            f"the Docker engine went away while {doing}",
            repair="see the engine's own log (`journalctl -u docker`), start it again and repeat the run",
            detail=(reason(error),),
        ) from error


def fault(doing: str, said: str) -> NoSpaceError | EngineUnreachableError:
    """Return the error for something that the engine said while it was asked to do something."""
    if "no space left on device" in said.lower():
        return NoSpaceError(
            f"the Docker engine ran out of disk space while {doing}",
            repair="free space on the engine's disk (`docker system df`, `docker builder prune`)",
            detail=(said,),
        )
    return EngineUnreachableError(
        f"the Docker engine failed while {doing}: {said}",
        repair="see the engine's own log (`journalctl -u docker`)",
    )


def network_fault(said: str) -> EngineUnreachableError | None:
    """Return the error for a step that failed before it began, for the engine had no network for it; None for others.

    Args:
        said: the engine's words for the failed step, not the step's own.
    """
    found = _NO_ENDPOINT.search(said)
    if found is None or _ENDED.search(said):
        return None
    return EngineUnreachableError(
        f"the Docker engine's own network is broken, no step of the build is to blame: {found[1]}",
        repair="restart the engine, which makes its network again: `sudo systemctl restart docker` "
        "(or `sudo service docker restart`)",
    )


def reason(error: Exception) -> str:
    """Return the innermost reason of a nested connection error, which is the one that says something."""
    reason: BaseException = error
    while reason.__cause__ or reason.__context__:
        inner = reason.__cause__ or reason.__context__
        if inner is None:
            break
        reason = inner
    return str(reason) or type(reason).__name__
