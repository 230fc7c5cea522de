"""Reading all that decides whether an image can start, in the order in which engine, kernel and loader ask."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.binary.loading.elf import MAGIC, LoaderView, view_elf
from orchestrator.binary.loading.facts import Form, Found, LoadFacts, Presence, ProgramFacts
from orchestrator.binary.loading.launch import full_command, locate, shell_word
from orchestrator.binary.loading.ldcache import read_cache
from orchestrator.binary.loading.other_program import starts_another
from orchestrator.binary.loading.root import MOST_BYTES, ImageConfiguration, Root, RootFiles
from orchestrator.binary.loading.search import CACHE, PRELOAD, Libraries
from orchestrator.binary.loading.users import EXECUTE, READ, Account, find_account, gains_rights, may

if TYPE_CHECKING:
    from pathlib import Path

_LINE = 256  # BINPRM_BUF_SIZE: what the kernel reads of a script
_DEEPEST = 4  # scripts that are run by scripts (BINPRM recursion)


def read_loadable(
    files: RootFiles,
    image: ImageConfiguration,
    *,
    binary: str,
    program: Path | None = None,
    arguments: tuple[str, ...] | None = None,
) -> LoadFacts:
    """Read what starting an image takes, without starting it.

    Args:
        files: the image's files.
        image: how the image says it is to be started.
        binary: path of the shipped program in the image.
        program: a copy of that program on this machine, so that it need not be read out of the image again.
        arguments: what replaces the image's CMD.
    """
    root = Root(files)
    command = full_command(image, arguments)
    content = None if program is None else program.read_bytes()
    if content is not None:
        _warm(root, command, binary, view_elf(content))
    reading = _Reading(root, image, find_account(root, image.user))
    shipped = root.find(binary)
    if content is not None and shipped.presence is Presence.FILE:
        root.keep(shipped, content)
    entry = reading.entry(command)
    facts = reading.program(shipped.path, shipped, (shipped.path,))
    return LoadFacts(
        command=command,
        architecture=image.architecture,
        user=image.user,
        user_known=reading.account is not None,
        entry=entry,
        binary=facts,
        not_judged=tuple(dict.fromkeys(reading.not_judged)),
        other_program=starts_another(root, image, command, entry, shipped),
    )


def read_ahead(files: RootFiles, program: Path) -> None:
    """Read what starting a program takes of a base, so that whoever keeps what is read has it by the time it is asked.

    Args:
        files: the base's files.
        program: the program that images of this base will start, maybe by a script.
    """
    _warm(Root(files), ("/bin/sh",), "", view_elf(program.read_bytes()))


def _warm(root: Root, command: tuple[str, ...], binary: str, view: LoaderView | None) -> None:
    """Read at the same time what a usual image needs; whatever it turns out not to need has cost little."""
    entry = command[0] if command and command[0].startswith("/") else ""
    files = [entry, "/bin/sh"] if entry and entry != binary else []
    if view is not None and view.interpreter is not None:
        files += [view.interpreter, CACHE]
    folders = [folder for path in (entry, binary) if path for folder in _parents(path)]
    root.warm(files, [*folders, *([binary] if binary else []), PRELOAD])
    if view is not None and view.needed:
        cached = root.find(CACHE)
        known = read_cache(root.read(cached)) if cached.presence is Presence.FILE else {}
        itself = posixpath.basename(view.interpreter or "")
        root.warm([known[name][0] for name in view.needed if name in known and name != itself])


def _parents(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/", *("/" + "/".join(parts[: end + 1]) for end in range(len(parts)))]


class _Reading:
    """One reading of one image; collects what it cannot tell in `not_judged`."""

    def __init__(self, root: Root, image: ImageConfiguration, account: Account | None) -> None:
        self._root, self._image, self.account = root, image, account
        self._libraries = Libraries(root, image)
        self.not_judged: list[str] = []

    def entry(self, command: tuple[str, ...]) -> tuple[ProgramFacts, ...]:
        """Read the command's first word and, for a plain shell-form text, the program in it."""
        if not command:
            return ()
        words = [command[0]]
        inner = shell_word(command)
        if inner is not None:
            words.append(inner)
        return tuple(self.program(word, *locate(self._root, word, self._image)) for word in words)

    def program(self, word: str, found: Found, tried: tuple[str, ...], *, depth: int = 0) -> ProgramFacts:
        """Read one file that is to be executed."""
        facts = ProgramFacts(word=word, found=found, tried=tried)
        if found.presence is not Presence.FILE:
            return facts
        if self.account is not None:
            execute = may(self._root, found.real, found.mode, self.account, right=EXECUTE)
            facts = replace(facts, execute=execute)
            if execute.allowed is None:
                self.not_judged.append(f"whether the image's user may execute {found.real}")
        if found.size > MOST_BYTES:
            self.not_judged.append(f"{found.real}, which has {found.size:,} bytes")
            return facts
        content = self._root.read(found)
        if content.startswith(MAGIC):
            return self._elf(facts, found)
        if content.startswith(b"#!"):
            return self._script(facts, content[2:_LINE].split(b"\n", 1)[0].decode(errors="replace"), depth)
        return replace(facts, form=Form.OTHER if content else Form.EMPTY)

    def _script(self, facts: ProgramFacts, line: str, depth: int) -> ProgramFacts:
        self.not_judged.append(f"what the script {facts.found.real} starts")
        read = None
        if self.account is not None:
            read = may(self._root, facts.found.real, facts.found.mode, self.account, right=READ)
        interpreter = self._interpreter(line, depth) if depth < _DEEPEST else ()
        return replace(facts, form=Form.SCRIPT, shebang=line, read=read, interpreter=interpreter)

    def _interpreter(self, line: str, depth: int) -> tuple[ProgramFacts, ...]:
        """Read what a script's first line names, and the program that `env` is to start."""
        # The kernel splits at the first blank and knows no other separator: a carriage return is part of the name.
        word, _, argument = line.strip(" \t").partition(" ")
        if "\t" in word:
            word, _, argument = line.strip(" \t").partition("\t")
        if not word:
            return ()
        path = posixpath.join(self._image.working_directory or "/", word)
        programs = [self.program(word, self._root.find(path), (path,), depth=depth + 1)]
        inner = _env_word(argument) if posixpath.basename(word) == "env" else None
        if inner is not None:
            programs.append(self.program(inner, *locate(self._root, inner, self._image), depth=depth + 1))
        return tuple(programs)

    def _elf(self, facts: ProgramFacts, found: Found) -> ProgramFacts:
        view = self._libraries.view(found)
        if view is None:
            return replace(facts, form=Form.OTHER)
        facts = replace(facts, form=Form.ELF, damage=view.damage, machine=view.machine, bits=view.bits)
        if view.damage is not None or view.interpreter is None:
            return facts
        loader = self._libraries.loader(view.interpreter)
        facts = replace(facts, loader=loader.found, loader_machine=loader.view.machine if loader.view else None)
        if loader.view is None or loader.view.machine != view.machine:
            return facts
        # Seldom anything depends on it, and to know it takes a look at the file's owner and attributes.
        trusting = {
            "LD_LIBRARY_PATH",
            "LD_PRELOAD",
        } & self._image.environment.keys() or "$" in view.rpath + view.runpath
        if trusting and gains_rights(self._root, found.real, found.mode, self.account):
            loader = replace(loader, secure=True)
        resolution = self._libraries.resolve(found, view, loader)
        self.not_judged += [
            f"whether {path}, which carries no symbol versions, fits its users" for path in resolution.unversioned
        ]
        return replace(facts, libraries=resolution.libraries, gaps=resolution.gaps, resolved=resolution.resolved)


def _env_word(argument: str) -> str | None:
    """Return the program in the argument of `env`; None where its options or assignments make it a guess."""
    # The kernel hands over all of it as one word; `-S` makes env split it.
    word = argument.strip(" \t")
    if word.startswith("-S"):
        word = next(iter(word[2:].split()), "")
    return word if word and not word.startswith("-") and "=" not in word else None
