"""Symbol versions: what each file asks of each library, held against what that library defines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.binary.loading.facts import VersionGap
from orchestrator.binary.loading.loaded import Loaded, chain_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBER = re.compile(r"\d+")


def version_gaps(
    order: Sequence[Loaded], names: Mapping[str, Loaded]
) -> tuple[tuple[VersionGap, ...], tuple[str, ...]]:
    """Return the versions that are asked for and not defined, and the libraries that define none at all.

    A library without versions only earns a warning from the loader, and a weak need may stay unmet.
    """
    gaps, unversioned = [], []
    for asker in order:
        for asked in asker.view.asked:
            library = names.get(asked.library)
            if library is None or asked.name in library.view.defined:
                continue
            if not library.view.defined:
                unversioned.append(library.path)
            elif not asked.weak:
                newest = _newest(asked.name, library.view.defined)
                gaps.append(
                    VersionGap(
                        version=asked.name,
                        library=library.path,
                        needed_by=asker.path,
                        newest=newest,
                        chain=chain_of(asker),
                    )
                )
    return tuple(gaps), tuple(dict.fromkeys(unversioned))


def _newest(version: str, defined: tuple[str, ...]) -> str | None:
    """Return the highest defined version of the family that a version belongs to (`GLIBC_2.` for `GLIBC_2.38`)."""
    family = version.partition("_")[0] + "_"
    numbered = [name for name in defined if name.startswith(family) and name[len(family) :][:1].isdigit()]
    return max(numbered, key=lambda name: [int(part) for part in _NUMBER.findall(name)], default=None)
