"""What has changed since a lock was written: a pure comparison of two inventories, name by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.inventory.model import Inventory, SideInventory

_UNCOMPARED = frozenset({"version"})
_COMPARED = {"rustc": "Rust compiler", "c_compiler": "C compiler", "linker": "linker"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing that is not as it was locked.

    Attributes:
        where: what it belongs to (`base debian:bookworm-slim`, `host`, `image`), empty for the whole build.
        what: its name (`libssl3`, `linker`).
        locked, found: the lock's value, and the one at hand; None where it is not there.
    """

    where: str
    what: str
    locked: str | None
    found: str | None

    def __str__(self) -> str:
        """Return a line for people."""
        place = f"{self.where}: " if self.where else ""
        if self.locked is None:
            return f"{place}{self.what} {_short(self.found)} is new"
        if self.found is None:
            return f"{place}{self.what} {_short(self.locked)} is gone"
        before, now = _short(self.locked), _short(self.found)
        if before == now:
            return f"{place}{self.what} {now} has other content than it had"
        return f"{place}{self.what} was {before}, is {now}"


def drift(locked: Inventory, found: Inventory) -> tuple[Drift, ...]:
    """Return what differs, in the order of the file."""
    before, now = dict(_entries(locked.model_dump())), dict(_entries(found.model_dump()))
    every = sorted({*before, *now})
    return tuple(
        Drift(where=key[0], what=key[1], locked=before.get(key), found=now.get(key))
        for key in every
        if before.get(key) != now.get(key)
    )


def unlike(host: SideInventory, image: SideInventory) -> tuple[str, ...]:
    """Return a sentence for each tool that both sides have, and not the same one of."""
    sentences = []
    for name, label in _COMPARED.items():
        here, there = getattr(host, name), getattr(image, name)
        if here and there and here != there:
            sentences.append(f"the {label} is {here} on the host and {there} in the builder's base")
    return tuple(sentences)


def _entries(dumped: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, value in dumped.items():
        if name == "bases" and isinstance(value, dict):
            for reference, base in value.items():
                yield from _flat(f"base {reference}", base)
        elif isinstance(value, dict):
            yield from _flat(name, value)
        elif name not in _UNCOMPARED and value is not None:
            yield ("", name), str(value)


def _flat(where: str, values: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            kind = "module " if name == "modules" else ""
            for each, version in value.items():
                yield (where, f"{kind}{each}"), str(version)
        elif value is not None:
            yield (where, name.replace("_", " ")), str(value)


def _short(value: str | None) -> str:
    """Return a value as people read it: digests cut, and a package's without the one of its content."""
    text = value or ""
    version, _, content = text.partition(" sha256:")
    if content:
        return version
    return text[7:19] if text.startswith("sha256:") else text
