"""Cargo's command line for what the spec says, and the part of it that has to be the image's."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.toolchains.cargo.project import CargoProject
    from orchestrator.toolchains.cargo.settings import CargoSettings

_BUILDS = {"build", "b", "install"}
_FLAGS = {"--workspace", "--all"}
_VALUED = {"--package", "-p", "--exclude"}
_ENDS = frozenset({"&&", "||", ";", "|", "&"})


def cargo_words(settings: CargoSettings, project: CargoProject, *, selection: Sequence[str] | None = None) -> list[str]:
    """Return the words after `cargo`, as a person would write them.

    Args:
        settings: the spec's slice.
        project: package and program.
        selection: how the image's call selects packages (`selection_of`); None where that is not known. Cargo unifies
            the features of all selected packages, so another selection can give another program.
    """
    profile = ["--release"] if settings.profile == "release" else [f"--profile={settings.profile}"]
    features = [f"--features={','.join(settings.features)}"] if settings.features else []
    chosen = _default_selection(settings, project) if selection is None else list(selection)
    return [
        "build",
        *profile,
        *(["--locked"] if settings.locked else []),
        *features,
        *([] if settings.default_features else ["--no-default-features"]),
        *chosen,
        f"--bin={project.binary}",
    ]


def selection_of(script: str, *, program: str) -> tuple[str, ...] | None:
    """Return how the last cargo build of a RUN step's script selects packages; None where there is no such call.

    Args:
        script: shell text.
        program: the name of the program that is shipped. A call for another one (`--bin`) does not count.
    """
    found = None
    for words in _calls(script):
        programs = [value for name, value in _options(words) if name == "--bin"]
        if not programs or program in programs:
            found = tuple(_selecting(words))
    return found


def _default_selection(settings: CargoSettings, project: CargoProject) -> list[str]:
    here = next((member.name for member in project.members if member.folder == project.folder), None)
    # In its own folder a package is selected by default, as a Dockerfile's plain `cargo build` there does.
    return [f"--package={project.package}"] if settings.package is not None and here != project.package else []


def _selecting(words: Sequence[str]) -> Iterator[str]:
    for name, value in _options(words):
        if name in _FLAGS:
            yield name
        elif name in _VALUED and value is not None:
            yield f"{'--package' if name == '-p' else name}={value}"


def _options(words: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield options with their value: the text after `=`, else the next word (which may be no value at all)."""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word.startswith("-p") and len(word) > len("-p") and not word.startswith("--"):
            yield "-p", word.removeprefix("-p").removeprefix("=")
        elif word.startswith("-"):
            yield name, value if equals else next(iter(words[number + 1 : number + 2]), None)


def _calls(script: str) -> Iterator[list[str]]:
    """Yield the words after the subcommand of each `cargo build` in a script."""
    try:
        words = list(_lexed(script))
    except ValueError:  # An unclosed quote: a script that the shell would refuse, or that is more than words.
        return
    for number, word in enumerate(words):
        if word == "cargo" or word.endswith("/cargo"):
            rest = words[number + 1 :]
            end = next((place for place, each in enumerate(rest) if each in _ENDS), len(rest))
            call = [each for each in rest[:end] if not each.startswith("+")]
            if call and call[0] in _BUILDS:
                yield call[1:]


def _lexed(script: str) -> Iterator[str]:
    lexer = shlex.shlex(script.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    yield from lexer
