"""What differs between two programs, as values. Facts of a comparison; causes and verdicts are drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.profile import Format
from orchestrator.parity.rung import Rung

if TYPE_CHECKING:
    from orchestrator.binary.content.explain import ContentDifference
    from orchestrator.binary.profile import BinaryProfile
    from orchestrator.parity.facts import BuildFacts
    from orchestrator.parity.suspicion import Suspicion

DEBUG = (".debug_", ".zdebug_")
"""How sections with debug information begin; the second is GNU's older name for compressed ones."""

STANDARD_LIBRARY = "standard library of rustc "
"""How a toolchain is named that shows only in the source paths of the standard library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDifference:
    """Two sets side by side, each sorted; what both have is left out."""

    only_local: tuple[str, ...] = ()
    only_image: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is any difference."""
        return bool(self.only_local or self.only_image)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDifference:
    """A section that is not the same on both sides; a size of None means that the side lacks it."""

    name: str
    local_size: int | None
    image_size: int | None
    loaded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDifference:
    """The functions of two programs that both have a symbol table, matched by hash-free name.

    Attributes:
        local: how many the local program has.
        image: how many the image's program has.
        common: how many of them meet by name; repeated names count as often as both sides have them.
        only_local: hash-free names, sorted.
        only_image: hash-free names, sorted.
        resized: names that both have equally often, with other sizes.
    """

    local: int
    image: int
    common: int
    only_local: tuple[str, ...] = ()
    only_image: tuple[str, ...] = ()
    resized: tuple[str, ...] = ()

    @property
    def same_shape(self) -> bool:
        """Return whether no function was added, removed or resized."""
        return not (self.only_local or self.only_image or self.resized)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCode:
    """One of the project's own crates in both programs, by readable function names.

    `main` and what is nested in it do not count as `beyond_main`: every placeholder has a `main`.

    Attributes:
        crate: as the compiler spells it.
        local: functions of this crate in the local program.
        image: functions of this crate in the image's program.
        local_beyond_main: of the local ones, those that are not `main`'s.
        image_beyond_main: of the image's, those that are not `main`'s.
        missing: names that only the local program has.
    """

    crate: str
    local: int
    image: int
    local_beyond_main: int
    image_beyond_main: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two programs that are not the same file, with what is different about them.

    Attributes:
        sections: the differing ones, in the local program's order.
        functions: None when a side has no symbol table.
        own: the project's own crates; empty when a side has no symbol table.
        needed: shared libraries asked for.
        crates: dependencies with versions, from source paths.
        toolchains: what `.comment` and the standard library's source paths name.
        roots: folders that sources were compiled in.
        local_entries: crates whose `main` the local program holds.
        image_entries: crates whose `main` the image's program holds.
        content: both programs byte by byte; None where that was not looked at or does not reach.
        facts: what is known of the two builds; None where nothing is.
        unmatched: bytes of the image's functions that the local program has none of their size for; None where that was
            not looked at, as functions have names or the contents were compared.
    """

    local: BinaryProfile
    image: BinaryProfile
    sections: tuple[SectionDifference, ...]
    functions: FunctionDifference | None
    own: tuple[OwnCode, ...]
    needed: SetDifference
    crates: SetDifference
    toolchains: SetDifference
    roots: SetDifference
    local_entries: tuple[str, ...]
    image_entries: tuple[str, ...]
    content: ContentDifference | None = None
    facts: BuildFacts | None = None
    unmatched: int | None = None

    @property
    def sound(self) -> bool:
        """Return whether both sides are ELF programs without damage, so that their insides can be compared."""
        return {self.local.format, self.image.format} == {Format.ELF} and not (self.local.damage or self.image.damage)

    @property
    def mapped_equal(self) -> bool:
        """Return whether all that is mapped is the same, byte for byte."""
        local, image = self.local, self.image
        return self.sound and (local.code_sha256, local.data_sha256) == (image.code_sha256, image.data_sha256)

    @property
    def code_equal(self) -> bool:
        """Return whether the machine code is the same but for where things lie."""
        same = self.local.code_sha256 == self.image.code_sha256
        return self.sound and (same or (self.content is not None and self.content.bodies.code_equal))

    def section_sizes(self, *prefixes: str) -> tuple[int, int]:
        """Return how many bytes the sections take whose names begin so, on both sides."""
        sides = (self.local, self.image)
        here, there = (sum(p.size for p in side.sections if p.name.startswith(prefixes)) for side in sides)
        return here, there


def compressed(profile: BinaryProfile) -> bool:
    """Return whether a program's debug information is kept compressed."""
    return any(part.name.startswith(".zdebug_") or "C" in part.flags for part in profile.sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far two programs are apart.

    Attributes:
        rung: the best rung that is proven.
        held_by: what keeps the pair from the next better rung; empty for identical files.
        local_sha256: hex.
        image_sha256: hex.
        local_size: bytes.
        image_size: bytes.
        difference: None exactly when the files are identical.
        both: what is suspected of identical files nevertheless; None where nothing is, or nobody has looked.
    """

    rung: Rung
    held_by: str
    local_sha256: str
    image_sha256: str
    local_size: int
    image_size: int
    difference: Difference | None = None
    both: Suspicion | None = None


def identical(sha256: str, size: int) -> Comparison:
    """Return what there is to say of two files of one digest (hex) and size (bytes)."""
    return Comparison(
        rung=Rung.IDENTICAL,
        held_by="",
        local_sha256=sha256,
        image_sha256=sha256,
        local_size=size,
        image_size=size,
    )
