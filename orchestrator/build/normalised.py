"""How an image is normalised, what comes of it, and how that is remembered; `normalise.py` does it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.build.leftovers import Leftover, leftover_from_json
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.hold import Hold
    from orchestrator.workspace import Workspace

_VERSION = 10
"""Raised whenever the same image would be normalised to another one, or more is told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """How an image is normalised.

    Attributes:
        epoch: seconds since 1970; no entry of the upper layers and no date in the configuration is later.
        base_layers: diff ids of the base's layers, lowest first; these are left alone.
        restored: content by the sha256 of what to put it in place of: the Dockerfile as the user wrote it.
        without_leftovers: whether what the build host left in the upper layers is taken out (build/leftovers.py).
        binary: path of the program in the image, which is kept on this machine on the way; empty keeps none.
    """

    epoch: int
    base_layers: tuple[str, ...]
    restored: Mapping[str, bytes]
    without_leftovers: bool = False
    binary: str = ""

    def facts(self) -> dict[str, object]:
        """Return all that the normalised image depends on beside the image itself, as JSON values."""
        return {
            "epoch": self.epoch,
            "base": self.base_layers,
            "version": _VERSION,
            "restored": sorted((sent, hashlib.sha256(own).hexdigest()) for sent, own in self.restored.items()),
            "without": self.without_leftovers,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A normalised image.

    Attributes:
        image_id: its ID, the digest of its configuration: the same on every engine.
        name: what this engine calls it (engine/store.py).
        leftovers: what the build host has left in the layers that it was made of.
        touched: the names of what the layers above the base add, replace or remove, as `LayerNames` has them.
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


def normalised_before(
    engine: Engine,
    image_id: str,
    how: Normalisation,
    *,
    workspace: Workspace,
    hold: Hold | None = None,
    again: bool = True,
) -> Normalised | None:
    """Return what was made of an image before; None where it was not, or the engine has it no more.

    Args:
        engine: may have it.
        image_id: the image.
        how: what was done to it.
        workspace: remembers it.
        hold: keeps it.
        again: whether it may be one that was made out of another one (made_again.py).

    Raises:
        EngineUnreachableError: the engine went away.
    """
    known = workspace.recall("normalised", _key(image_id, how))
    facts = engine.image(str(known["name"])) if isinstance(known, dict) else None
    if not isinstance(known, dict) or facts is None or (known["again"] and not again):
        return None
    if hold is not None and not hold.keep(str(known["name"]), tags=facts.tags):
        return None
    return normalised_from_json(known)


def remember_normalised(
    image_id: str, how: Normalisation, made: Normalised, *, workspace: Workspace, again: bool
) -> None:
    """Remember what was made of an image, for `normalised_before`. `again`: whether it was made out of another one."""
    workspace.remember("normalised", _key(image_id, how), {**made.told(), "again": again})


def _key(image_id: str, how: Normalisation) -> str:
    return memo_key({"image": image_id, "how": how.facts()})
