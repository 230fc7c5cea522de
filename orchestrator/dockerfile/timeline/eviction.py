"""Whether a removal makes cargo compile a unit again, and if not, why.

Cargo keeps, below `target/[triple/]profile/`: `.fingerprint/<package>-<hash>/` (names with hyphens as in the manifest),
`deps/<crate>-<hash>` for programs and `deps/lib<crate>-<hash>.rlib` for libraries (hyphens turned into underscores),
`build/<package>-<hash>/`, and hard links to the finished programs. A unit is compiled again when its fingerprint or
one of its outputs is missing; a finished program alone is hard-linked back (measured, see docs/explanation).
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.dockerfile.shell.model import UNKNOWN
from orchestrator.dockerfile.timeline.files import Reach
from orchestrator.dockerfile.timeline.poison import Flaw, FlawKind

if TYPE_CHECKING:
    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.events import Called, Removed
    from orchestrator.dockerfile.timeline.files import FileSet
    from orchestrator.dockerfile.timeline.poison import Poison, Unit

_MOST_SHOWN = 2
_HASH = "0123456789abcdef"


def evict(removed: Removed, poison: Poison, unit: Unit) -> None:
    """Take in a removal of files."""
    key, files = poison.call.key, removed.files
    if UNKNOWN in key.target_dir:
        poison.evicted = max(poison.evicted, Reach.MAYBE)
        return
    if not _concerns(files, key.target_dir):
        return
    mount = next((ident for point, ident in removed.step.mounts.items() if _inside(key.target_dir, point)), None)
    if mount != key.mount:
        text = "it runs without the cache mount that the build's target directory lies in, so it removes other files"
        poison.flaws.append(Flaw(kind=FlawKind.ELSEWHERE, text=text, span=removed.span))
        return
    reach = _whole(files, poison) or _named(files, poison, unit)
    if reach is Reach.NO:
        poison.flaws.append(_flaw(removed, poison, unit))
    else:
        poison.evicted = max(poison.evicted, reach)
        poison.healed_by.append(removed.span)


def clean(called: Called, poison: Poison, unit: Unit) -> None:
    """Take in `cargo clean`."""
    call, key, own = called.call, called.call.key, poison.call.key
    if UNKNOWN in own.target_dir or UNKNOWN in key.target_dir or not call.certain:
        poison.evicted = max(poison.evicted, Reach.MAYBE)
        return
    if (key.target_dir, key.mount) != (own.target_dir, own.mount):
        text = f"it cleans {key.target_dir}, and the build uses {own.target_dir}"
        if key.target_dir == own.target_dir:
            text = "it runs without the cache mount that the build's target directory lies in"
        poison.flaws.append(Flaw(kind=FlawKind.ELSEWHERE, text=text, span=called.span))
        return
    narrowed = bool(call.packages) or call.has("--release", "-r", "--profile", "--target")
    if narrowed and (key.profile, key.triple) != (own.profile, own.triple):
        there, here = (posixpath.relpath(each.folder, each.target_dir) for each in (key, own))
        text = f"it cleans {there}/ and the build uses {here}/ (cargo says `Removed 0 files` and exits 0)"
        poison.flaws.append(Flaw(kind=FlawKind.OTHER_PROFILE, text=text, span=called.span))
        return
    if not call.packages or _selects(call, unit):
        poison.evicted = Reach.YES
        poison.healed_by.append(called.span)


def _selects(call: CargoCall, unit: Unit) -> bool:
    if unit.package is not None:
        return unit.package.name in call.packages
    return unit.folder == call.directory or any(of_folder(name, unit.folder) for name in call.packages)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _concerns(files: FileSet, target_dir: str) -> bool:
    """Return whether a removal is about a target directory: in it, or of a folder above it."""
    for root in files.roots:
        head = re.split(r"[*?\[\0]", root.text, maxsplit=1)[0]
        if _inside(root.text, target_dir) or (head != root.text and head.startswith(target_dir + "/")):
            return True
    return files.recursive and files.reach(target_dir) is not Reach.NO


def _whole(files: FileSet, poison: Poison) -> Reach:
    key = poison.call.key
    if not files.recursive:
        return Reach.NO
    folder, places = key.folder, [key.target_dir, key.folder]
    if files.names:
        # `find target -name …` means what has that name, not the folders above it.
        return Reach.NO
    places += [posixpath.join(folder, name) for name in (".fingerprint", "deps")]
    return max(files.reach(place) for place in places)


def _places(poison: Poison, unit: Unit, *, swapped: bool = False) -> list[str]:
    """Return files whose loss makes cargo compile a unit again."""
    folder, package, crate = poison.call.key.folder, unit.package.name if unit.package else None, unit.crate
    if package is None or crate is None:
        return []
    if swapped:
        package = package.replace("-", "_") if "-" in package else package.replace("_", "-")
        crate = crate.replace("_", "-")
    found = [f"{folder}/.fingerprint/{package}-{_HASH}"]
    if unit.kind == "lib":
        found += [f"{folder}/deps/lib{crate}-{_HASH}.rlib", f"{folder}/deps/lib{crate}-{_HASH}.rmeta"]
    elif unit.kind == "build":
        found.append(f"{folder}/build/{package}-{_HASH}")
    else:
        found.append(f"{folder}/deps/{crate}-{_HASH}")
    return found


def _named(files: FileSet, poison: Poison, unit: Unit) -> Reach:
    places = _places(poison, unit)
    if places:
        return max(files.reach(place) for place in places)
    if files.names:
        return Reach.MAYBE  # `find target -name …`: only manifests tell what it finds.
    return max((_guessed(root.text, poison, unit) for root in files.roots if root.glob), default=Reach.NO)


def _guessed(pattern: str, poison: Poison, unit: Unit) -> Reach:
    """Return what a pattern reaches where the project's names are not known: its own names are believed."""
    folder, base = posixpath.split(pattern)
    known = posixpath.relpath(folder, poison.call.key.folder) if folder.startswith("/") else folder
    name = re.split(r"[*?\[]", base, maxsplit=1)[0].rstrip("-")
    own = unit.folder == poison.call.directory or of_folder(name.removeprefix("lib"), unit.folder)
    if known == ".fingerprint":
        # Members often share a prefix (`shop-*` for `shop-api` in crates/api): only manifests tell.
        return Reach.YES if own or not name else Reach.MAYBE
    if known == "deps" and "-" not in name:
        library = name.startswith("lib") or not name
        if unit.kind == "lib":
            return (Reach.YES if own else Reach.MAYBE) if library else Reach.NO
        if unit.kind == "bin":
            return Reach.YES if not name or _alike(name, unit.name or "") else Reach.NO
        return Reach.YES if unit.kind == "main" and own and not name.startswith("lib") else Reach.NO
    if known == "build":
        return Reach.YES if unit.kind == "build" and own else Reach.NO
    return Reach.MAYBE if UNKNOWN in pattern else Reach.NO


def _alike(one: str, other: str) -> bool:
    return bool(one) and one.replace("-", "_") == other.replace("-", "_")


def of_folder(name: str, folder: str) -> bool:
    """Return whether a crate's name fits its folder: the same, or with a prefix (`shop-runtime` in `runtime`)."""
    base = posixpath.basename(folder).replace("_", "-")
    plain = name.replace("_", "-")
    return plain == base or plain.endswith(f"-{base}")


def _flaw(removed: Removed, poison: Poison, unit: Unit) -> Flaw:
    files, folder = removed.files, poison.call.key.folder
    written = " ".join(removed.written[:_MOST_SHOWN]) or "what it finds"
    written += " …" if len(removed.written) > _MOST_SHOWN else ""
    if removed.quoted:
        text = f"the quotes keep the shell from expanding {written}, so no file has that name"
        return Flaw(kind=FlawKind.NO_MATCH, text=text, span=removed.span)
    if any(files.reach(place) is not Reach.NO for place in _places(poison, unit, swapped=True)) or _hyphen(
        files, folder
    ):
        text = (
            f"{written} mixes up hyphen and underscore, so it matches nothing: `.fingerprint` has a package's name as "
        )
        text += "the manifest has it, file names in `deps` have underscores"
        return Flaw(kind=FlawKind.NAME, text=text, span=removed.span)
    if any(posixpath.dirname(root.text) == folder for root in files.roots):
        text = f"{written} is only a hard link to a file in `deps`, and cargo links it back"
        return Flaw(kind=FlawKind.FINAL_FILE, text=text, span=removed.span)
    text = f"{written} matches nothing that belongs to this crate in {folder}"
    return Flaw(kind=FlawKind.NO_MATCH, text=text, span=removed.span)


def _hyphen(files: FileSet, folder: str) -> bool:
    """Return whether a pattern for `deps` has a hyphen before the hash's own: no crate is written like that."""
    for root in files.roots:
        head, base = posixpath.split(root.text)
        if head == f"{folder}/deps" and "-" in re.split(r"[*?\[]", base, maxsplit=1)[0].rstrip("-"):
            return True
    return False
