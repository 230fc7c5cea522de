"""A call of cargo: what it builds, and what decides whether it uses an earlier call's artifacts."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.subcommands import LINKING, LINKING_NOTHING, TESTING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.dockerfile.shell.model import Command
    from orchestrator.dockerfile.spans import Span

_THROUGH = frozenset({"auditable", "cross", "xwin"})
"""Subcommands that hand on to another one (`cargo auditable build`)."""

_FOLDERS = {"dev": "debug", "test": "debug", "bench": "release"}
_WRAPPERS = frozenset({"env", "time", "timeout", "nice", "exec", "sudo", "nohup", "command", "stdbuf", "ionice"})
_VALUED = frozenset(
    {"--package", "-p", "--exclude", "--bin", "--example", "--profile", "--target", "--target-dir", "--features", "-F"}
    | {"--manifest-path", "--path", "--root", "--jobs", "-j", "--color", "--message-format", "--config", "-Z", "--test"}
    | {"--bench", "--recipe-path", "--git", "--branch", "--tag", "--rev", "--version", "--registry", "--out-dir"}
    | {"--artifact-dir", "--name", "--edition", "--vcs", "--log", "--timings", "--lockfile-path", "-C"}
)
_MIXING = ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC", "RUSTUP_TOOLCHAIN")
"""Variables that give artifacts another name or another content: calls that differ in one do not share artifacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactKey:
    """What two calls must have in common for one to take the other's artifacts as fresh.

    Attributes:
        target_dir: absolute.
        mount: id of the cache mount that it lies in; None in the layer.
        triple: of `--target`; None for the host's own folder.
        profile: its folder (`release`, `debug`).
        mixed: features, toolchain and the variables that enter artifact names.
    """

    target_dir: str
    mount: str | None
    triple: str | None
    profile: str
    mixed: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Return the folder that holds the programs."""
        return posixpath.join(self.target_dir, *([self.triple] if self.triple else []), self.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoCall:
    """One call.

    Attributes:
        command: the command as it stands in the script.
        subcommand: `build`, `clean`, `chef cook`, …; empty for a bare `cargo`.
        key: see there.
        directory: where its manifest is looked for.
        packages, bins: what `-p` and `--bin` select; empty: everything.
        everything: `--workspace`, `--all`.
        library_only: `--lib`.
        certain: whether no word of it is unknown.
    """

    command: Command
    subcommand: str
    key: ArtifactKey
    directory: str
    packages: tuple[str, ...]
    bins: tuple[str, ...]
    everything: bool
    library_only: bool
    certain: bool
    arguments: tuple[str, ...]

    @property
    def span(self) -> Span:
        """Return where it stands."""
        return self.command.span

    @property
    def links(self) -> bool:
        """Return whether it compiles and links something of the project; `cargo install cargo-chef` does not."""
        if self.subcommand == "install" and self.has("--git", "--path"):
            return self.has("--path")
        named = any(not word.startswith("-") for word in self.arguments)
        return self.subcommand in LINKING and not (self.subcommand == "install" and named)

    @property
    def known(self) -> bool:
        """Return whether it is known what the subcommand does; `cargo leptos build` may build programs too."""
        return self.links or self.subcommand in LINKING_NOTHING

    @property
    def tests(self) -> bool:
        """Return whether it builds tests, and the programs again for them."""
        return self.subcommand in TESTING

    def has(self, *names: str) -> bool:
        """Return whether an option was given."""
        return any(word.partition("=")[0] in names for word in self.arguments)

    def value(self, name: str) -> str | None:
        """Return an option's value, None where it is not given."""
        return next(iter(_values(self.arguments, name)), None)


def cargo_call(command: Command, *, directory: str, mounts: Mapping[str, str]) -> CargoCall | None:
    """Return a command as a call of cargo, or None.

    Args:
        command: of a script.
        directory: where it runs, absolute (or unknown).
        mounts: cache mounts of its RUN step: id by mount point.
    """
    words = [word.text for word in command.words]
    environment = dict(command.environment)
    start = _unwrapped(words, environment)
    if start is None:
        return None
    words = words[start:]
    toolchain = words[1] if len(words) > 1 and words[1].startswith("+") else ""
    rest = [word for word in words[1:] if not (word.startswith("+") and word == toolchain)]
    subcommand, arguments = _subcommand(rest)
    arguments = arguments[: arguments.index("--")] if "--" in arguments else arguments
    where = directory
    for option in ("--manifest-path", "--path"):
        for value in _values(arguments, option):
            place = posixpath.dirname(value) if option == "--manifest-path" else value
            where = posixpath.normpath(posixpath.join(directory, place)) if UNKNOWN not in place else UNKNOWN
    return CargoCall(
        command=command,
        subcommand=subcommand,
        key=_key(
            subcommand, arguments, environment, where=where, directory=directory, toolchain=toolchain, mounts=mounts
        ),
        directory=where,
        packages=tuple(
            value.partition("@")[0].partition(":")[0]
            for name in ("-p", "--package")
            for value in _values(arguments, name)
        ),
        bins=tuple(_values(arguments, "--bin")),
        everything="--workspace" in arguments or "--all" in arguments,
        library_only="--lib" in arguments and "--bins" not in arguments and not any(_values(arguments, "--bin")),
        certain=not any(UNKNOWN in word for word in [where, *words[1:]]),
        arguments=tuple(arguments),
    )


def _unwrapped(words: Sequence[str], environment: dict[str, str]) -> int | None:
    """Return the place of `cargo` among words that may begin with `env A=b`, `timeout 5` and the like."""
    for place, word in enumerate(words[:8]):
        name = word.rsplit("/", 1)[-1]
        if name in {"cargo", "cross"}:
            return place
        variable, equals, value = word.partition("=")
        if equals and variable.isidentifier() and place:
            environment[variable] = value
        elif not (name in _WRAPPERS or (place and (word.startswith("-") or word[:1].isdigit()))):
            return None
    return None


def _subcommand(words: Sequence[str]) -> tuple[str, list[str]]:
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in _VALUED and "=" not in words[place] else 1
    before, rest = list(words[:place]), list(words[place:])
    if not rest:
        return "", before
    name, arguments = rest[0], rest[1:]
    if name in _THROUGH and arguments and not arguments[0].startswith("-"):
        name, arguments = arguments[0], arguments[1:]
    elif name == "chef" and arguments:
        name, arguments = f"chef {arguments[0]}", arguments[1:]
    return name, before + arguments


def _key(
    subcommand: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    where: str,
    directory: str,
    toolchain: str,
    mounts: Mapping[str, str],
) -> ArtifactKey:
    target_dir = (
        next(_values(arguments, "--target-dir"), "")
        or environment.get("CARGO_TARGET_DIR")
        or (environment.get("CARGO_BUILD_TARGET_DIR") or "")
    )
    # A relative folder of a variable or an option is seen from where cargo runs, the default from the workspace.
    folder = posixpath.join(directory, target_dir) if target_dir else posixpath.join(where, "target")
    folder = posixpath.normpath(folder)
    triple = _triple(next(_values(arguments, "--target"), None) or environment.get("CARGO_BUILD_TARGET") or None)
    features = sorted(
        {
            word
            for name in ("--features", "-F")
            for value in _values(arguments, name)
            for word in value.replace(",", " ").split()
        }
    )
    flags = sorted(word for word in arguments if word in {"--all-features", "--no-default-features"})
    variables = [f"{name}={environment[name]}" for name in _MIXING if environment.get(name)]
    return ArtifactKey(
        target_dir=folder,
        mount=next(
            (ident for point, ident in mounts.items() if folder == point or folder.startswith(point + "/")), None
        ),
        triple=triple,
        profile=_profile(subcommand, arguments),
        mixed=(toolchain, *features, *flags, *variables),
    )


def _triple(given: str | None) -> str | None:
    """Return the folder of a target: without a C library's version (zigbuild), or the stem of a target file."""
    if given is None or UNKNOWN in given:
        return given
    if given.endswith(".json"):
        return posixpath.basename(given).removesuffix(".json")
    return given.split(".")[0]


def _profile(subcommand: str, arguments: Sequence[str]) -> str:
    given = next(_values(arguments, "--profile"), None)
    if given is not None:
        return _FOLDERS.get(given, given)
    if "--release" in arguments or "-r" in arguments or subcommand == "bench":
        return "release"
    return "release" if subcommand == "install" and "--debug" not in arguments else "debug"


def _values(arguments: Sequence[str], name: str) -> Iterator[str]:
    for place, word in enumerate(arguments):
        if word == name and place + 1 < len(arguments):
            yield arguments[place + 1]
        elif word.startswith(name + "="):
            yield word[len(name) + 1 :]
        elif name == "-p" and word.startswith("-p") and len(word) > len(name) and not word.startswith("--"):
            yield word[len(name) :]
