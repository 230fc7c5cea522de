"""What kills our programs when this process can no longer do it.

The kernel can signal a child whose parent dies (prctl(2), PR_SET_PDEATHSIG), but not that child's own children: cargo
would end and its compilers would go on. It would also need code between fork and exec, which a process with threads
must not have. So a small shell waits at a pipe that only this process holds open. However this process ends, the kernel
closes the pipe, and the shell kills the process groups that were still at work.
"""

from __future__ import annotations

import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = """
trap '' HUP INT TERM
groups=
while read -r sign group; do
    others=
    for each in $groups; do
        [ "$each" = "$group" ] || others="$others $each"
    done
    groups=$others
    [ "$sign" = - ] || groups="$groups $group"
done
for group in $groups; do
    kill -s KILL -- "-$group"
done
"""
"""Read by `/bin/sh`. A constant: nothing is ever put into its text."""


class Guard:
    """Keeps the watching shell up to date.

    Args:
        pipe: the shell's standard input.
        ended: waits for the shell's end.
    """

    def __init__(self, pipe: IO[bytes], *, ended: Callable[[], object]) -> None:
        self._pipe, self._ended = pipe, ended
        self._lock = threading.Lock()

    def watch(self, group: int) -> None:
        """Have a process group killed when this process ends."""
        self._tell(f"+ {group}\n")

    def release(self, group: int) -> None:
        """Forget a process group: its number may soon be another's."""
        self._tell(f"- {group}\n")

    def close(self) -> None:
        """End the shell, which kills what it still watches."""
        with self._lock:
            self._pipe.close()
        self._ended()

    def _tell(self, line: str) -> None:
        with self._lock:
            try:
                self._pipe.write(line.encode())
                self._pipe.flush()
            except (BrokenPipeError, ValueError):
                # The shell was killed, or this process is ending. Its loss costs the protection, not the run.
                return
