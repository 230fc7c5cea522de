"""From a command to what it does to sources and artifacts."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.cargo_call import cargo_call
from orchestrator.dockerfile.timeline.events import (
    Called,
    ManifestEdited,
    Ran,
    Removed,
    Touched,
    Unreadable,
    Written,
)
from orchestrator.dockerfile.timeline.files import FileSet, Pattern, Reach, absolute
from orchestrator.dockerfile.timeline.found import find
from orchestrator.dockerfile.timeline.transfers import TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestrator.dockerfile.shell.model import Command, Word
    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.events import Event, Step

_BUILDERS = frozenset(
    {
        "trunk",
        "wasm-pack",
        "dx",
        "maturin",
        "xx-cargo",
        "nix",
        "make",
        "gmake",
        "just",
        "task",
        "ninja",
        "cmake",
        "bazel",
        "buck2",
        "earthly",
        "xtask",
        "mage",
    }
)
_INTERPRETERS = frozenset({"python", "python3", "perl", "ruby", "node", "eval"})
_EVERYTHING = FileSet(roots=(Pattern(text="/", glob=False),), recursive=True, certain=False)
_MASKING = re.compile(r"version|name|path|main\.rs|lib\.rs|dummy|stub|\\\[lib|\\\[bin|\[lib|\[bin|build")
_NOW = re.compile(r"now|\+|tomorrow|today|@?9{6,}|20[3-9]\d|2[1-9]\d\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a command runs. `directory`: where its RUN step began, absolute."""

    directory: str
    step: Step


def effects(command: Command, setting: Setting) -> Iterator[Event]:
    """Yield what a command does, `Ran` first."""
    directory = _directory(command, setting)
    yield Ran(command=command, directory=directory, span=command.span, step=setting.step)
    yield from _redirected(command, directory, setting.step)
    call = cargo_call(command, directory=directory, mounts=setting.step.mounts)
    if call is not None:
        yield from _called(call, command, directory, setting.step)
        return
    reader = _COMMANDS.get(command.name)
    if reader is not None:
        yield from reader(command, directory, setting.step)
    elif (
        command.name in _BUILDERS
        or command.name.startswith("cargo-")
        or (command.name in _INTERPRETERS and command.arguments)
        or _unknown_name(command)
    ):
        yield Unreadable(name=command.name or "a command that is not known", span=command.span, step=setting.step)


def _directory(command: Command, setting: Setting) -> str:
    if UNKNOWN in command.directory:
        return UNKNOWN
    return posixpath.normpath(posixpath.join(setting.directory, command.directory))


def _unknown_name(command: Command) -> bool:
    return bool(command.words) and not command.words[0].known


def _redirected(command: Command, directory: str, step: Step) -> Iterator[Event]:
    for redirection in command.redirections:
        target = redirection.target
        if target is None or target.text.startswith(("/dev/", "&")) or target.text.isdigit():
            continue
        place = absolute(target, directory)
        if redirection.operator in {">", ">|", "&>"}:
            yield Written(path=place.text, content=_output(command), span=command.span, step=step)
        elif redirection.operator in {">>", "&>>"}:
            files = FileSet(roots=(place,), recursive=False)
            yield Touched(
                files=files, backdated=Reach.NO, creates=True, literal=(target.text,), span=command.span, step=step
            )


def _output(command: Command | None) -> str | None:
    """Return what a command prints, where that is certain."""
    if command is None:
        return None
    body = next((each.body for each in command.redirections if each.body is not None), None)
    if command.name in {"cat", "tee"} and body is not None:
        return body
    words = [word.text for word in command.arguments if not re.fullmatch(r"-[neE]+", word.text)]
    if command.name in {"echo", "printf"}:
        text = " ".join(words)
        return None if UNKNOWN in text else text.replace("\\n", "\n")
    if not command.words or command.name in {":", "true"} or (command.name == "cat" and words == ["/dev/null"]):
        return ""
    return None


def _called(call: CargoCall, command: Command, directory: str, step: Step) -> Iterator[Event]:
    yield Called(call=call, step=step)
    if not call.known:
        yield Unreadable(name=f"cargo {call.subcommand}", span=command.span, step=step)
    if call.subcommand not in {"new", "init"}:
        return
    named = [word for word in call.arguments if not word.startswith("-")]
    options = {call.value(name) for name in ("--name", "--vcs", "--edition")}
    named = [word for word in named if word not in options]
    folder = absolute(named[0], directory).text if named else directory
    root = "src/lib.rs" if call.has("--lib") else "src/main.rs"
    content = "" if call.has("--lib") else 'fn main() { println!("Hello, world!"); }'
    yield Written(path=posixpath.join(folder, root), content=content, span=command.span, step=step)
    if call.subcommand == "new":
        yield Written(path=posixpath.join(folder, "Cargo.toml"), content=None, span=command.span, step=step)


def _touch(command: Command, directory: str, step: Step) -> Iterator[Event]:
    words, backdated, access_only, creates = _touch_options(command.arguments)
    if access_only:
        return
    files = FileSet(roots=tuple(absolute(word, directory) for word in words), recursive=False)
    literal = tuple(word.text for word in words)
    yield Touched(files=files, backdated=backdated, creates=creates, literal=literal, span=command.span, step=step)


def _touch_options(words: Sequence[Word]) -> tuple[list[Word], Reach, bool, bool]:
    """Return (files, whether it sets an old time, whether only the access time, whether it makes files)."""
    files: list[Word] = []
    backdated, access, modified, creates, place = Reach.NO, False, False, True, 0
    while place < len(words):
        text = words[place].text
        place += 1
        value: str | None = None
        if text.startswith(("--date=", "--reference=")):
            value = text.partition("=")[2]
        elif text in {"-d", "-t", "-r", "--date", "--reference"} or re.fullmatch(r"-[acmh]+[dtr]", text):
            value, place = (words[place].text if place < len(words) else ""), place + 1
        elif not text.startswith("-") or text == "-":
            files.append(words[place - 1])
        if value is not None:
            # What `-r` and a variable say is not known; a date that is written out is one of the past.
            unsure = UNKNOWN in value or "$" in value or text.startswith(("-r", "--reference"))
            backdated = Reach.NO if _NOW.match(value) else Reach.MAYBE if unsure else Reach.YES
        if text.startswith("-") and not text.startswith("--"):
            access, modified = access or "a" in text, modified or "m" in text
            creates = creates and "c" not in text
        creates = creates and text != "--no-create"
    return files, backdated, access and not modified, creates


def _xargs(command: Command, directory: str, step: Step) -> Iterator[Event]:
    words = list(command.arguments)
    place = 0
    while place < len(words) and words[place].text.startswith("-"):
        place += 2 if words[place].text in {"-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E"} else 1
    action = tuple(word.text for word in words[place:])
    files = _EVERYTHING
    source = command.stdin
    while source is not None and source.name in {"grep", "sort", "head", "tail", "tee", "sed"}:
        source = source.stdin
        files = _EVERYTHING
    if source is not None and source.name == "find" and source is command.stdin:
        found = find(source, directory)
        files = found.files
    elif source is not None and source.name in {"echo", "printf", "ls"}:
        listed = [word for word in source.arguments if not word.text.startswith("-")]
        files = FileSet(roots=tuple(absolute(word, directory) for word in listed), recursive=False)
    yield from _acted(action, files, command, step)


def _find(command: Command, directory: str, step: Step) -> Iterator[Event]:
    found = find(command, directory)
    yield from _acted(found.action, found.files, command, step)


def _acted(action: Sequence[str], files: FileSet, command: Command, step: Step) -> Iterator[Event]:
    """Yield what `-exec` or `xargs` does to a set of files."""
    name = action[0].rsplit("/", 1)[-1] if action else ""
    if name == "touch":
        words = [word for word in command.arguments if word.text not in {"{}", "+", ";"}]
        start = next((n for n, word in enumerate(words) if word.text.rsplit("/", 1)[-1] == "touch"), 0)
        _, backdated, access_only, _ = _touch_options(words[start + 1 :])
        if not access_only:
            yield Touched(files=files, backdated=backdated, creates=False, literal=(), span=command.span, step=step)
    elif name in {"rm", "-delete", "unlink"}:
        yield Removed(files=files, forced=True, quoted=False, written=(), span=command.span, step=step)
    elif name == "sed" and any(word.startswith(("-i", "--in-place")) for word in action):
        yield Touched(files=files, backdated=Reach.NO, creates=False, literal=(), span=command.span, step=step)
    elif name in {"sh", "bash", "env", "dash"}:
        yield Unreadable(name=f"{command.name} with {name}", span=command.span, step=step)


def _rm(command: Command, directory: str, step: Step) -> Iterator[Event]:
    options = "".join(word.text for word in command.arguments if word.text.startswith("-"))
    words = [word for word in command.arguments if not word.text.startswith("-")]
    recursive = "r" in options.replace("--force", "") or "R" in options
    yield Removed(
        files=FileSet(roots=tuple(absolute(word, directory) for word in words), recursive=recursive),
        forced="f" in options,
        quoted=any(word.quoted and not word.glob and re.search(r"[*?]", word.text) for word in words),
        written=tuple(word.text.replace(UNKNOWN, "…") for word in words),
        span=command.span,
        step=step,
    )


def _sed(command: Command, directory: str, step: Step) -> Iterator[Event]:
    if not any(word.text.startswith(("-i", "--in-place")) for word in command.arguments):
        return
    words = [word for word in command.arguments if not word.text.startswith("-")]
    script = " ".join(word.text for word in words if not word.text.endswith((".toml", ".rs", ".lock")))
    if any(word.text.endswith("Cargo.toml") for word in words):
        yield ManifestEdited(masks=_MASKING.search(script) is not None, span=command.span, step=step)
    roots = tuple(absolute(word, directory) for word in words if word.text.endswith(".rs"))
    if roots:
        files = FileSet(roots=roots, recursive=False)
        yield Touched(files=files, backdated=Reach.NO, creates=False, literal=(), span=command.span, step=step)


def _tee(command: Command, directory: str, step: Step) -> Iterator[Event]:
    for word in command.arguments:
        if not word.text.startswith("-"):
            yield Written(
                path=absolute(word, directory).text,
                content=_output(command.stdin) if command.stdin else _output(command),
                span=command.span,
                step=step,
            )


def _truncate(command: Command, directory: str, step: Step) -> Iterator[Event]:
    for word in command.arguments:
        if word.text.endswith(".rs"):
            yield Written(path=absolute(word, directory).text, content="", span=command.span, step=step)


_COMMANDS: dict[str, Callable[[Command, str, Step], Iterator[Event]]] = {
    "touch": _touch,
    "xargs": _xargs,
    "find": _find,
    "rm": _rm,
    "sed": _sed,
    "tee": _tee,
    "truncate": _truncate,
    **TRANSFERS,
}
