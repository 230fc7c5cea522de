"""Which file an image's command means: the engine's rules for ENTRYPOINT, CMD, WORKDIR and PATH."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.binary.loading.facts import Found, Presence

if TYPE_CHECKING:
    from orchestrator.binary.loading.root import ImageConfiguration, Root

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the engine sets where the image has no PATH."""

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_SHELL_FORM = 3  # shell, -c, text
# Only words that no shell would read in another way, so that the first one surely is the program.
_PLAIN_TEXT = re.compile(r"(?:exec +)?(?P<word>[\w./+@%:-]+)(?: +[\w./+@%:=,-]+)*\s*")
_BUILT_IN = frozenset({"cd", "echo", "eval", "exec", "exit", "export", "set", "test", "true", "false", "trap", "umask"})


def full_command(image: ImageConfiguration, arguments: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return what the engine would execute: ENTRYPOINT, then CMD or the arguments that replace it."""
    return (*image.entrypoint, *(image.command if arguments is None else arguments))


def shell_word(command: tuple[str, ...]) -> str | None:
    """Return the program that a shell-form text starts; None where only a shell could tell."""
    if len(command) < _SHELL_FORM or command[1] != "-c" or posixpath.basename(command[0]) not in _SHELLS:
        return None
    match = _PLAIN_TEXT.fullmatch(command[2])
    return match["word"] if match and match["word"] not in _BUILT_IN else None


def locate(root: Root, word: str, image: ImageConfiguration) -> tuple[Found, tuple[str, ...]]:
    """Return the file that a word means and the paths looked at.

    A word with a slash is a path, relative to WORKDIR. Any other is searched in PATH, where folders and files that
    nobody may execute are passed over (Go's exec.LookPath); when only such were found, the first of them is returned.
    """
    if "/" in word:
        path = posixpath.join(image.working_directory or "/", word)
        return root.find(path), (path,)
    folders = image.environment.get("PATH", DEFAULT_PATH).split(":")
    paths = tuple(posixpath.join(folder, word) for folder in folders if folder.startswith("/"))
    passed_over = None
    for index, path in enumerate(paths):
        found = root.find(path)
        if found.presence is Presence.FILE and found.mode & 0o111:
            return found, paths[: index + 1]
        if passed_over is None and found.presence is not Presence.MISSING:
            passed_over = found
    missing = Found(path=word, real=word, presence=Presence.MISSING)
    return passed_over or missing, paths
