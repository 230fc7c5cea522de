"""Dependencies compile once: what the host has compiled of them, made ready for the image build.

Only packages from a registry or from git are handed over; those of the project, and their build scripts, compile on
both sides. They go as cargo laid them in its target directory, with their fingerprints, so cargo itself decides in the
image which of them fit. What cargo does not look at is compared by the shim (shim/lib/handover), which takes nothing
where the host's C library, compiler or paths are others. Procedural macros and build scripts are programs, which is why
the C library counts. What a C compiler had a part in is kept apart, since the image may have another one.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.engine.archive import load_files
from orchestrator.toolchains.cargo.kept_sums import KeptSums, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.toolchains.cargo.messages import CargoReport, ScriptRun
    from orchestrator.workspace import Workspace

_HASHED = re.compile(r"(?:lib)?(?P<crate>.+)-(?P<hash>[0-9a-f]{16})(?:\.\w+)?")
_BY_OTHER_TOOLS = re.compile(rb"\b(?:cmake|configure|meson|ninja|nasm|protoc|bindgen|clang|perl|python3?)\b|\b[cg]\+\+")
"""Programs whose version the shim does not compare: what their output went into stays on its side."""

_NOT_RUN = re.compile(rb"(?m)^cargo::?(?:rerun-if-changed=[^/\n].*|warning=Compiler version doesn't include clang)")
"""Names such a program and runs none: a file of the package (`configure.rs`), a word of the crate `cc` about gcc."""

_OLDER_SECONDS = 3600
"""The artifacts' age when they are handed over: older than what the image compiles beside them, and newer than the
files of their crates, which have the time of their publication."""


def hand_over(
    engine: Engine,
    reference: str,
    report: CargoReport,
    *,
    outside: Callable[[str], Path],
    target: Path,
    facts: Mapping[str, str],
    workspace: Workspace,
    limit: int,
) -> frozenset[str]:
    """Make the image with what a call of cargo has finished of the dependencies; return of which (`name version`).

    What lay in the target directory before the call is taken only if it still is what was compiled there: a damaged
    file is left out, and cargo compiles that crate in the image.

    Args:
        engine: where the image is loaded.
        reference: its tag.
        report: the call's messages.
        outside: gives a file of this machine for what the build calls it.
        target: the target directory, on this machine.
        facts: what the shim compares, by name (`lib/kin`, `build`, `home`).
        workspace: remembers digests.
        limit: bytes; what is larger is not handed over.
    """
    parts: dict[str, dict[str, tuple[Path, str]]] = {"plain": {}, "native": {}}
    packages = set()
    for unit, digests in _sound_units(report, outside, target, workspace):
        part = parts["native" if unit.native else "plain"]
        part.update((path, (file, digests[path])) for path, file in unit.files.items())
        packages.add(unit.package)
    if sum(file.stat().st_size for part in parts.values() for file, _ in part.values()) > limit:
        parts, packages = {}, set()
    content = list(_content(parts, facts))
    # An offer without content is always the same, so that the layers of steps that see it stay cached.
    mtime = int(time.time()) - _OLDER_SECONDS if packages else 0
    load_files(engine, reference, content, scratch=workspace.scratch, mtime=mtime)
    return frozenset(packages)


def all_written(report: CargoReport, *, outside: Callable[[str], Path]) -> bool:
    """Return whether cargo has written the fingerprint of each crate that it told of."""
    laid = (
        _artifact_files([outside(name) for name in artifact.files], artifact.kind, artifact.package)
        for artifact in tuple(report.dependencies)
    )
    return all(_has_fingerprint(files) for files in laid if files)


def keep_digests(report: CargoReport, *, outside: Callable[[str], Path], target: Path, workspace: Workspace) -> None:
    """Remember what a call has compiled, so that a later run may hand it over."""
    if any(not artifact.fresh for artifact in report.dependencies):
        _sound_units(report, outside, target, workspace)


def _sound_units(
    report: CargoReport, outside: Callable[[str], Path], target: Path, workspace: Workspace
) -> list[tuple[_Unit, dict[str, str]]]:
    """Return what is as it was when it had just been compiled, with digests, which are remembered."""
    kept = KeptSums(workspace)
    found = []
    for unit in _units(report, outside, target):
        digests = {path: digest_of(file) for path, file in unit.files.items()}
        if not unit.fresh or kept.have(digests):
            found.append((unit, digests))
    kept.keep({path: digest for _, digests in found for path, digest in digests.items()}, target)
    return found


def _content(
    parts: Mapping[str, Mapping[str, tuple[Path, str]]], facts: Mapping[str, str]
) -> Iterator[tuple[str, bytes | Path, int]]:
    yield "facts", "".join(f"{name} {value}\n" for name, value in facts.items()).encode(), 0o644
    for part, files in parts.items():
        if not files:
            continue
        yield f"{part}.sums", "".join(f"{digest}  {path}\n" for path, (_, digest) in files.items()).encode(), 0o644
        for path, (file, _) in files.items():
            yield f"{part}/{path}", file, 0o755 if file.stat().st_mode & 0o100 else 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """One thing that cargo compiled or ran: its artifacts and its fingerprint, by path below the target directory."""

    package: str
    fresh: bool
    native: bool
    files: Mapping[str, Path]


def _units(report: CargoReport, outside: Callable[[str], Path], target: Path) -> Iterator[_Unit]:
    """Yield what is whole of a call; a crate whose fingerprint is not written yet is compiled in the image as well."""
    artifacts, scripts = tuple(report.dependencies), tuple(report.scripts)
    kept = {script.package for script in scripts if not _portable(script, outside(script.folder))}
    native = {script.package for script in scripts if script.libraries or script.searched}
    for artifact in artifacts:
        if artifact.package not in kept:
            package = artifact.package
            files = _artifact_files([outside(name) for name in artifact.files], artifact.kind, package)
            yield from _whole(files, target, package=package, fresh=artifact.fresh, native=package in native)
    # What runs again makes cargo compile its crate again.
    changed = {artifact.package for artifact in artifacts if not artifact.fresh}
    for script in scripts:
        folder, package = outside(script.folder).parent, script.package
        if package not in kept and folder.parent.name == "build":
            files = [*_below(folder), *_below(folder.parent.parent / ".fingerprint" / folder.name)]
            yield from _whole(files, target, package=package, fresh=package not in changed, native=package in native)


def _whole(files: Sequence[Path], target: Path, *, package: str, fresh: bool, native: bool) -> Iterator[_Unit]:
    if _has_fingerprint(files):
        named = {str(file.relative_to(target)): file for file in sorted(files)}
        if not any("\n" in name or "\\" in name for name in named):
            yield _Unit(package=package, fresh=fresh, native=native, files=named)


def _has_fingerprint(files: Sequence[Path]) -> bool:
    # Of what cargo writes there this is the last (cargo/core/compiler/fingerprint: `write_fingerprint`).
    return any(file.parent.parent.name == ".fingerprint" and file.suffix == ".json" for file in files)


def _artifact_files(files: Sequence[Path], kind: str, package: str) -> list[Path]:
    """Return what cargo keeps of an artifact in its layout `<profile>/{deps,build,.fingerprint}`; nothing in others."""
    name = package.partition(" ")[0]
    for file in files:
        if kind == "custom-build" and file.parent.parent.name == "build":
            fingerprint = file.parent.parent.parent / ".fingerprint" / file.parent.name
            return [*_below(file.parent), *_below(fingerprint)]
        found = _HASHED.fullmatch(file.name)
        if file.parent.name == "deps" and found is not None:
            fingerprint = file.parent.parent / ".fingerprint" / f"{name}-{found['hash']}"
            listed = file.with_name(f"{found['crate']}-{found['hash']}.d")
            beside = [each for each in (*files, listed) if each.is_file()]
            return [*dict.fromkeys(beside), *_below(fingerprint)]
    return []


def _below(folder: Path) -> list[Path]:
    # A link would have to be handed over as one; no build script of a crate that was seen makes any.
    found = [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    return found if all(path.is_file() and not path.is_symlink() for path in found) else []


def _portable(script: ScriptRun, folder: Path) -> bool:
    """Return whether a build script's output depends on nothing but the compilers.

    It links only what it has built itself, and says of no other program that it ran.
    """
    if any(not PurePosixPath(path).is_relative_to(script.folder) for path in script.searched):
        return False
    if any(not library.startswith("static=") for library in script.libraries):
        return False
    said = (folder.with_name(name) for name in ("output", "stderr"))
    return not any(_BY_OTHER_TOOLS.search(_NOT_RUN.sub(b"", file.read_bytes())) for file in said if file.is_file())
