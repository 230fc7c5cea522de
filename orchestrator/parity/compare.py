"""Comparing two programs: from two profiles to a rung of the ladder and the facts that separate them.

Pure. A rung is claimed when it is proven, never because nothing speaks against it: what cannot be told apart counts
as the worse rung. See docs/explanation/parity-ladder.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.binary.names import entry_crates, own_functions
from orchestrator.binary.profile import Format
from orchestrator.parity.dependencies import dependencies
from orchestrator.parity.difference import (
    Comparison,
    Difference,
    FunctionDifference,
    OwnCode,
    SectionDifference,
    identical,
)
from orchestrator.parity.emptied import emptied_crates, rest_as_it_was, without_dependencies
from orchestrator.parity.rung import Rung
from orchestrator.parity.toolchains import sets, toolchains
from orchestrator.parity.worth_reading import worth_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.binary.content.explain import ContentDifference
    from orchestrator.binary.profile import BinaryProfile, Function, SectionFacts
    from orchestrator.parity.facts import BuildFacts

# Neither loaded nor about the code: names and versions that tools leave behind, and the table of section names.
_METADATA = (".comment", ".note", ".shstrtab", ".gnu_debuglink", ".gnu_debugaltlink")


def compare_files(
    local_sha256: str,
    image_sha256: str,
    *,
    size: int,
    profile: Callable[[str], BinaryProfile],
    own: Sequence[str] = (),
    content: Callable[[str, str], ContentDifference | None] | None = None,
    facts: BuildFacts | None = None,
    unmatched: Callable[[str, str], int | None] | None = None,
) -> Comparison:
    """Compare two programs by digest, and read them only when they differ.

    Args:
        local_sha256: digest (hex) of the local program.
        image_sha256: digest (hex) of the image's program.
        size: of the local program, bytes.
        profile: gives the profile for a digest; called once for each side, and not at all for identical files.
        own: the project's own crates; see `compare`.
        content: compares two programs byte by byte, by their digests; not called when digests of what is mapped tell
            the answer already.
        facts: what is known of the two builds.
        unmatched: tells how much code, in bytes, the second of two programs (by their digests) has that the first one
            lacks; called where nothing else tells of functions.
    """
    if local_sha256 == image_sha256:
        return identical(local_sha256, size)
    local, image = profile(local_sha256), profile(image_sha256)
    worth = worth_reading(local, image)
    found = content(local_sha256, image_sha256) if content and worth else None
    apart = worth and found is None and image.functions is None
    return compare(
        local,
        image,
        own=own,
        content=found,
        facts=facts,
        unmatched=unmatched(local_sha256, image_sha256) if unmatched and apart else None,
    )


def compare(
    local: BinaryProfile,
    image: BinaryProfile,
    *,
    own: Sequence[str] = (),
    content: ContentDifference | None = None,
    facts: BuildFacts | None = None,
    unmatched: int | None = None,
) -> Comparison:
    """Compare two profiles.

    Args:
        local: the program built on the host.
        image: the program as shipped.
        own: names of the project's own crates or packages; without any, those whose `main` the local program holds.
        content: both programs byte by byte, where that was looked at.
        facts: what is known of the two builds.
        unmatched: see `Difference`.
    """
    if local.sha256 == image.sha256:
        return identical(local.sha256, local.size)
    difference = replace(
        _difference(local, image, own or entry_crates(local)), content=content, facts=facts, unmatched=unmatched
    )
    rung, held_by = _rung(difference)
    return Comparison(
        rung=rung,
        held_by=held_by,
        local_sha256=local.sha256,
        image_sha256=image.sha256,
        local_size=local.size,
        image_size=image.size,
        difference=difference,
    )


def _difference(local: BinaryProfile, image: BinaryProfile, own: Sequence[str]) -> Difference:
    return Difference(
        local=local,
        image=image,
        sections=_sections(local.sections, image.sections),
        functions=_functions(local.functions, image.functions),
        own=tuple(code for crate in own if (code := _own(local, image, crate)) is not None),
        needed=sets(local.needed, image.needed),
        crates=dependencies(local, image),
        toolchains=toolchains(local, image),
        roots=sets(local.roots, image.roots),
        local_entries=entry_crates(local),
        image_entries=entry_crates(image),
    )


def _sections(local: Sequence[SectionFacts], image: Sequence[SectionFacts]) -> tuple[SectionDifference, ...]:
    here, there = _by_name(local), _by_name(image)
    names = [*here, *(name for name in there if name not in here)]
    return tuple(_section(here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name))


def section_names(sections: Sequence[SectionDifference], *, most: int = 8) -> str:
    """Return the names of differing sections as a text, loaded ones first, at most `most` of them."""
    ordered = sorted(sections, key=lambda section: not section.loaded)
    names = [section.name for section in ordered[:most]]
    if len(ordered) > most:
        names.append(f"{len(ordered) - most} more")
    return ", ".join(names) or "none of its sections"


def _by_name(sections: Sequence[SectionFacts]) -> dict[tuple[str, int], SectionFacts]:
    seen: Counter[str] = Counter()
    named = {}
    for section in sections:
        named[section.name, seen[section.name]] = section
        seen[section.name] += 1
    return named


def _section(local: SectionFacts | None, image: SectionFacts | None) -> SectionDifference:
    some = [section for section in (local, image) if section is not None]
    return SectionDifference(
        name=some[0].name,
        local_size=local.size if local else None,
        image_size=image.size if image else None,
        loaded=any("A" in section.flags for section in some),
    )


def _functions(local: Sequence[Function] | None, image: Sequence[Function] | None) -> FunctionDifference | None:
    if local is None or image is None:
        return None
    here, there = Counter([f.name for f in local]), Counter([f.name for f in image])
    # Names that occur equally often are most of them, and are set apart without a loop.
    uneven = {name for name, _ in here.items() ^ there.items()}
    only_local = {name for name in uneven if here[name] > there[name]}
    only_image = uneven - only_local
    # Functions that share a hash-free name swap places freely, so their sizes are compared as a bag as well.
    changed = {function.name for function, _ in Counter(local).items() ^ Counter(image).items()}
    return FunctionDifference(
        local=len(local),
        image=len(image),
        common=len(local) - sum(here[name] - there[name] for name in only_local),
        only_local=tuple(sorted(only_local)),
        only_image=tuple(sorted(only_image)),
        resized=tuple(sorted(changed - uneven)),
    )


def _own(local: BinaryProfile, image: BinaryProfile, crate: str) -> OwnCode | None:
    here, there = own_functions(local, crate), own_functions(image, crate)
    if here is None or there is None:
        return None
    name = crate.replace("-", "_")
    return OwnCode(
        crate=name,
        local=len(here),
        image=len(there),
        local_beyond_main=sum(not _is_main(function, name) for function in here),
        image_beyond_main=sum(not _is_main(function, name) for function in there),
        missing=tuple(sorted((Counter(here) - Counter(there)).keys())),
    )


def _is_main(function: str, crate: str) -> bool:
    return function == f"{crate}::main" or function.startswith(f"{crate}::main::")


def _rung(difference: Difference) -> tuple[Rung, str]:
    """Return the best rung that the facts prove, and what stands before the next better one."""
    foreign = _foreign(difference)
    if foreign is not None:
        return Rung.FOREIGN, foreign
    if difference.mapped_equal or difference.code_equal:
        return _rung_of_equal_code(difference)
    if difference.toolchains:
        return Rung.TOOLCHAIN, "the machine code differs, and so do the tools that made it"
    return Rung.CODE, "the mapped machine code differs" + _code_hint(difference)


def _rung_of_equal_code(difference: Difference) -> tuple[Rung, str]:
    local, image, content = difference.local, difference.image, difference.content
    names = section_names(difference.sections)
    if local.overlay_sha256 != image.overlay_sha256:
        return Rung.DATA, "the mapped code is equal and other bytes follow the end of the program proper"
    if difference.mapped_equal:
        if all(section.name.startswith(_METADATA) for section in difference.sections):
            return Rung.METADATA, f"all that is mapped is equal; what differs are notes and tables: {names}"
        return Rung.HASH_ONLY, f"all that is mapped is equal; symbols or debug information differ: {names}"
    settings = [(side.kind, side.hardening, side.interpreter, side.search, side.needed) for side in (local, image)]
    if content is not None and content.equal and settings[0] == settings[1]:
        if not content.folders:
            return Rung.HASH_ONLY, f"all code and data are equal; {_moved(content)} lie elsewhere: {names}"
        if not difference.crates:
            folders = content.folders[0]
            return Rung.PATHS, (
                "all code and data are equal but for where things lie and for source folders "
                f"({folders.local} against {folders.image})"
            )
    if content is not None and content.constants.sections:
        names = ", ".join(content.constants.sections)
    return Rung.DATA, f"the machine code is equal and the mapped data differ: {names}"


def _moved(content: ContentDifference) -> str:
    moved = content.bodies.moved
    return f"{moved:,} functions" if moved else "constants"


def _foreign(difference: Difference) -> str | None:
    local, image = difference.local, difference.image
    if local.format is not image.format:
        return f"the local file is of the format {local.format.value}, the image's of {image.format.value}"
    if local.format is not Format.ELF:
        return f"both files are of the format {local.format.value}, of which only the digests are compared"
    for side, profile in (("local", local), ("image's", image)):
        if profile.damage is not None:
            return f"the {side} file is damaged: {profile.damage}"
    if local.machine != image.machine:
        return f"the local program is for {local.machine}, the image's for {image.machine}"
    return _nothing_in_common(difference)


def _nothing_in_common(difference: Difference) -> str | None:
    """Return why the image's program lacks what makes up the local one, or None."""
    image = difference.image
    mains = difference.local_entries
    if mains and image.functions is not None and not set(mains) & set(difference.image_entries):
        return f"the image's program has no `{mains[0]}::main`"
    emptied, bare = emptied_crates(difference), without_dependencies(difference)
    gone = emptied and all(code.image_beyond_main == 0 for code in difference.own)
    if gone and (bare or rest_as_it_was(difference)):
        names = " and ".join(f"`{code.crate}`" for code in emptied)
        return f"of the project's own code ({names}) the image's program has `main` at most"
    if bare:
        count = len(difference.crates.only_local)
        return f"of {count} dependencies that the local program shows, the image's shows none"
    return None


def _code_hint(difference: Difference) -> str:
    content, functions = difference.content, difference.functions
    if content is not None and content.named:
        bodies = content.bodies
        total = bodies.same + len(bodies.other_data) + len(bodies.changed) + len(bodies.only_local)
        return (
            f"; of {total:,} functions {len(bodies.changed):,} have another body, {len(bodies.only_local):,} are only "
            f"local, {len(bodies.only_image):,} only in the image"
        )
    if functions is None:
        return ""
    if functions.same_shape:
        return "; no function is added, removed or resized"
    return (
        f"; functions: {len(functions.only_local)} only local, {len(functions.only_image)} only in the image, "
        f"{len(functions.resized)} of another size"
    )
