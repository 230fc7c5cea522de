"""`invoke compare` and `invoke inspect`: two programs, or one, from files or out of images that are not run."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.content.unmatched import unmatched_code
from orchestrator.binary.names import code_by_crate, own_functions
from orchestrator.binary.read import read_profile
from orchestrator.errors import UsageError
from orchestrator.parity.compare import compare_files
from orchestrator.parity.rung import Rung, accepts
from orchestrator.parity.same_stub import LARGEST, same_stub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.parity.difference import Comparison

_BLOCK = 1 << 20
_MOST_NAMED = 12
_REFERENCE = re.compile(r"[a-z0-9][\w./-]*(?::\d+/[\w./-]+)?(?::[\w][\w.-]*|@?sha256:[0-9a-f]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two programs and what was found.

    Attributes:
        local, image: where they were, for people.
        accept: the worst rung that passes.
    """

    local: str
    image: str
    comparison: Comparison
    accept: Rung

    @property
    def accepted(self) -> bool:
        """Return whether the pair passes."""
        return accepts(self.accept, self.comparison.rung)


def compare_programs(
    local: str, image: str, *, accept: str, own: Sequence[str], environment: Mapping[str, str]
) -> Compared:
    """Compare two programs.

    Args:
        local: a file, or `IMAGE:PATH`.
        image: the same; of an image without a path, the program of its entrypoint.
        accept: the worst rung that passes.
        own: the project's own crates; without any, the one whose `main` the local program holds.
        environment: variables, for finding the engine.

    Raises:
        UsageError: there is no such rung, file, image, or path in it, or the local program holds none of these crates.
    """
    if accept not in set(Rung):
        raise UsageError(
            f"there is no rung {accept!r}", repair=f"choose one of {', '.join(rung.value for rung in Rung)}, best first"
        )
    with program_at(local, environment) as here, program_at(image, environment, like=Path(local).name) as there:
        comparison = _compare(here.path, there.path, own)
        return Compared(local=here.origin, image=there.origin, comparison=comparison, accept=Rung(accept))


def inspect_program(program: str, *, environment: Mapping[str, str]) -> tuple[str, BinaryProfile]:
    """Return where a program was found, and its profile.

    Args:
        program: a file, `IMAGE:PATH`, or an image whose entrypoint names it.
        environment: variables, for finding the engine.

    Raises:
        UsageError: there is no such file, image, or path in it.
    """
    with program_at(program, environment) as found:
        return found.origin, read_profile(found.path)


def _compare(local: Path, image: Path, own: Sequence[str]) -> Comparison:
    if _same_content(local, image):
        with local.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = local.stat().st_size
        found = compare_files(sha256, sha256, size=size, profile=lambda _: read_profile(local))
        return replace(found, both=same_stub(read_profile(local))) if size <= LARGEST else found
    # Digests are most of the reading, and are made without holding up the other thread.
    with ThreadPoolExecutor(2) as pool:
        here, there = pool.map(read_profile, (local, image))
    _held(own, here)
    paths = {here.sha256: local, there.sha256: image}
    return compare_files(
        here.sha256,
        there.sha256,
        size=here.size,
        profile={here.sha256: here, there.sha256: there}.__getitem__,
        own=own,
        content=lambda one, other: explain_difference(paths[one], paths[other]),
        unmatched=lambda one, other: unmatched_code(paths[one], paths[other]),
    )


def _held(own: Sequence[str], local: BinaryProfile) -> None:
    """Refuse names that are none: without the project's own code in view, a stub would pass for something else."""
    if not own or local.functions is None or any(own_functions(local, crate) for crate in own):
        return
    crates = [crate for crate in code_by_crate(local) if crate not in {"other", "core", "std", "alloc"}]
    near = get_close_matches(own[0].replace("-", "_"), crates, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"the local program holds no function of {' or '.join(map(repr, own))}",
        repair=f"{hint}it holds code of {', '.join(sorted(crates)[:_MOST_NAMED]) or 'none that is named'}",
    )


def _same_content(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            block = first.read(_BLOCK)
            if block != second.read(_BLOCK):
                return False
            if not block:
                return True


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProgram:
    """A program's bytes on this machine. `origin`: where it was, for people."""

    path: Path
    origin: str


@contextmanager
def program_at(name: str, environment: Mapping[str, str], *, like: str | None = None) -> Iterator[FoundProgram]:
    """Give access to a program for the length of the block; what comes out of an image is removed afterwards.

    Args:
        name: a file, `IMAGE:PATH`, or an image whose entrypoint names it.
        environment: variables, for finding the engine.
        like: the file name to prefer where an image names several programs.

    Raises:
        UsageError: there is no such file, image, or path in it.
    """
    if not name:
        raise UsageError("a program's name is empty", repair="name a file, or IMAGE:PATH")
    path = Path(name)
    if path.is_file():
        yield FoundProgram(path=path, origin=name)
        return
    if path.is_dir():
        raise UsageError(f"{name} is a folder", repair="name a file, or IMAGE:PATH")
    if name.startswith((".", "/", "~")) or _REFERENCE.fullmatch(name.split(":/", 1)[0]) is None:
        raise UsageError(f"there is no file {name}", repair="name a file, or IMAGE:PATH")
    with tempfile.TemporaryDirectory(prefix="twinbuild-") as folder:
        target = Path(folder) / "program"
        yield FoundProgram(path=target, origin=_copied(name, target, environment, like=like))


def _copied(name: str, target: Path, environment: Mapping[str, str], *, like: str | None) -> str:
    """Copy a program out of an image, which is never run; return where it was."""
    from orchestrator.engine.docker import Engine  # noqa: PLC0415 - docker-py takes 0.2 s, and files need none of it
    from orchestrator.engine.files import image_files  # noqa: PLC0415 - same
    from orchestrator.engine.sweep import run_labels  # noqa: PLC0415 - same

    reference, colon, path = name.partition(":/")
    with Engine.connect(environment) as engine:
        facts = engine.image(reference)
        if facts is None:
            raise UsageError(
                f"there is neither a file nor an image {reference}",
                repair="see `docker images`; nothing is pulled for a comparison",
            )
        inside = f"/{path}" if colon else _started(facts, like)
        if inside is None:
            raise UsageError(
                f"the image {reference} does not say which program it starts", repair=f"name it: {reference}:/PATH"
            )
        labels = run_labels(Path(tempfile.gettempdir()), f"compare-{secrets.token_hex(3)}")
        with image_files(engine, facts.id, labels=labels) as files, files.open(inside) as stream:
            if stream is None:
                started = _started(facts, like)
                hint = f"; it starts {started}" if started not in {None, inside} else ""
                raise UsageError(
                    f"the image {reference} has no file {inside}",
                    repair=f"name the program's path: {reference}:/PATH{hint}",
                )
            with target.open("wb") as out:
                shutil.copyfileobj(stream, out, _BLOCK)
    return f"{reference}:{inside}"


def _started(facts: ImageFacts, like: str | None) -> str | None:
    """Return the program that an image's entrypoint or command names; the one with the other side's name goes first."""
    words = [word for word in (*facts.entrypoint, *facts.command) if word.startswith("/")]
    named = [word for word in words if like is not None and Path(word).name == like]
    return next(iter((*named, *words)), None)
