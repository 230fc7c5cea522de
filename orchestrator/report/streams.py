"""Standard output and standard error as a shell may hand them over: closed, full, or with nobody at the other end."""

from __future__ import annotations

import errno
import os
import sys

from orchestrator.errors import InterruptedRunError, NoSpaceError, NoVerdictError, UsageError


def open_closed_streams() -> None:
    """Give a place to the streams that were closed (`invoke build >&-`): what is written to them is lost, as asked.

    A file that is opened later would get a closed stream's number otherwise, and a child's output with it.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)  # noqa: FBT003 - the library's own signature
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


def write_out(content: bytes) -> None:
    """Write to standard output, all of it.

    Raises:
        NoSpaceError: the disk behind it is full.
        UsageError: it cannot be written to for another reason.
        InterruptedRunError: the user did not wait for the end of it.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        _give_up_the_rest()
        if not isinstance(error, BrokenPipeError):  # Nobody reads any more (`invoke show | head`).
            raise _lost(error) from error
    except KeyboardInterrupt:
        _give_up_the_rest()
        raise InterruptedRunError("interrupted while the result was being printed", repair="print it again") from None


def _give_up_the_rest() -> None:
    """Let what is still to be written go nowhere: Python would try it again, and complain, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lost(error: OSError) -> NoVerdictError:
    message = f"standard output cannot be written to: {error.strerror}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return NoSpaceError(message, repair="free space where it leads to")
    return UsageError(message, repair="let it lead to a file or a terminal that can be written to")
