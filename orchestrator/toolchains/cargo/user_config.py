"""What the user's own cargo configuration says of the way to registries; nothing else of it counts in a build.

The image build sees only the project's configuration. Fetching is done for it, on this machine, as its user: through
the user's proxy, with the user's certificates, and to private registries with the user's token. None of that is passed
to a build, nor written down.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.config import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONFIGURATION = ("config", "config.toml")
_CREDENTIALS = ("credentials", "credentials.toml")
"""In cargo's order: where both are there it takes the older name, and says so
(https://doc.rust-lang.org/cargo/reference/config.html, "Hierarchical structure")."""

_OF_A_REGISTRY = ("token", "secret-key", "credential-provider")
_OF_ALL = (*_OF_A_REGISTRY, "global-credential-providers")


def user_access(environment: Mapping[str, str]) -> dict[str, str]:
    """Return how the user's cargo reaches registries (proxy, certificates, tokens), as cargo's variables.

    Args:
        environment: the caller's variables (CARGO_HOME, HOME).
    """
    config = user_config(environment)
    variables = dict(_variables(config, "http"))
    variables.update(_variables(config, "net"))
    for said in (config, _read(environment, _CREDENTIALS)):
        variables.update(_variables(said, "registry", _OF_ALL))
        variables.update(_variables(said, "credential-alias"))
        for name in table(said, "registries"):
            variables.update(_variables(table(said, "registries"), name, _OF_A_REGISTRY, before="registries-"))
    return variables


def user_config(environment: Mapping[str, str]) -> dict[str, object]:
    """Return the user's own configuration; empty where there is none that can be read."""
    return _read(environment, _CONFIGURATION)


def _variables(
    config: Mapping[str, object], name: str, keys: tuple[str, ...] | None = None, *, before: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield a table's values as the variables that stand for them; a list's words are separated by blanks."""
    for key, value in table(config, name).items():
        if keys is not None and key not in keys:
            continue
        variable = f"cargo_{before}{name}_{key}".upper().replace("-", "_")
        if isinstance(value, bool):
            yield variable, str(value).lower()
        elif isinstance(value, str | int):
            yield variable, str(value)
        elif isinstance(value, list) and all(isinstance(word, str) for word in value):
            yield variable, " ".join(value)


def _read(environment: Mapping[str, str], names: tuple[str, ...]) -> dict[str, object]:
    home = Path(environment.get("CARGO_HOME") or Path(environment.get("HOME") or "/") / ".cargo")
    for name in names:
        try:
            return tomllib.loads((home / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return {}
