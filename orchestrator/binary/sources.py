"""What a program's own strings tell of where it was compiled: dependencies, toolchain, folders.

A Rust program that can panic carries the path of each source file that may do so, also when it is stripped:
`<cargo home>/registry/src/<index>/<crate>-<version>/src/lib.rs` for a dependency and `/rustc/<commit>/library/…` for
the standard library. The strings lie next to each other without separators, so the beginning of a path cannot always
be told from the end of the text before it: a folder is believed when it is the most frequent of its sort.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# cargo unpacks a dependency into `<name>-<version>`; `cargo vendor --versioned-dirs` does the same.
# All repetitions are bounded, so that no content makes the search slow. `/rust/deps` is where the standard library's
# own dependencies were compiled: every Rust program holds those.
_CRATE = re.compile(
    rb"(?<!/rust/deps)/([A-Za-z0-9_][A-Za-z0-9_-]{0,63}?)-(\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]{1,40})?)"
    rb"/(?:[\w.+-]{1,80}/){0,20}[\w+-]{1,80}\.rs"
)
_COMMIT = re.compile(rb"/rustc/([0-9a-f]{40})/")
_ROOT = re.compile(rb"(/[\w.+@~/-]{0,200}?)(/registry/src/|/git/checkouts/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTraces:
    """What was found: see the fields of the same name in `BinaryProfile`."""

    crates: tuple[str, ...]
    rustc_commits: tuple[str, ...]
    roots: tuple[str, ...]


def trace_sources(contents: Iterable[bytes | bytearray]) -> SourceTraces:
    """Search the mapped data of a program for the source paths that the compiler left there."""
    crates: set[str] = set()
    commits: set[str] = set()
    roots: dict[bytes, Counter[bytes]] = {}
    for content in contents:
        crates.update(f"{name.decode()} {version.decode()}" for name, version in _CRATE.findall(content))
        commits.update(commit.decode() for commit in _COMMIT.findall(content))
        for root, sort in _ROOT.findall(content):
            roots.setdefault(sort, Counter())[root] += 1
    # Ties go to the shorter one: what is glued to the front only ever makes a path longer.
    likeliest = {min(found.items(), key=lambda item: (-item[1], len(item[0])))[0] for found in roots.values()}
    return SourceTraces(
        crates=tuple(sorted(crates)),
        rustc_commits=tuple(sorted(commits)),
        roots=tuple(sorted(root.decode() for root in likeliest)),
    )
