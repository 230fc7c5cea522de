"""Which linker a project asks for: in its own configuration of cargo, in variables, or in compiler flags.

Cargo gives rustc the linker of its configuration first and the flags after it, and rustc takes the last
(doc.rust-lang.org/cargo/reference/config.html#targettriplelinker, doc.rust-lang.org/rustc/codegen-options).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.cargo.cfg import matches
from orchestrator.toolchains.cargo.config import table
from orchestrator.toolchains.cargo.flags import effective_rustflags

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

_SHORT, _LONG = "-C", "--codegen"
_FUSE = "-fuse-ld="


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkerChoice:
    """What a project says of its linker; empty texts where it leaves that to rustc and the C compiler.

    Attributes:
        program: what rustc calls (`clang`, `/usr/bin/ld.lld`).
        behind: what that is told to link with (`mold`, of `-fuse-ld=mold`).
    """

    program: str = ""
    behind: str = ""


def chosen_linker(
    config: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    host: str,
    facts: Callable[[], Collection[str]],
) -> LinkerChoice:
    """Return what a project asks for, as cargo and rustc read it.

    Args:
        config: the project's configuration.
        environment: the build's variables.
        host: the triple that is built for.
        facts: lines of `rustc --print cfg`; asked for only where a `cfg(...)` table decides.
    """
    program = environment.get(f"CARGO_TARGET_{host.upper().replace('-', '_')}_LINKER") or _configured(
        config, host=host, facts=facts
    )
    behind = ""
    for option, value in _options(effective_rustflags(config, environment, host=host, facts=facts)):
        if option == "linker":
            program = value
        elif option in {"link-arg", "link-args"}:
            for word in value.split():
                behind = word.removeprefix(_FUSE) if word.startswith(_FUSE) else behind
    return LinkerChoice(program=program, behind=behind)


def _configured(config: Mapping[str, Any], *, host: str, facts: Callable[[], Collection[str]]) -> str:
    targets = table(config, "target")
    found = table(targets, host).get("linker")
    if isinstance(found, str):
        return found
    for key in sorted(targets):
        found = table(targets, key).get("linker")
        if isinstance(found, str) and key.startswith("cfg(") and matches(key, facts()):
            return found
    return ""


def _options(flags: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the codegen options of rustc's flags, in each of the four ways in which they are written."""
    words = iter(flags)
    for word in words:
        if word in {_SHORT, _LONG}:
            option = next(words, "")
        elif word.startswith(f"{_LONG}="):
            option = word.removeprefix(f"{_LONG}=")
        elif word.startswith(_SHORT):
            option = word.removeprefix(_SHORT)
        else:
            continue
        name, _, value = option.partition("=")
        yield name.replace("_", "-"), value
