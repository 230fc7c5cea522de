"""What the project's manifests, its toolchain file and its crates leave to the machine that builds."""

from __future__ import annotations

import posixpath
import re
import tomllib
from typing import TYPE_CHECKING, Any

from orchestrator.location import Location
from orchestrator.repro.advice import Advice, Edit
from orchestrator.toolchains.cargo.config import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestrator.toolchains.cargo.project import CargoProject

_TOOLCHAIN = ("rust-toolchain", "rust-toolchain.toml")
_STAMPING = {
    "build-time": "the time of the build",
    "build_timestamp": "the time of the build",
    "git-version": "the repository",
    "git_version": "the repository",
    "built": "time, host and repository",
    "build-info-build": "time and repository",
}
"""Crates that take something of the surroundings in and do not heed SOURCE_DATE_EPOCH; vergen and shadow-rs do."""
_INCREMENTAL = re.compile(r"^(?P<before>[ \t]*incremental[ \t]*=[ \t]*)true\b", re.MULTILINE)


def manifest_advice(
    project: CargoProject, files: Sequence[str], read: Callable[[str], str], *, profile: str, version: str
) -> Iterator[Advice]:
    """Yield what is found.

    Args:
        project: its members.
        files: paths of all sources, relative to the source tree.
        read: returns a file's text.
        profile: of cargo, that is built with.
        version: of the host's toolchain.
    """
    root = posixpath.normpath(posixpath.join(project.root, "Cargo.toml"))
    yield from _incremental(root, read(root), profile)
    for member in project.members:
        manifest = posixpath.normpath(posixpath.join(member.folder, "Cargo.toml"))
        text = read(manifest)
        for section in ("build-dependencies", "dependencies"):
            for name in sorted(_names(tomllib.loads(text), section) & _STAMPING.keys()):
                yield Advice(
                    cause="timestamp" if "time" in _STAMPING[name] else "commit-id",
                    location=Location(file=manifest, line=_line_of(text, name)),
                    found=f"the crate `{name}` takes in {_STAMPING[name]}",
                    repair="hand these facts to both sides through `inputs` in the spec, or use vergen or shadow-rs, "
                    "which heed SOURCE_DATE_EPOCH",
                )
    folders = {posixpath.normpath(project.folder), posixpath.normpath(project.root), "."}
    if not any(posixpath.normpath(posixpath.join(folder, name)) in files for folder in folders for name in _TOOLCHAIN):
        yield Advice(
            cause="toolchain",
            location=Location(file=root),
            found="no rust-toolchain.toml says which compiler builds this: each machine takes the one it has",
            repair=f'rust-toolchain.toml with `[toolchain]` and `channel = "{version}"`, and a builder base of that '
            "version",
        )


def _incremental(file: str, text: str, profile: str) -> Iterator[Advice]:
    if table(tomllib.loads(text), "profile", profile).get("incremental") is not True:
        return
    head = re.search(rf"^\[profile\.{re.escape(profile)}\][^\n]*\n", text, re.MULTILINE)
    rest = text[head.end() :].split("\n[", 1)[0] if head else ""
    match = _INCREMENTAL.search(rest)
    edit = None
    if head is not None and match is not None:
        start = head.end() + match.end("before")
        edit = Edit(file=file, start=start, end=start + len("true"), text="false")
    yield Advice(
        cause="codegen-units",
        location=Location(file=file, line=_line_of(text, "incremental")),
        found=f"profile `{profile}` compiles incrementally: what comes out depends on earlier builds",
        repair="incremental = false",
        edit=edit,
    )


def _names(manifest: dict[str, Any], section: str) -> set[str]:
    found = set(table(manifest, section))
    for target in table(manifest, "target").values():
        found |= set(table(target, section)) if isinstance(target, dict) else set()
    return found


def _line_of(text: str, word: str) -> int | None:
    pattern = re.compile(rf"^[ \t]*[\"']?{re.escape(word)}[\"']?[ \t]*[.=]", re.MULTILINE)
    match = pattern.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else None
