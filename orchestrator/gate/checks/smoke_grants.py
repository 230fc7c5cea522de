"""Which grant a failed smoke run lacked, by the program's own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.smoke.settings import SmokeSettings
    from orchestrator.smoke.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Something that the smoke run did not grant and the program asked for.

    Attributes:
        grant: which part of the plan denies it.
        line: what the program said.
        repair: how to grant it.
    """

    grant: str
    line: str
    repair: str


_READ_ONLY = re.compile(r"Read-only file system|EROFS|\(os error 30\)", re.IGNORECASE)
_NETWORK = re.compile(
    r"Network is unreachable|ENETUNREACH|\(os error 101\)|Temporary failure in name resolution|"
    r"Name or service not known|failed to lookup address|Could not resolve|EAI_AGAIN",
    re.IGNORECASE,
)
_CAPABILITY = re.compile(r"Operation not permitted|EPERM|\(os error 1\)|no new privileges", re.IGNORECASE)
_USER = re.compile(r"Permission denied|EACCES|\(os error 13\)", re.IGNORECASE)
_MEMORY = re.compile(r"Cannot allocate memory|ENOMEM|\(os error 12\)|out of memory", re.IGNORECASE)
_PIDS = re.compile(r"Resource temporarily unavailable|Cannot fork|fork: retry|\(os error 11\)", re.IGNORECASE)
_PATH = re.compile(r"/[\w.+@-]+(?:/[\w.+@-]+)*")


def missing_grant(transcript: Transcript, settings: SmokeSettings) -> Denial | None:
    """Return the grant that the program's own words ask for; None where they ask for none."""
    for line in transcript.texts():
        if settings.read_only and _READ_ONLY.search(line):
            paths = [path for path in _PATH.findall(line) if path.count("/") > 1]
            folder = paths[-1].rpartition("/")[0] if paths else "the folder that it writes to"
            return Denial(
                grant="read_only",
                line=line,
                repair=f"add {folder} to `smoke.writable`, or set `smoke.read_only: false`, if it rightly writes there",
            )
        if _NETWORK.search(line):
            return Denial(
                grant="network",
                line=line,
                repair="the smoke run has no way out, not even to a database: give the program a mode that needs none, "
                "or an address of its own by `smoke.environment`",
            )
        if _CAPABILITY.search(line):
            return Denial(
                grant="capabilities",
                line=line,
                repair="all capabilities and new privileges are taken away: list what it rightly needs under "
                "`smoke.capabilities` (such as CHOWN, SETUID, SETGID), or start it as the user it is to be",
            )
        if _MEMORY.search(line):
            return Denial(grant="limits.memory", line=line, repair="raise `smoke.limits.memory`")
        if _PIDS.search(line):
            return Denial(grant="limits.pids", line=line, repair="raise `smoke.limits.pids`")
        if _USER.search(line):
            return Denial(
                grant="user",
                line=line,
                repair="the image's user may not do that: give it the file or folder in the Dockerfile "
                "(`COPY --chown=…`, `RUN chown …`), or start it as another USER",
            )
    return None
