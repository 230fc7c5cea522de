"""Which of the libraries that pkg-config finds may matter to a project: those that its crates look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OTHER_NAMES = {"z": "zlib", "bzip2": "bz2"}
"""Stems of `*-sys` crates whose module has another name."""
ABSENT = "none"


def libraries(
    host: Mapping[str, str], image: Mapping[str, str], crates: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the modules of both sides that crates look for, with their versions; `none` where a side lacks one.

    Args:
        host: version by module.
        image: the same.
        crates: names of packages that may look for libraries (`libz-sys`, `openssl-sys`).
    """
    stems = {_stem(crate) for crate in crates}
    wanted = stems | {_OTHER_NAMES[stem] for stem in stems if stem in _OTHER_NAMES}
    names = sorted(name for name in {*host, *image} if {name, _stem(name)} & wanted)
    return {name: host.get(name, ABSENT) for name in names}, {name: image.get(name, ABSENT) for name in names}


def _stem(name: str) -> str:
    return name.removesuffix("-sys").removeprefix("lib")
