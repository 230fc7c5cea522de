"""A normalised image, and how it is remembered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.build.leftovers import Leftover, leftover_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A normalised image.

    Attributes:
        image_id: its ID, the digest of its configuration: the same on every engine.
        name: what this engine calls it (engine/store.py).
        leftovers: what the build host has left in the layers that it was made of.
        touched: the names, without folders, of what the layers above the base add, replace or remove.
        programs: the absolute paths of the executable files that these layers hold.
    """

    image_id: str
    name: str
    leftovers: tuple[Leftover, ...]
    touched: frozenset[str]
    programs: frozenset[str]

    def told(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "image": self.image_id,
            "name": self.name,
            "leftovers": [asdict(each) for each in self.leftovers],
            "touched": sorted(self.touched),
            "programs": sorted(self.programs),
        }


def normalised_from_json(told: Mapping[str, Any]) -> Normalised:
    """Return what `Normalised.told` gave."""
    return Normalised(
        image_id=str(told["image"]),
        name=str(told["name"]),
        leftovers=tuple(leftover_from_json(each) for each in told["leftovers"]),
        touched=frozenset(told["touched"]),
        programs=frozenset(told["programs"]),
    )
