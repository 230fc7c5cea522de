"""What a build host leaves in layers and no image needs: known by its path, with the repair that keeps it out.

Such files hold times, counters, addresses or whole package lists, so two builds of the same sources differ by them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator, Mapping, Sequence

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of leftover. `name`: for people, as in `12 of apt's lists`; `repair`: what keeps it out of a layer."""

    id: str
    name: str
    pattern: re.Pattern[str]
    repair: str


KINDS = (
    Kind(
        id="apt-lists",
        name="apt's lists and caches",
        pattern=re.compile(
            r"var/lib/apt/lists/(?!lock$|partial$|auxfiles$).+|var/cache/apt/(?:.+\.bin|archives/.+\.deb)"
        ),
        repair="end the step that runs apt-get with `&& rm -rf /var/lib/apt/lists/* /var/cache/apt/*`",
    ),
    Kind(
        id="package-logs",
        name="logs of the package manager",
        pattern=re.compile(r"var/log/(?:apt/.+|dpkg\.log|alternatives\.log|bootstrap\.log|fontconfig\.log|apk\.log)"),
        repair="end the step that installs packages with `&& rm -rf /var/log/apt /var/log/*.log`",
    ),
    Kind(
        id="python-bytecode",
        name="Python bytecode",
        pattern=re.compile(r"(?:.*/)?__pycache__/.+\.pyc"),
        repair="set `ENV PYTHONDONTWRITEBYTECODE=1` before the step: compiled files hold their source's time",
    ),
    Kind(
        id="ldconfig-cache",
        name="ldconfig's aux-cache",
        pattern=re.compile(r"var/cache/ldconfig/aux-cache"),
        repair="end the step with `&& rm -f /var/cache/ldconfig/aux-cache`: it holds inode numbers",
    ),
    Kind(
        id="resolv-conf",
        name="the build host's name servers",
        pattern=re.compile(r"etc/resolv\.conf"),
        repair="leave /etc/resolv.conf alone in the step: engines put their own into every container",
    ),
)
_ANY = re.compile("|".join(f"(?:{kind.pattern.pattern})" for kind in KINDS))
_BY_ID = {kind.id: kind for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Leftovers of one kind in one layer.

    Attributes:
        kind: id of the kind.
        keyword: of the instruction that made the layer, as the image's history has it.
        after: how many entries of the history come after that one.
        count, size: files, and their bytes.
        paths: the first few, absolute.
        removed: they were taken out of the candidate.
    """

    kind: str
    keyword: str
    after: int
    count: int
    size: int
    paths: tuple[str, ...]
    removed: bool

    @property
    def name(self) -> str:
        """Return what they are, for people."""
        return _BY_ID[self.kind].name

    @property
    def repair(self) -> str:
        """Return what keeps them out."""
        return _BY_ID[self.kind].repair


def kind_of(path: str) -> Kind | None:
    """Return the kind of leftover that lies at a path (relative to the image's root); None for everything else."""
    if _ANY.fullmatch(path) is None:
        return None
    return next(kind for kind in KINDS if kind.pattern.fullmatch(path))


def leftovers_in(members: Sequence[tarfile.TarInfo]) -> Iterator[tuple[tarfile.TarInfo, Kind]]:
    """Yield a layer's leftovers: files with content, and links to such."""
    for member in members:
        if (member.isreg() and member.size) or member.islnk():
            kind = kind_of(member.name.removeprefix("./"))
            if kind is not None:
                yield member, kind


def removable(found: Sequence[tuple[tarfile.TarInfo, Kind]], members: Sequence[tarfile.TarInfo]) -> set[int]:
    """Return the ids of the entries that can go: not those that a file which stays is linked to."""
    doomed = {id(member) for member, _ in found}
    needed = {member.linkname for member in members if member.islnk() and id(member) not in doomed}
    return {id(member) for member, _ in found if member.name not in needed}


def summed(
    found: Sequence[tuple[tarfile.TarInfo, Kind]], gone: set[int], *, keyword: str, after: int
) -> Iterator[Leftover]:
    """Yield a layer's leftovers by kind."""
    by_kind: dict[str, list[tarfile.TarInfo]] = {}
    for member, kind in found:
        by_kind.setdefault(kind.id, []).append(member)
    for kind_id, entries in sorted(by_kind.items()):
        yield Leftover(
            kind=kind_id,
            keyword=keyword,
            after=after,
            count=len(entries),
            size=sum(entry.size for entry in entries),
            paths=tuple(f"/{entry.name.removeprefix('./')}" for entry in entries[:_SHOWN]),
            removed=bool(gone) and all(id(entry) in gone for entry in entries),
        )


def leftover_from_json(said: Mapping[str, object]) -> Leftover:
    """Return a leftover that was remembered."""
    values = dict(said)
    paths = values.pop("paths")
    return Leftover(paths=tuple(str(path) for path in paths) if isinstance(paths, list) else (), **values)  # type: ignore[arg-type]
