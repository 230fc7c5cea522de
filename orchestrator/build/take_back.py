"""Compiled dependencies that an earlier build of the host has left on the engine, for one that begins with nothing.

Where the target directory was removed and the engine still holds the offer of a build with the same lock file, flags,
toolchain and paths, the directory is filled with it, and cargo judges each artifact by its fingerprint. What cargo does
not look at is compared here as the shim does it in the image (shim/lib/handover).

Only what this very workspace has compiled comes back, by the digests that it keeps: never what a step of an image has
made, nor another checkout on the same engine. What would get in here would be in both programs: see docs/adr/0018.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from orchestrator.build.saved import SavedImage
from orchestrator.toolchains.cargo.kept_sums import KeptSums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.engine.docker import Engine
    from orchestrator.workspace import Workspace

_ALWAYS_ALIKE = ("build", "home", "rustc", "libc")
_ALIKE_FOR_C = ("c", "pkg-config")
_BLOCK = 1 << 20


def take_back(
    engine: Engine, reference: str, *, target: Path, facts: Mapping[str, str], workspace: Workspace
) -> frozenset[str]:
    """Fill an empty target directory; return which parts of the offer were taken (`plain`, `native`).

    Args:
        engine: has the offer.
        reference: its tag.
        target: the directory, which holds nothing that cargo has compiled.
        facts: this machine's, by name (`shim/lib/kin`, `build`, `home`).
        workspace: gives room, and knows what it has compiled.

    Raises:
        EngineUnreachableError: the engine went away.
        NoSpaceError: the disk is full.
    """
    with tempfile.TemporaryDirectory(dir=workspace.scratch, prefix="offer-") as folder:
        saved = SavedImage(engine.save(reference), Path(folder))
        (layer,) = json.loads(saved.config)["rootfs"]["diff_ids"]
        with tarfile.open(saved.layer(layer), "r:") as tar:
            members = {member.name.removeprefix("./"): member for member in tar if member.isfile() or member.islnk()}
            read = _texts(tar, members)
            theirs = dict(line.partition(" ")[::2] for line in read("facts"))
            parts = tuple(part for part in _fitting(facts, theirs) if f"{part}.sums" in members)
            kept = KeptSums(workspace)
            for part in parts:
                sums = {path: digest for digest, path in (line.split("  ", 1) for line in read(f"{part}.sums"))}
                if not kept.have(sums) or not _unpacked(tar, members, part, sums, Path(folder)):
                    # One bit that fell makes all of it doubtful; cargo compiles as it would have.
                    return frozenset()
        for part in parts:
            _move(Path(folder) / part, target)
    return frozenset(parts)


def is_empty(target: Path) -> bool:
    """Return whether cargo has compiled nothing into a target directory, for this machine's target or a named one."""
    return not any(target.glob("*/.fingerprint")) and not any(target.glob("*/*/.fingerprint"))


def _fitting(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    """Yield the parts that this machine would have compiled to the same bytes."""
    if all(ours.get(name) is not None and ours.get(name) == theirs.get(name) for name in _ALWAYS_ALIKE):
        yield "plain"
        if all(ours.get(name) is not None and ours.get(name) == theirs.get(name) for name in _ALIKE_FOR_C):
            yield "native"


def _texts(tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo]) -> Callable[[str], list[str]]:
    def lines(name: str) -> list[str]:
        stream = tar.extractfile(members[name]) if name in members else None
        return stream.read().decode(errors="replace").splitlines() if stream else []

    return lines


def _unpacked(
    tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], part: str, sums: Mapping[str, str], folder: Path
) -> bool:
    """Write a part's files; return whether they are those that were put there."""
    held = {name.removeprefix(f"{part}/"): member for name, member in members.items() if name.startswith(f"{part}/")}
    if held.keys() != sums.keys() or any(".." in PurePosixPath(path).parts or path.startswith("/") for path in held):
        return False
    for path, member in held.items():
        place = folder / part / path
        place.parent.mkdir(parents=True, exist_ok=True)
        stream = tar.extractfile(member)
        if stream is None or _copied(stream, place) != sums[path]:
            return False
        place.chmod(member.mode & 0o777)
        os.utime(place, (member.mtime, member.mtime))
    return True


def _copied(stream: IO[bytes], place: Path) -> str:
    digest = hashlib.sha256()
    with place.open("xb") as out:
        while block := stream.read(_BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _move(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
