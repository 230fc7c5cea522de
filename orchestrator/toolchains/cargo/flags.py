"""Compiler flags of a project, and how to add to them without losing any.

Cargo reads exactly one of CARGO_ENCODED_RUSTFLAGS, RUSTFLAGS, `target.*.rustflags` and `build.rustflags`
(doc.rust-lang.org/cargo/reference/config.html#buildrustflags). Setting one of the first two without regard to the
others silently drops what the project asks for, so flags are first worked out as cargo would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.cargo.cfg import matches
from orchestrator.toolchains.cargo.config import table, text_list

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

_SEPARATOR = "\x1f"


def effective_rustflags(
    config: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    host: str,
    facts: Callable[[], Collection[str]],
) -> tuple[str, ...]:
    """Return the flags that cargo gives rustc for every crate of the project.

    Args:
        config: the project's configuration.
        environment: the build's variables.
        host: the triple that is built for.
        facts: lines of `rustc --print cfg`; asked for only where a `cfg(...)` table has flags.
    """
    encoded = environment.get("CARGO_ENCODED_RUSTFLAGS")
    if encoded is not None:
        return tuple(encoded.split(_SEPARATOR)) if encoded else ()
    if "RUSTFLAGS" in environment:
        return tuple(environment["RUSTFLAGS"].split())
    for_target = tuple(_target_flags(config, environment, host=host, facts=facts))
    if for_target:
        return for_target
    return (
        *text_list(table(config, "build").get("rustflags")),
        *text_list(environment.get("CARGO_BUILD_RUSTFLAGS")),
    )


def with_flags(flags: Sequence[str]) -> dict[str, str]:
    """Return the variable that makes exactly these flags effective; flags may hold spaces."""
    return {"CARGO_ENCODED_RUSTFLAGS": _SEPARATOR.join(flags)}


def _target_flags(
    config: Mapping[str, Any], environment: Mapping[str, str], *, host: str, facts: Callable[[], Collection[str]]
) -> Iterator[str]:
    targets = table(config, "target")
    yield from text_list(table(targets, host).get("rustflags"))
    yield from text_list(environment.get(f"CARGO_TARGET_{host.upper().replace('-', '_')}_RUSTFLAGS"))
    for key in sorted(targets):
        flags = text_list(table(targets, key).get("rustflags"))
        if flags and key.startswith("cfg(") and matches(key, facts()):
            yield from flags
