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
        grant: which part of the plan, or of the image, denies it.
        line: what the program said.
        repair: how to grant it.
    """

    grant: str
    line: str
    repair: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """Words by which a denial shows; `{folder}` in the repair is the one that the words name."""

    grant: str
    words: re.Pattern[str]
    repair: str


def _sign(grant: str, words: str, repair: str) -> _Sign:
    return _Sign(grant=grant, words=re.compile(words, re.IGNORECASE), repair=repair)


_SIGNS = (
    _sign(
        "read_only",
        r"Read-only file system|EROFS|\(os error 30\)",
        "add {folder} to `smoke.writable`, or set `smoke.read_only: false`, if it rightly writes there",
    ),
    _sign(
        "network",
        r"Network is unreachable|ENETUNREACH|\(os error 101\)|Temporary failure in name resolution|"
        r"Name or service not known|failed to lookup address|Could not resolve|EAI_AGAIN",
        "the smoke run has no way out, not even to a database: give the program a mode that needs none, "
        "or an address of its own by `smoke.environment`",
    ),
    _sign(
        "capabilities",
        r"Operation not permitted|EPERM|\(os error 1\)|no new privileges",
        "all capabilities and new privileges are taken away: list what it rightly needs under "
        "`smoke.capabilities` (such as CHOWN, SETUID, SETGID), or start it as the user it is to be",
    ),
    _sign(
        "limits.memory",
        r"Cannot allocate memory|ENOMEM|\(os error 12\)|out of memory",
        "raise `smoke.limits.memory`",
    ),
    _sign(
        "limits.pids",
        r"Resource temporarily unavailable|Cannot fork|fork: retry|\(os error 11\)",
        "raise `smoke.limits.pids`",
    ),
    _sign(
        "user",
        r"Permission denied|EACCES|\(os error 13\)",
        "the image's user may not do that: give it the file or folder in the Dockerfile "
        "(`COPY --chown=…`, `RUN chown …`), or start it as another USER",
    ),
)
_PATH = re.compile(r"/[\w.+@-]+(?:/[\w.+@-]+)*")


def missing_grant(transcript: Transcript, settings: SmokeSettings) -> Denial | None:
    """Return the grant that the program's own words ask for first; None where they ask for none."""
    for line in transcript.texts():
        for sign in _SIGNS:
            granted = sign.grant == "read_only" and not settings.read_only
            if not granted and sign.words.search(line):
                return Denial(grant=sign.grant, line=line, repair=sign.repair.format(folder=_folder(line)))
    return None


def _folder(line: str) -> str:
    paths = [path for path in _PATH.findall(line) if path.count("/") > 1]
    return str(paths[-1]).rpartition("/")[0] if paths else "the folder that it writes to"
