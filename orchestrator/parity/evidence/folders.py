"""Pairs of folders that had to be taken out of texts for them to be equal, by what they are folders of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.binary.content.explain import FolderPair
    from orchestrator.parity.difference import Difference

_STANDARD = re.compile(r"/rustc/[0-9a-f]{40}")  # where the standard library's sources are said to lie
_OUT_DIR = re.compile(r"/build/[\w.-]+-[0-9a-f]{16}$")


def folders(difference: Difference) -> tuple[FolderPair, ...]:
    """Return the pairs; none where another version of a dependency is what makes the folders differ."""
    if difference.content is None:
        return ()
    versions = {crate.replace(" ", "-") for crate in (*difference.crates.only_local, *difference.crates.only_image)}
    return tuple(
        pair
        for pair in difference.content.folders
        if not _STANDARD.match(pair.local)
        and not _STANDARD.match(pair.image)
        and not any(pair.local.endswith(name) or pair.image.endswith(name) for name in versions)
    )


def is_out_dir(pair: FolderPair) -> bool:
    """Return whether this is the folder that a build script writes to."""
    return any(_OUT_DIR.search(folder) for folder in (pair.local, pair.image))
