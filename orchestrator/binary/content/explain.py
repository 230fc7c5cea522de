"""From two files to what really differs between them: code, data, and the folders that their sources lay in."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.content.bodies import BodyDifference, BodyPair, compare_bodies
from orchestrator.binary.content.constants import ConstantDifference, compare_constants, differing_texts
from orchestrator.binary.content.instructions import InstructionDifference, compare_instructions
from orchestrator.binary.content.layout import Body, Layout, lay_out, with_functions
from orchestrator.binary.content.places import Places, as_is
from orchestrator.binary.content.unwind import read_records
from orchestrator.binary.elf_tables import TableDamageError
from orchestrator.binary.mapped_file import mapped_file
from orchestrator.binary.names import crate_of, entry_crate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_PATH = re.compile(rb"/(?:[\w.+@~ -]{1,120}/){1,40}[\w.+@~-]{0,120}")
_SHORTEST_TAIL = 4  # `/out`
_MOST_EXAMPLES = 8
SOURCES = (".rs", ".c", ".h", ".cc", ".cpp", ".S")
"""How files of sources end whose paths compilers leave in programs."""
_MOST_ROOTS = 64
_LONG_LITERAL = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPair:
    """Two folders that stand for each other: texts of both programs are equal once they are taken out.

    Attributes:
        examples: some of the paths below both, as they go on.
    """

    local: str
    image: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentDifference:
    """What differs between two programs once it is taken out that things lie elsewhere.

    Attributes:
        bodies: the functions.
        constants: the data.
        folders: pairs of source folders that had to be taken out as well for this; empty when none had to be.
        instructions: what the functions are made of whose code differs.
        named: whether functions were matched by the names of a symbol table (else by their order).
    """

    bodies: BodyDifference
    constants: ConstantDifference
    folders: tuple[FolderPair, ...]
    instructions: InstructionDifference
    named: bool

    @property
    def equal(self) -> bool:
        """Return whether both programs do the same."""
        return self.bodies.equal and self.constants.equal


def explain_difference(local: Path, image: Path) -> ContentDifference | None:
    """Compare two programs byte by byte.

    Returns:
        None where this way of comparing does not reach: other formats or processors than ELF for x86_64, no section
        table, damage, stripped programs whose functions do not pair up, or more than 256 MB of mapped content.

    Raises:
        OSError: a file cannot be read.
    """
    with ExitStack() as files:
        views = [files.enter_context(mapped_file(path))[1] for path in (local, image)]
        try:
            here, there = (lay_out(view) for view in views)
        except TableDamageError:
            return None
        if here is None or there is None:
            return None
        if not (here.named and there.named):
            pair = _numbered(here, there)
            if pair is None:
                return None
            here, there = pair
        return _compare(here, there)


def _compare(here: Layout, there: Layout) -> ContentDifference:
    local, image = Places(here), Places(there)
    folders = _folders(*differing_texts(local, image))
    lengths: frozenset[tuple[int, int]] = frozenset()
    if folders:
        local = Places(here, _without([pair.local for pair in folders]), like=local)
        image = Places(there, _without([pair.image for pair in folders]), like=image)
        lengths = frozenset(
            (len(pair.local) + tail, len(pair.image) + tail)
            for pair in folders
            if len(pair.local) != len(pair.image)
            for tail in {0, *map(len, pair.examples)}
        )
    bodies = compare_bodies(local, image, lengths=lengths)
    return ContentDifference(
        bodies=bodies,
        constants=compare_constants(local, image, unwinding=bodies.same_shape),
        folders=folders,
        instructions=compare_instructions(here, there, _own_first(here, bodies.changed)),
        named=here.named and there.named,
    )


def _own_first(layout: Layout, pairs: Sequence[BodyPair]) -> list[BodyPair]:
    """Return pairs of functions, those of the crate first whose `main` the program holds: only some are decoded."""
    mains = {entry_crate(body.name) for body in layout.functions if "4main" in body.name} - {None}
    return sorted(pairs, key=lambda pair: crate_of(pair.local.name) not in mains)


def _without(folders: Sequence[str]) -> Callable[[bytes], bytes]:
    if not folders:
        return as_is
    # The longest first: a folder may lie below another one. All sides get the same stand-in for the same pair.
    numbered = sorted(enumerate(folders), key=lambda item: -len(item[1]))
    texts = [(folder.encode(), b"\1folder%d\1" % number) for number, folder in numbered]

    def normalise(content: bytes) -> bytes:
        if b"/" in content:
            for folder, stand_in in texts:
                if folder in content:
                    content = _without_length(content, folder).replace(folder, stand_in)
        return content

    return normalise


def _without_length(content: bytes, folder: bytes) -> bytes:
    """Blank the length of a literal that holds a folder, where the text is a template of `core::fmt::Arguments`.

    Since rustc 1.93 a template is a row of literals, each behind its length (one byte below 0x80, or 0x80 and two
    bytes), of placeholders (0xC0 and above), and a zero at its end.
    """
    changed, position = bytearray(content), 0
    while position < len(content) and content[position]:
        kind, start = content[position], position + 1
        if kind > _LONG_LITERAL:
            # Four bits say which of options (4 bytes), width, precision and argument (2 each) follow.
            position = start + 4 * (kind & 1) + 2 * (kind >> 1 & 1) + 2 * (kind >> 2 & 1) + 2 * (kind >> 3 & 1)
            continue
        length = kind
        if kind == _LONG_LITERAL:
            length, start = int.from_bytes(content[start : start + 2], "little"), start + 2
        if start + length > len(content):
            return content
        if folder in content[start : start + length]:
            changed[position:start] = bytes(start - position)
        position = start + length
    return bytes(changed)


def _folders(local_texts: Sequence[bytes], image_texts: Sequence[bytes]) -> tuple[FolderPair, ...]:
    """Pair the paths that only one side has by what they end in; what stands before that is a pair of folders.

    Pairs that most paths speak for come first.
    """
    here, there = (_paths(texts) for texts in (local_texts, image_texts))
    by_tail = {tail: path for path in sorted(there) for tail in _tails(path)}
    votes: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    for path in sorted(here):
        tail = next((tail for tail in _tails(path) if tail in by_tail), None)
        if tail is not None:
            pair = (path[: len(path) - len(tail)], by_tail[tail][: len(by_tail[tail]) - len(tail)])
            # One that ends with the other is a path that something else stood before, without a gap.
            glued = pair[0].endswith(pair[1]) or pair[1].endswith(pair[0])
            if all(pair) and not glued:
                votes[pair] += 1
                examples.setdefault(pair, []).append(tail)
    found: list[FolderPair] = []
    for (local, image), _ in votes.most_common(_MOST_ROOTS):
        # Below a folder that is taken out already there is nothing left to explain.
        if not any(local.startswith(pair.local) or image.startswith(pair.image) for pair in found):
            found.append(FolderPair(local=local, image=image, examples=_some(examples[local, image])))
    return tuple(found)


def _some(tails: list[str]) -> tuple[str, ...]:
    """Return a few of many paths, those first that name no source file: another remedy helps against them."""
    return tuple(sorted(set(tails), key=lambda tail: (tail.endswith(SOURCES), tail))[:_MOST_EXAMPLES])


def _paths(texts: Sequence[bytes]) -> set[str]:
    return {match[0].decode("utf-8", "replace") for text in texts for match in _PATH.finditer(text)}


def _tails(path: str) -> Iterator[str]:
    """Yield the ends of a path that begin with a slash, the longest first."""
    position = path.find("/", 1)
    while position >= 0 and len(path) - position >= _SHORTEST_TAIL:
        yield path[position:]
        position = path.find("/", position + 1)


def _numbered(here: Layout, there: Layout) -> tuple[Layout, Layout] | None:
    """Give the functions of stripped programs numbers, where both have the same sizes in the same order."""
    sides = [read_records(here), read_records(there)]
    if not all(sides):
        return None
    bodies = [sorted((r.start, r.start + r.size) for r in records or () if r.size) for records in sides]
    sizes = [[end - start for start, end in side] for side in bodies]
    if sizes[0] != sizes[1]:
        return None
    numbered = [[Body(f"#{n}", start, end) for n, (start, end) in enumerate(side)] for side in bodies]
    return with_functions(here, numbered[0]), with_functions(there, numbered[1])
