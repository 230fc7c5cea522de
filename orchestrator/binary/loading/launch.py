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


def is_shell(word: str) -> bool:
    """Return whether a command's first word is a shell, which may start whatever it is told to."""
    return posixpath.basename(word) in _SHELLS


def shell_word(command: tuple[str, ...]) -> str | None:
    """Return the program that a shell-form text starts; None where only a shell could tell."""
    if len(command) < _SHELL_FORM or command[1] != "-c" or not is_shell(command[0]):
        return None
    match = _PLAIN_TEXT.fullmatch(command[2])
    return match["word"] if match and match["word"] not in _BUILT_IN else None


def words_after(image: ImageConfiguration, arguments: tuple[str, ...] | None, program: str) -> tuple[str, ...]:
    """Return what the image gives its program.

    That is what follows the first word that means it, by its path or by its name in PATH. Where no word does, a script
    or a link starts it, and is taken to pass on what it is given.

    Args:
        image: how the image is to be started.
        arguments: what replaces its CMD.
        program: the absolute path of its program in it.
    """
    entry = _said(image.entrypoint)
    given = _said(image.command if arguments is None else arguments)
    if entry is None or given is None:
        return ()
    if entry != image.entrypoint:
        given = ()  # the shell takes them for its own
    command = (*entry, *given)
    for place, word in enumerate(command):
        if program in map(posixpath.normpath, places_of(word, image)):
            return command[place + 1 :]
    return given if entry else ()


def _said(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the words that are executed, those of the text for the shell form; None where only a shell could tell."""
    if len(words) < _SHELL_FORM or words[1] != "-c" or not is_shell(words[0]):
        return words
    return tuple(words[2].split()) if shell_word(words) else None


def places_of(word: str, image: ImageConfiguration) -> tuple[str, ...]:
    """Return the paths that a word of a command can mean, the first one first: by PATH, or relative to WORKDIR."""
    if "/" in word:
        return (posixpath.join(image.working_directory or "/", word),)
    folders = image.environment.get("PATH", DEFAULT_PATH).split(":")
    return tuple(posixpath.join(folder, word) for folder in folders if folder.startswith("/"))


def locate(root: Root, word: str, image: ImageConfiguration) -> tuple[Found, tuple[str, ...]]:
    """Return the file that a word means and the paths looked at.

    A word with a slash is a path, relative to WORKDIR. Any other is searched in PATH, where folders and files that
    nobody may execute are passed over (Go's exec.LookPath); when only such were found, the first of them is returned.
    """
    paths = places_of(word, image)
    if "/" in word:
        return root.find(paths[0]), paths
    passed_over = None
    for index, path in enumerate(paths):
        found = root.find(path)
        if found.presence is Presence.FILE and found.mode & 0o111:
            return found, paths[: index + 1]
        if passed_over is None and found.presence is not Presence.MISSING:
            passed_over = found
    missing = Found(path=word, real=word, presence=Presence.MISSING)
    return passed_over or missing, paths
