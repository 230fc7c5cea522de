"""Whether an image starts another program than the one that it ships: an older one in PATH, or beside it.

Said only where it is sure. A script, an init with the program behind it, or a shell's text may start anything.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from orchestrator.binary.loading.facts import Form, Presence
from orchestrator.binary.loading.launch import is_shell, places_of
from orchestrator.binary.loading.root import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.binary.loading.facts import Found, ProgramFacts
    from orchestrator.binary.loading.root import ImageConfiguration, Root


def starts_another(
    root: Root, image: ImageConfiguration, command: Sequence[str], entry: Sequence[ProgramFacts], shipped: Found
) -> bool:
    """Return whether what a command starts is compiled, is not the shipped program, and is given none to start.

    Args:
        root: the image's files.
        image: how it is started.
        command: ENTRYPOINT and CMD.
        entry: the command's first word and, for a plain shell-form text, the program in it.
        shipped: the program that the image is for.
    """
    if not entry or shipped.presence is not Presence.FILE:
        return False
    started = entry[-1]
    if started.form is not Form.ELF or started.found.real == shipped.real:
        return False
    in_shell = len(entry) > 1
    if is_shell(command[0]) and not in_shell:
        return False
    after = command[-1].split()[1:] if in_shell else command[1:]
    if any(_may_lead_on(root, image, word, shipped) for word in after):
        return False
    return not _same(root, started.found, shipped)


def _may_lead_on(root: Root, image: ImageConfiguration, word: str, shipped: Found) -> bool:
    """Return whether a word names the program, is a text for a shell, or something else that can be executed."""
    if posixpath.basename(word) == posixpath.basename(shipped.path) or shipped.path in word or len(word.split()) > 1:
        return True
    found = (root.find(path) for path in places_of(word, image) if word and not word.startswith("-"))
    return any(each.presence is Presence.FILE and each.mode & 0o111 for each in found)


def _same(root: Root, one: Found, other: Found) -> bool:
    """Return whether two files have the same content; a copy of the program under another name is the program."""
    return one.size == other.size <= MOST_BYTES and root.read(one) == root.read(other)
