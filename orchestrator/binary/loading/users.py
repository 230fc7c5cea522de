"""Who the image's program runs as, and whether that user may execute a file.

The rules for USER are the engine's (runc's libcontainer/user, `GetExecUser`): names and numbers, looked up in the
image's own passwd and group files; an unknown number is a user all the same, an unknown name stops the start.
"""

from __future__ import annotations

import posixpath
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.loading.facts import Access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.binary.loading.root import Root

EXECUTE = 1
READ = 4
_ALL = {EXECUTE: 0o111, READ: 0o444}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user.

    Attributes:
        member: the name under which group files may list it; None where the groups are settled by USER itself.
    """

    uid: int
    gid: int
    member: str | None = None


def find_account(root: Root, user: str) -> Account | None:
    """Return the account that an image's USER means; None when the engine would not find it.

    Args:
        root: the image's files.
        user: `name`, `uid`, either with `:group` or `:gid`; empty for root.
    """
    if user in ("", "0", "0:0"):
        return Account(uid=0, gid=0)
    name, _, group = user.partition(":")
    if name.isdecimal() and group.isdecimal():
        # Nothing that the image's files could say changes these, but for a user who is called by another's number.
        return Account(uid=int(name), gid=int(group))
    passwd = _lines(root, "/etc/passwd", fields=4)
    known = next((line for line in passwd if (name or "0") in (line[0], line[2])), None)
    if known is None and name and not name.isdecimal():
        return None
    uid = int(known[2]) if known else int(name or 0)
    gid = int(known[3]) if known else 0
    if group:
        numbers = [int(line[2]) for line in _lines(root, "/etc/group", fields=3) if group in (line[0], line[2])]
        if not numbers and not group.isdecimal():
            return None
        return Account(uid=uid, gid=numbers[0] if numbers else int(group))
    return Account(uid=uid, gid=gid, member=known[0] if known else None)


def may(root: Root, real: str, mode: int, account: Account, *, right: int) -> Access:
    """Return whether an account may execute (or read) a file, the folders on the way included.

    Args:
        root: the image's files.
        real: the file's path.
        mode: its POSIX mode.
        account: who asks.
        right: `EXECUTE` or `READ`.
    """
    for folder in _folders(root.real_path(posixpath.dirname(real))):
        access = _judge(root, folder, root.find(folder).mode, account, right=EXECUTE, folder=True)
        if access.allowed is not True:
            return access
    return _judge(root, real, mode, account, right=right, folder=False)


def gains_rights(root: Root, real: str, mode: int, account: Account | None) -> bool:
    """Return whether the kernel gives a program more rights than its caller has (AT_SECURE).

    The loader then trusts neither LD_LIBRARY_PATH nor $ORIGIN. Rules: security/commoncap.c, cap_bprm_creds_from_file.
    """
    if account is None:
        return bool(mode & (stat.S_ISUID | stat.S_ISGID))
    if mode & (stat.S_ISUID | stat.S_ISGID):
        uid, gid = root.owner(real) or (-1, -1)
        if mode & stat.S_ISUID and uid != account.uid:
            return True
        if mode & stat.S_ISGID and mode & stat.S_IXGRP and gid != account.gid:
            return True
    return account.uid != 0 and root.capabilities(real)


def _judge(root: Root, path: str, mode: int, account: Account, *, right: int, folder: bool) -> Access:
    bits = stat.S_IMODE(mode)
    if account.uid == 0 and (folder or right == READ):
        return Access(allowed=True)
    if account.uid == 0 or bits & _ALL[right] in (0, _ALL[right]):
        # Root needs one execute bit of the three; for everybody else all or none of them need no look at the owner.
        return Access(allowed=True) if bits & _ALL[right] else Access(allowed=False, blocker=path, mode=bits)
    owner = root.owner(path)
    if owner is None:
        return Access(allowed=None, blocker=path, mode=bits)
    uid, gid = owner
    shift = 6 if uid == account.uid else 3 if gid == account.gid or gid in _groups(root, account) else 0
    if bits >> shift & right:
        return Access(allowed=True)
    return Access(allowed=False, blocker=path, mode=bits, owner=f"{uid}:{gid}")


def _groups(root: Root, account: Account) -> tuple[int, ...]:
    # Read late: for most images the mode alone decides, and each file costs a tenth of a second.
    if account.member is None:
        return ()
    lines = _lines(root, "/etc/group", fields=3)
    return tuple(int(line[2]) for line in lines if account.member in line[-1].split(","))


def _folders(path: str) -> Iterator[str]:
    yield "/"
    parts = [part for part in path.split("/") if part]
    for end in range(1, len(parts) + 1):
        yield "/" + "/".join(parts[:end])


def _lines(root: Root, path: str, *, fields: int) -> Iterator[list[str]]:
    for line in root.read(root.find(path)).decode(errors="replace").splitlines():
        parts = line.split(":")
        if len(parts) >= fields and all(number.isdecimal() for number in parts[2:fields]):
            yield parts
