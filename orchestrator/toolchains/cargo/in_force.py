"""Which settings of the profile, and which features, a call of cargo has in force."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.cargo.config import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SETTINGS = (
    *("opt-level", "lto", "codegen-units", "panic", "overflow-checks", "debug-assertions", "strip", "debug"),
    *("incremental", "rpath", "split-debuginfo"),
)
_SAME = {("lto", "true"): "fat", ("debug", "true"): "2", ("debug", "full"): "2", ("debug", "limited"): "1"}
_SAME |= {("debug", "false"): "0", ("debug", "none"): "0", ("strip", "true"): "symbols", ("strip", "false"): "none"}
"""Settings that cargo takes in two spellings (doc.rust-lang.org/cargo/reference/profiles.html)."""
_RELEASE = {
    "opt-level": "3",
    "lto": "false",
    "codegen-units": "16",
    "panic": "unwind",
    "strip": "none",
    "debug": "0",
    "overflow-checks": "false",
    "debug-assertions": "false",
    "incremental": "false",
}
_DEV = {
    **_RELEASE,
    "opt-level": "0",
    "codegen-units": "256",
    "debug": "2",
    "overflow-checks": "true",
    "debug-assertions": "true",
    "incremental": "true",
}
_DEFAULTS = {"release": _RELEASE, "bench": _RELEASE, "dev": _DEV, "test": _DEV}
"""Cargo's own, of the profiles that are there without being named."""
_LONGEST_CHAIN = 8  # of profiles that inherit from each other


def profile_in_force(
    manifest: Mapping[str, Any],
    config: Mapping[str, Any],
    variables: Mapping[str, str],
    arguments: Sequence[str],
    *,
    profile: str,
) -> dict[str, str]:
    """Return the settings of a profile; what neither anything sets nor cargo has a default for is left out.

    Args:
        manifest: the workspace root's Cargo.toml.
        config: the project's `.cargo/config.toml`, which goes before the manifest.
        variables: `CARGO_PROFILE_<NAME>_<SETTING>` go before both.
        arguments: of the call; `--config` goes before everything.
        profile: as `--profile` names it (`release`, `dev`).
    """
    given = _given(arguments)
    found: dict[str, str] = {}
    for name in reversed(list(_chain(manifest, config, profile))):
        found.update(_DEFAULTS.get(name, {}))
        for source in (manifest, config):
            found.update(_texts(table(source, "profile", name)))
        prefix = f"CARGO_PROFILE_{name.upper().replace('-', '_')}_"
        for setting in _SETTINGS:
            value = variables.get(prefix + setting.upper().replace("-", "_"))
            if value is not None:
                found[setting] = value
        found.update(_texts(table(given, "profile", name)))
    return {setting: _SAME.get((setting, found[setting]), found[setting]) for setting in _SETTINGS if setting in found}


def features_in_force(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the features that a call names, sorted; `default` and `all` stand for the options that say so."""
    found: set[str] = set() if "--no-default-features" in arguments else {"default"}
    if "--all-features" in arguments:
        found.add("all")
    for name in ("--features", "-F"):
        for value in _values(arguments, name):
            found |= set(value.replace(",", " ").split())
    return tuple(sorted(found))


def profile_of(arguments: Sequence[str]) -> str:
    """Return the profile that a call of `cargo build` names."""
    named = next(_values(arguments, "--profile"), None)
    if named is not None:
        return named
    return "release" if {"--release", "-r"} & set(arguments) else "dev"


def _chain(manifest: Mapping[str, Any], config: Mapping[str, Any], profile: str) -> Iterator[str]:
    name: Any = profile
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(name, str):
            return
        yield name
        name = table(config, "profile", name).get("inherits") or table(manifest, "profile", name).get("inherits")


def _texts(settings: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in settings.items()
        if name in _SETTINGS
    }


def _given(arguments: Sequence[str]) -> dict[str, Any]:
    """Return what `--config` sets by `key=value`; files are left out."""
    found: dict[str, Any] = {}
    for value in _values(arguments, "--config"):
        try:
            said = tomllib.loads(value)
        except tomllib.TOMLDecodeError:
            continue
        for name, settings in table(said, "profile").items():
            if isinstance(settings, dict):
                found.setdefault("profile", {}).setdefault(name, {}).update(settings)
    return found


def _values(arguments: Sequence[str], name: str) -> Iterator[str]:
    for place, word in enumerate(arguments):
        if word == name and place + 1 < len(arguments):
            yield arguments[place + 1]
        elif word.startswith(f"{name}="):
            yield word.partition("=")[2]
