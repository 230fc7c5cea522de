"""Reading a program into a profile, once per content.

What is wrong with a file is a fact of its profile (`damage`), never an exception: files come out of images and may be
anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.binary.digests import MappedFile
from orchestrator.binary.elf import read_elf
from orchestrator.binary.foreign import read_foreign
from orchestrator.binary.mapped_file import mapped_file
from orchestrator.binary.profile import (
    PROFILE_VERSION,
    BinaryProfile,
    Format,
    profile_from_json,
    profile_to_json,
)
from orchestrator.errors import RecordUnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.workspace import Workspace

_MAGIC = (
    (b"\x7fELF", Format.ELF),
    (b"MZ", Format.PE),
    (b"#!", Format.SCRIPT),
    *((magic, Format.MACH_O) for magic in (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe")),
    *((magic, Format.MACH_O) for magic in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")),
)
_HEAD = 256  # what the kernel looks at (BINPRM_BUF_SIZE)
_REPAIR = "run `invoke clean`, then `invoke build`"


def profile_of(path: Path, sha256: str, *, workspace: Workspace) -> BinaryProfile:
    """Return the profile of a program that the workspace keeps; each content is read once.

    Args:
        path: where the program lies.
        sha256: its digest (hex), under which the profile is remembered.
        workspace: where it is remembered.

    Raises:
        RecordUnreadableError: the file is gone, or its content is not what the digest says.
    """
    key = f"{sha256}-{PROFILE_VERSION}"
    known = profile_from_json(workspace.recall("profile", key))
    if known is not None:
        return known
    try:
        profile = read_profile(path)
    except OSError as error:
        raise RecordUnreadableError(
            f"the program kept at {path} cannot be read ({error.strerror})", repair=_REPAIR
        ) from error
    if profile.sha256 != sha256:
        raise RecordUnreadableError(
            f"the program kept at {path} was changed: its sha256 is {profile.sha256}, expected {sha256}",
            repair=_REPAIR,
        )
    workspace.remember("profile", key, profile_to_json(profile))
    return profile


def read_profile(path: Path) -> BinaryProfile:
    """Read one program.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return BinaryProfile(sha256=hashlib.sha256().hexdigest(), size=0, format=Format.EMPTY)
    with mapped_file(path) as (mapped, view):
        content = MappedFile(mapped, view)
        basis = BinaryProfile(sha256=content.sha256(), size=len(view), format=_format(head))
        if basis.format is Format.SCRIPT:
            return replace(basis, interpreter=_interpreter(head))
        if basis.format is Format.ELF:
            return read_elf(content, basis)
    if basis.format in {Format.PE, Format.MACH_O}:
        return read_foreign(path, basis)
    return basis


def _format(head: bytes) -> Format:
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), Format.OTHER)


def _interpreter(head: bytes) -> str | None:
    words = head[2:].split(b"\n", 1)[0].split()
    return words[0].decode(errors="replace") if words else None
