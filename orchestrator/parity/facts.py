"""What is known of the two builds beside the programs that came out: a difference here explains one there.

Whoever compares two files that came from anywhere knows nothing of this. A run knows most of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFacts:
    """One build, as far as it is known; None or empty means unknown, not absent.

    Attributes:
        rustc: version, commit and date, as `rustc -V` says.
        c_compiler: as `cc --version` says in its first line.
        linker: as the linker names itself.
        target: the argument of `--target`; an empty text means that none was given.
        rustflags: in the order in which rustc got them.
        profile: cargo profile settings by name (`opt-level`, `lto`, `codegen-units`, `panic`, `strip`, `debug`, …).
        features: `package/feature`, sorted.
        environment: variables that build scripts may read.
        folders: what lay where: `workspace`, `cargo-home`, `sysroot`, `target`.
        user: name of the user who built.
        host: name of the machine.
        epoch: SOURCE_DATE_EPOCH, seconds.
        libraries: system libraries that pkg-config finds, with versions.
        sources: digest of the sources that were compiled.
        configuration: digests of the project's own configuration files of cargo that were there, by path.
    """

    rustc: str | None = None
    c_compiler: str | None = None
    linker: str | None = None
    target: str | None = None
    rustflags: tuple[str, ...] | None = None
    profile: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    host: str | None = None
    epoch: int | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    sources: str | None = None
    configuration: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """Both builds.

    Attributes:
        programs: names of all binaries of the workspace, to tell one of them from a foreign program.
        repeatable: whether one side, built twice, gave the same program; None when nobody tried.
    """

    local: SideFacts
    image: SideFacts
    programs: tuple[str, ...] = ()
    repeatable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDifference:
    """One thing that both builds are known to have got, and got differently.

    Attributes:
        cause: the cause that it brings about.
        name: what it is.
        repair: what helps, where it is not that both get the same by the spec or by Cargo.toml.
    """

    cause: str
    name: str
    local: str
    image: str
    repair: str = ""


_PLAIN = (
    *(("rustc", "toolchain"), ("c_compiler", "c-compiler"), ("linker", "linker"), ("target", "symbol-hash")),
    *(("epoch", "timestamp"), ("sources", "other-sources")),
)
_PROFILE = {
    "opt-level": "codegen-settings",
    "lto": "lto",
    "codegen-units": "codegen-units",
    "panic": "panic-strategy",
    "overflow-checks": "overflow-checks",
    "debug-assertions": "overflow-checks",
    "strip": "stripped",
    "debug": "debug-info",
    "incremental": "codegen-units",
}


def input_differences(facts: BuildFacts | None) -> tuple[InputDifference, ...]:
    """Return what is known to differ between the inputs of both builds. What only one side knows is no difference.

    User, host and variables are left out: most of them never get into a program, so they count where the bytes show
    them (`cause/baked_value.py`).
    """
    if facts is None:
        return ()
    local, image = facts.local, facts.image
    found = []
    for name, cause in _PLAIN:
        here, there = getattr(local, name), getattr(image, name)
        if here is not None and there is not None and here != there:
            found.append(InputDifference(cause=cause, name=name, local=str(here), image=str(there)))
    found += _mapping(local.profile, image.profile, {**_PROFILE})
    found += _mapping(local.folders, image.folders, {}, other="paths")
    found += _mapping(local.libraries, image.libraries, {}, other="needed-differs")
    if local.features is not None and image.features is not None and local.features != image.features:
        here, there = sorted({*local.features} - {*image.features}), sorted({*image.features} - {*local.features})
        found.append(InputDifference(cause="features", name="features", local=", ".join(here), image=", ".join(there)))
    return tuple(found) + _flags(local, image) + _configuration(local, image)


def _configuration(local: SideFacts, image: SideFacts) -> tuple[InputDifference, ...]:
    """Compare what the project's own configuration of cargo was; it has flags, profiles, aliases and variables."""
    if local.configuration is None or image.configuration is None:
        return ()
    return tuple(
        InputDifference(
            cause="cargo-configuration",
            name=path,
            local="read",
            image="another one" if path in image.configuration else "not there",
            repair=f"bring {path} into the image before cargo runs (COPY, or a line less in .dockerignore), or have "
            "its settings where both builds find them",
        )
        for path, digest in sorted(local.configuration.items())
        if image.configuration.get(path) != digest
    )


def _mapping(
    local: Mapping[str, str], image: Mapping[str, str], causes: Mapping[str, str], *, other: str | None = None
) -> list[InputDifference]:
    return [
        InputDifference(cause=cause, name=name, local=local[name], image=image[name])
        for name in local
        if name in image and local[name] != image[name] and (cause := causes.get(name, other)) is not None
    ]


_FLAG_CAUSES = {
    "target-cpu": "target-cpu",
    "target-feature": "target-cpu",
    "opt-level": "codegen-settings",
    "lto": "lto",
    "codegen-units": "codegen-units",
    "panic": "panic-strategy",
    "overflow-checks": "overflow-checks",
    "strip": "stripped",
    "debuginfo": "debug-info",
    "linker": "linker",
    "metadata": "symbol-hash",
    "relocation-model": "program-kind",
    "link-arg": "linker",
    "linker-features": "linker",
}


def _flags(local: SideFacts, image: SideFacts) -> tuple[InputDifference, ...]:
    """Compare `-C name=value` one by one; a flag that says nothing of the kind is left to the bytes."""
    if local.rustflags is None or image.rustflags is None:
        return ()
    here, there = _codegen(local.rustflags), _codegen(image.rustflags)
    return tuple(
        InputDifference(
            cause=_FLAG_CAUSES[name],
            name=f"-C {name}",
            local=here.get(name, "not given"),
            image=there.get(name, "not given"),
        )
        for name in dict.fromkeys((*here, *there))
        if here.get(name) != there.get(name) and name in _FLAG_CAUSES
    )


def _codegen(flags: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for index, flag in enumerate(flags):
        text = flags[index + 1] if flag in {"-C", "--codegen"} and index + 1 < len(flags) else ""
        if flag.startswith("-C") and len(flag) > 2:  # noqa: PLR2004 - the flag and its value in one word
            text = flag[2:]
        if text:
            name, _, value = text.partition("=")
            found[name] = value
    return found
