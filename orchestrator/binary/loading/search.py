"""Where the dynamic loader finds libraries: the rules of glibc and of musl, without running either.

Each rule was measured against glibc 2.36 and musl 1.2 in containers: RPATH is inherited by the libraries of a program
and RUNPATH is not; a name that equals the SONAME of something already loaded is satisfied; files for another
processor are passed over; the folders that are built into the loader are read from the loader itself.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.loading.elf import LoaderView, view_elf
from orchestrator.binary.loading.facts import Found, LibraryFacts, Presence, VersionGap
from orchestrator.binary.loading.ldcache import read_cache
from orchestrator.binary.loading.loaded import Loaded, chain_of, upwards
from orchestrator.binary.loading.versions import version_gaps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.binary.loading.root import ImageConfiguration, Root

CACHE = "/etc/ld.so.cache"
PRELOAD = "/etc/ld.so.preload"
_PRELOAD_SEPARATORS = re.compile(r"[\s:]+")
_BUILT_IN = re.compile(rb"(?:/[\w./-]{1,60}/\x00){2,8}")
_FALLBACK = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
_MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")
# musl takes these names for itself, whatever follows the dot (ldso/dynlink.c, load_library).
_MUSL_ITSELF = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\..*")
_MUSL_NAME = re.compile(r"ld-musl-([^.]+)\.so")
_LEVELS = ("x86-64-v4", "x86-64-v3", "x86-64-v2")
_SEPARATORS = re.compile(r"[:\n]")
_MOST_OBJECTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """The dynamic loader that a program asks for.

    Attributes:
        found: its file in the image.
        view: None when the file is no ELF file.
        musl: whether it is musl's; told by its own text, as the name may be anybody's.
        folders: the ones built into it.
        secure: the program gains rights by being started, so neither environment nor $ORIGIN is trusted.
    """

    found: Found
    view: LoaderView | None
    musl: bool
    folders: tuple[str, ...]
    secure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The outcome for one program; see the fields of the same name in `ProgramFacts`."""

    libraries: tuple[LibraryFacts, ...]
    gaps: tuple[VersionGap, ...]
    resolved: tuple[str, ...]
    unversioned: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sought:
    """The end of a search: the file, or None with where it was sought."""

    path: str | None
    view: LoaderView | None = None
    searched: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


class Libraries:
    """Searches libraries in one image; what was read once is kept."""

    def __init__(self, root: Root, image: ImageConfiguration) -> None:
        self._root, self._image = root, image
        self._views: dict[str, LoaderView | None] = {}
        self._cache: dict[str, tuple[str, ...]] | None = None

    def view(self, found: Found) -> LoaderView | None:
        """Return the loader's view of a file; None when it is no ELF file."""
        if found.real not in self._views:
            self._views[found.real] = view_elf(self._root.read(found))
        return self._views[found.real]

    def loader(self, path: str) -> Loader:
        """Look at the loader that a program names."""
        found = self._root.find(posixpath.join(self._image.working_directory or "/", path))
        content = self._root.read(found) if found.presence is Presence.FILE else b""
        runs = (run[0] for run in _BUILT_IN.finditer(content) if b"lib" in run[0])
        built_in = tuple(part.decode().rstrip("/") for part in next(runs, b"").split(b"\x00") if part)
        return Loader(
            found=found,
            view=self.view(found) if content else None,
            musl=b"musl libc" in content,
            folders=built_in or _FALLBACK,
        )

    def resolve(self, program: Found, view: LoaderView, loader: Loader) -> Resolution:
        """Search everything a program needs, breadth first as the loader does."""
        first = Loaded(path=program.real, view=view, parent=None)
        order, names, missing = [first], self._names_of_loader(loader, first), []
        paths = {first.path: first}
        environment = () if loader.secure else self._library_path()
        for early in self._preloaded(first, loader, environment):
            if early.path not in paths:
                paths[early.path] = early
                order.append(early)
                names.setdefault(early.view.soname or posixpath.basename(early.path), early)
        for asker in order:
            for name in asker.view.needed:
                if name in names or (loader.musl and _MUSL_ITSELF.fullmatch(name)):
                    continue
                sought = self._search(name, asker, loader, environment)
                if sought.path is None or sought.view is None:
                    missing.append(_missing(name, asker, sought))
                    continue
                loaded = paths.get(sought.path)
                if loaded is None:
                    loaded = paths[sought.path] = Loaded(path=sought.path, view=sought.view, parent=asker)
                    order.append(loaded)
                names[name] = loaded
                if loaded.view.soname:
                    names.setdefault(loaded.view.soname, loaded)
            if len(order) > _MOST_OBJECTS:
                break
        gaps, unversioned = ((), ()) if loader.musl else version_gaps(order, names)
        return Resolution(
            libraries=tuple(missing),
            gaps=gaps,
            resolved=tuple(loaded.path for loaded in order[1:]),
            unversioned=unversioned,
        )

    def _names_of_loader(self, loader: Loader, program: Loaded) -> dict[str, Loaded]:
        if loader.view is None:
            return {}
        itself = Loaded(path=loader.found.real, view=loader.view, parent=program)
        names = {loader.found.path, posixpath.basename(loader.found.path), loader.view.soname or ""}
        return {name: itself for name in names if name}

    def _preloaded(self, program: Loaded, loader: Loader, environment: tuple[str, ...]) -> Iterator[Loaded]:
        """Yield what is loaded before all else; what is not found there only earns a warning."""
        listed = "" if loader.secure else self._image.environment.get("LD_PRELOAD", "")
        if not loader.musl:
            file = self._root.find(PRELOAD)
            if file.presence is Presence.FILE:
                lines = self._root.read(file).decode(errors="replace").splitlines()
                listed = " ".join([listed, *(line.partition("#")[0] for line in lines)])
        for name in _PRELOAD_SEPARATORS.split(listed):
            sought = self._search(name, program, loader, environment) if name else None
            if sought is not None and sought.path is not None and sought.view is not None:
                yield Loaded(path=sought.path, view=sought.view, parent=program)

    def _library_path(self) -> tuple[str, ...]:
        text = self._image.environment.get("LD_LIBRARY_PATH", "")
        return tuple(folder for folder in re.split("[:;]", text) if folder)

    def _search(self, name: str, asker: Loaded, loader: Loader, environment: tuple[str, ...]) -> _Sought:
        if "/" in name:
            path = posixpath.join(self._image.working_directory or "/", name)
            return self._first((path,), asker, searched=(path,))
        folders = self._musl_folders if loader.musl else self._glibc_folders
        places = [*folders(asker, loader, environment)]
        paths = [path for place in places for path in self._in_place(name, place)]
        if not loader.musl:
            # Which of these a processor may use is not known here; one that has the library counts as found.
            paths += [
                posixpath.join(place, "glibc-hwcaps", level, name)
                for place in places
                for level in _LEVELS
                if place != CACHE
            ]
        return self._first(paths, asker, searched=tuple(dict.fromkeys(places)))

    def _in_place(self, name: str, place: str) -> tuple[str, ...]:
        if place != CACHE:
            return (posixpath.join(place, name),)
        if self._cache is None:
            found = self._root.find(CACHE)
            self._cache = read_cache(self._root.read(found)) if found.presence is Presence.FILE else {}
        return self._cache.get(name, ())

    def _first(
        self,
        paths: Iterable[str],
        asker: Loaded,
        *,
        searched: tuple[str, ...],
    ) -> _Sought:
        passed_over = []
        for path in paths:
            found = self._root.find(path)
            if found.presence is not Presence.FILE:
                continue
            view = self.view(found)
            if view is not None and (view.bits, view.machine) == (asker.view.bits, asker.view.machine):
                return _Sought(path=found.real, view=view)
            passed_over.append(path)
        return _Sought(path=None, searched=searched, passed_over=tuple(passed_over))

    def _glibc_folders(self, asker: Loaded, loader: Loader, environment: tuple[str, ...]) -> Iterator[str]:
        if not asker.view.runpath:
            for loaded in upwards(asker):
                yield from self._expanded(loaded.view.rpath, loaded, loader)
        for folder in environment:
            yield from self._expanded(folder, asker, loader)
        yield from self._expanded(asker.view.runpath, asker, loader)
        if not asker.view.no_default_folders:
            yield CACHE
            yield from loader.folders

    def _musl_folders(self, asker: Loaded, loader: Loader, environment: tuple[str, ...]) -> Iterator[str]:
        yield from environment
        for loaded in upwards(asker):
            yield from self._expanded(loaded.view.runpath or loaded.view.rpath, loaded, loader)
        name = _MUSL_NAME.search(loader.found.path)
        listed = self._root.find(f"/etc/ld-musl-{name[1]}.path") if name else None
        if listed is not None and listed.presence is Presence.FILE:
            text = self._root.read(listed).decode(errors="replace")
            yield from (folder for folder in _SEPARATORS.split(text) if folder)
        else:
            yield from _MUSL_FOLDERS

    def _expanded(self, folders: str, owner: Loaded, loader: Loader) -> Iterator[str]:
        """Yield the folders of a list with their tokens replaced; ORIGIN is where the file really lies."""
        for folder in folders.split(":") if folders else ():
            text = folder
            if "$" in folder:
                origin = posixpath.dirname(self._root.real_path(owner.path))
                tokens = {"ORIGIN": origin, "LIB": loader.folders[0].strip("/"), "PLATFORM": "x86_64"}
                for token, value in tokens.items():
                    text = text.replace(f"${{{token}}}", value).replace(f"${token}", value)
                if loader.secure and "ORIGIN" in folder and posixpath.normpath(text) not in loader.folders:
                    continue
            yield posixpath.join(self._image.working_directory or "/", text)


def _missing(name: str, asker: Loaded, sought: _Sought) -> LibraryFacts:
    return LibraryFacts(
        name=name,
        needed_by=asker.path,
        searched=sought.searched,
        passed_over=sought.passed_over,
        chain=chain_of(asker),
    )
