"""Which offer of compiled dependencies fits a build: the tag says all that they were compiled by."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.script_variables import asked_for
from orchestrator.workspace import memo_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from orchestrator.source.snapshot import SourceFile
    from orchestrator.toolchains.cargo.identity import CargoToolchain
    from orchestrator.toolchains.cargo.messages import CargoReport
    from orchestrator.workspace import Workspace

REPOSITORY = "twinbuild.local/dependencies"

_READ = "handover-environment-2"
"""Memos: which variables the build scripts of an offer may read, with their values then."""

_DECLARED = re.compile(rb"^cargo::?rerun-if-env-changed=(?P<name>[^\n\r]+)", re.MULTILINE)

_KNOWN_FLAGS = re.compile(
    r"RUSTFLAGS|CARGO_.*|SOURCE_DATE_EPOCH|(?:HOST_|TARGET_)?(?:CC|CXX|AR|CFLAGS|CXXFLAGS)(?:_.*)?"
)
"""Variables that bear on how dependencies compile. (Cargo tracks them itself but for SOURCE_DATE_EPOCH, which
`build/heeded.py` heeds: the key only tells which offer fits.)"""


def handover_key(
    toolchain: CargoToolchain,
    words: Sequence[str],
    files: Sequence[SourceFile],
    *,
    variables: Mapping[str, str],
    folders: Sequence[str],
    namespaces: bool,
) -> str:
    """Return the tag of the image that holds a project's compiled dependencies.

    It changes with all that cargo compiles them by: toolchain, profile, features, flags, manifests, configuration, lock
    file; and with the paths that they hold.

    Args:
        toolchain: the host's.
        words: cargo's.
        files: the snapshot's.
        variables: what both builds see.
        folders: where both builds have target directory and cargo home.
        namespaces: whether this machine can give the host's build these paths.
    """
    said = {file.path: file.sha256 for file in files if _is_manifest(PurePosixPath(file.path))}
    key = memo_key(
        {
            "rustc": toolchain.verbose,
            "words": list(words),
            "manifests": said,
            "variables": {name: value for name, value in variables.items() if _KNOWN_FLAGS.fullmatch(name)},
            # A build script may read one more than it could before, which nobody has looked for in it then.
            "names": sorted(variables),
            "folders": list(folders),
            "namespaces": namespaces,
            "version": 2,
        }
    )
    return f"{REPOSITORY}:{key[:16]}"


def keyed_by_environment(reference: str, variables: Mapping[str, str], workspace: Workspace) -> str:
    """Return an offer's tag, with an end of its own where a variable is another one that its build scripts may read.

    Which those are is known once they have run. (Cargo would see it too, and compile what hangs on it in the image as
    well; so it is compiled once here, too.)
    """
    read = workspace.recall(_READ, reference.rpartition(":")[2])
    if not isinstance(read, dict):
        return reference
    now = {name: variables.get(name) for name in read}
    return reference if now == read else f"{reference}-{memo_key(now)[:8]}"


def keep_environment(
    reference: str,
    report: CargoReport,
    *,
    outside: Callable[[str], Path],
    variables: Mapping[str, str],
    workspace: Workspace,
) -> None:
    """Remember what the build scripts of an offer may read: what they declare, and what they name.

    Many a script declares nothing, and cargo would take what it made of another value.

    Args:
        reference: as `handover_key` gives it.
        report: the call's messages.
        outside: gives a file of this machine for what the build calls it.
        variables: what both builds see.
        workspace: remembers it.
    """
    key = reference.rpartition(":")[2]
    if workspace.recall(_READ, key) is not None:
        return
    folders = [outside(script.folder).parent for script in tuple(report.scripts)]
    said = (folder / "output" for folder in folders)
    found = (_DECLARED.findall(file.read_bytes()) for file in said if file.is_file())
    names = {name.decode(errors="replace") for each in found for name in each}
    for folder in folders:
        names |= asked_for(folder.parent, folder.name.rpartition("-")[0], variables)
    workspace.remember(_READ, key, {name: variables.get(name) for name in sorted(names)})


def _is_manifest(path: PurePosixPath) -> bool:
    return path.name in {"Cargo.toml", "Cargo.lock"} or ".cargo" in path.parts
