"""Ends of started programs: seen without giving their numbers free, and brought about for whole groups."""

from __future__ import annotations

import os
import signal
import time

_LONGEST_NAP = 0.01


def has_ended(pid: int, timeout: float | None) -> bool:
    """Wait for a child's end without reaping it, so that its number stays its own; False if it still runs."""
    limit = None if timeout is None else time.monotonic() + timeout
    nap = 0.0005
    try:
        if limit is None:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            return True
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            left = limit - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(nap, left))
            nap = min(2 * nap, _LONGEST_NAP)
    except ChildProcessError:
        # Another thread that waits for it was quicker and has reaped it.
        return True
    return True


def kill_group(group: int) -> None:
    """Kill every process of a group that we may kill."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left in it, or a setuid program is, which only its owner may kill.
        return
