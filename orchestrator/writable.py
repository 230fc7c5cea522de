"""What to say where the tool's own folder cannot be written to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def writable(root: Path) -> Iterator[None]:
    """Turn what the system says of a workspace that may not be written to into this tool's error.

    Raises:
        UsageError: the block failed to write below `root`.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the workspace {root} cannot be written to: {error.strerror} ({error.filename})",
            repair="let it belong to you (an earlier run as root may have made it), or name another folder, which may "
            "lie outside of the project, by the variable TWINBUILD_WORKSPACE",
        ) from error
