"""Commands that bring files from elsewhere: `cp` and its like, git, archives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.events import Arrived, Cloned, Removed, Taken, Written
from orchestrator.dockerfile.timeline.files import FileSet, Reach, absolute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.dockerfile.shell.model import Command
    from orchestrator.dockerfile.timeline.events import Event, Step


def _copied(command: Command, directory: str, step: Step) -> Iterator[Event]:
    options = [word.text for word in command.arguments if word.text.startswith("-")]
    words = [word for word in command.arguments if not word.text.startswith("-")]
    target = next((text.partition("=")[2] for text in options if text.startswith("--target-directory=")), None)
    if command.name == "install":
        words = [word for word in words if not re.fullmatch(r"0?[0-7]{3}", word.text)]
    if len(words) < 2 and target is None:  # noqa: PLR2004 - a source and a destination
        return
    to = absolute(target, directory) if target is not None else absolute(words[-1], directory)
    sources = words if target is not None else words[:-1]
    for word in sources:
        yield Taken(path=absolute(word, directory).text, to=to.text, sure=command.sure, span=command.span, step=step)
    if to.text.endswith(".rs") and all(word.text == "/dev/null" for word in sources):
        yield Written(path=to.text, content="", span=command.span, step=step)
        return
    letters = "".join(option for option in options if not option.startswith("--"))
    keeps = command.name in {"mv", "rsync"} or any(letter in letters for letter in "apu")
    keeps = keeps or any(option.startswith(("--preserve", "--archive", "--update")) for option in options)
    yield Arrived(
        sources=(), to=to.text, folder=False, origin=command.name, fresh=Reach.MAYBE if keeps else Reach.YES,
        context=None, span=command.span, step=step,
    )  # fmt: skip
    if command.name == "mv":
        files = FileSet(roots=tuple(absolute(word, directory) for word in sources), recursive=True)
        yield Removed(files=files, forced=False, quoted=False, written=(), span=command.span, step=step)


_BRINGING = frozenset({"clone", "checkout", "reset", "pull", "apply", "am", "switch", "restore", "submodule"})


def _git(command: Command, directory: str, step: Step) -> Iterator[Event]:
    words = [word.text for word in command.arguments]
    verb = next((word for word in words if not word.startswith("-")), "")
    rest = words[words.index(verb) + 1 :] if verb else []
    if verb == "clone":
        branch = next((rest[n + 1] for n, word in enumerate(rest[:-1]) if word in {"-b", "--branch", "--revision"}), "")
        branch = branch or next(
            (word.partition("=")[2] for word in rest if word.startswith(("--branch=", "--revision="))), ""
        )
        pinned = UNKNOWN in branch or re.search(r"\d", branch) is not None
        yield Cloned(pinned=pinned or any(UNKNOWN in word for word in rest), span=command.span, step=step)
    if verb in _BRINGING:
        # A clone names its folder, or makes one: it may be any.
        yield Arrived(
            sources=(),
            to="/" if verb == "clone" else directory,
            folder=True,
            origin="git",
            fresh=Reach.YES,
            context=None,
            span=command.span,
            step=step,
        )


def _unpacked(command: Command, directory: str, step: Step) -> Iterator[Event]:
    words = [word.text for word in command.arguments]
    into = next((words[n + 1] for n, word in enumerate(words[:-1]) if word in {"-C", "-d", "--directory"}), ".")
    if command.name == "tar" and not any("x" in word for word in words[:2]):
        return
    yield Arrived(
        sources=(), to=absolute(into, directory).text, folder=True, origin=command.name, fresh=Reach.MAYBE,
        context=None, span=command.span, step=step,
    )  # fmt: skip


TRANSFERS: dict[str, Callable[[Command, str, Step], Iterator[Event]]] = {
    "cp": _copied,
    "mv": _copied,
    "install": _copied,
    "rsync": _copied,
    "ln": _copied,
    "git": _git,
    "tar": _unpacked,
    "unzip": _unpacked,
}
"""Reader by the command's name."""
