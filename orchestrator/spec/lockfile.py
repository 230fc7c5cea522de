"""`buildspec.lock`: written sorted, so that its changes can be reviewed, and read with every mistake at its place."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from orchestrator.atomic import write_atomically
from orchestrator.errors import LockInvalidError, UsageError
from orchestrator.inventory.model import Inventory
from orchestrator.location import Location
from orchestrator.spec.mistakes import mistake_of
from orchestrator.spec.nodes import Mistake, UnreadableTextError, read_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.workspace import Workspace

_HEAD = """\
# What this project is built with, beyond its sources. `invoke lock` writes it; review its changes like code.
# `invoke build` says what has changed since, `invoke build --locked` refuses to build then.
"""
_LARGEST = 4 * 1024 * 1024
_WRITE_IT = "write it anew with `invoke lock`, and look at what that changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedInventory:
    """A lock and where it lies. `digest`: `sha256:<hex>` of its bytes."""

    path: Path
    digest: str
    inventory: Inventory


def lock_path(spec: Path) -> Path:
    """Return the place of a spec's lock: beside it, under its name."""
    return spec.with_suffix(".lock")


def read_lock_file(path: Path, *, workspace: Workspace) -> LockedInventory | None:
    """Read a lock; None where there is no such file.

    Raises:
        LockInvalidError: it holds mistakes; `detail` has one line each, in the file's order.
    """
    where = Location(file=str(path))
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockInvalidError(f"the lock cannot be read: {error.strerror}", location=where) from error
    if len(content) > _LARGEST:
        raise LockInvalidError(f"the lock has {len(content):,} bytes; more than {_LARGEST:,} are none", location=where)
    digest = hashlib.sha256(content).hexdigest()
    # Reading a text with all its places costs more than a run may that has nothing to do.
    known = workspace.recall("lock", digest)
    inventory = Inventory.model_validate(known) if isinstance(known, dict) else _read(path, content)
    if known is None:
        workspace.remember("lock", digest, inventory.model_dump(exclude_none=True))
    return LockedInventory(path=path, digest=f"sha256:{digest}", inventory=inventory)


def write_lock_file(path: Path, inventory: Inventory) -> None:
    """Write a lock, whole or not at all; a link stays one, and what it leads to is written.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        write_atomically(path.resolve(), dump_lock(inventory).encode())
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", repair="let its folder belong to you, or free space there"
        ) from error


def dump_lock(inventory: Inventory) -> str:
    """Return a lock's text: one fact a line, mappings sorted by name."""
    values = inventory.model_dump(exclude_none=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return _HEAD + yaml.dump(_ordered(values), Dumper=dumper, sort_keys=False, width=1 << 20, allow_unicode=True)


def _ordered(values: dict[str, object]) -> dict[str, object]:
    """Return the values with what identifies the file first, and free mappings sorted."""
    first = [name for name in Inventory.model_fields if name in values]
    return {name: _sorted(values[name]) for name in first}


def _sorted(value: object) -> object:
    return {name: _sorted(each) for name, each in sorted(value.items())} if isinstance(value, dict) else value


def _read(path: Path, content: bytes) -> Inventory:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise LockInvalidError(
            "the lock is no UTF-8", location=Location(file=str(path), line=line, column=1), repair=_WRITE_IT
        ) from error
    try:
        document = read_document(text)
    except UnreadableTextError as error:
        raise _invalid(path, [error.mistake]) from error
    mistakes = list(document.mistakes)
    try:
        found = Inventory.model_validate_json(json.dumps(document.value))
    except ValidationError as error:
        mistakes += [mistake_of(each, document, Inventory) for each in error.errors(include_url=False)]
        raise _invalid(path, mistakes) from error
    if mistakes:
        raise _invalid(path, mistakes)
    return found


def _invalid(path: Path, mistakes: Sequence[Mistake]) -> LockInvalidError:
    ordered = sorted(set(mistakes), key=lambda each: (each.place.line, each.place.column, each.text))
    first = ordered[0].place
    return LockInvalidError(
        "one mistake in the lock" if len(ordered) == 1 else f"{len(ordered)} mistakes in the lock",
        location=Location(file=str(path), line=first.line, column=first.column),
        repair=_WRITE_IT,
        detail=tuple(f"{path}:{each.place.line}:{each.place.column}: {each.text}" for each in ordered),
    )
