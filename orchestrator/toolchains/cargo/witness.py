"""What the shim witnessed of cargo's calls inside the image build. Reading only; `gate/checks/stub_free/` judges."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEAD = "twinbuild-witness 1"
_EARLIER = "earlier-"
_ESCAPED = re.compile(r"\\(.)")
_REFRESHED = frozenset({"done", "evicted"})
"""Time stamps were made to follow content; or, where they could not be set, the crates' artifacts were taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedCall:
    """One call of cargo.

    Attributes:
        id: name of the witness file; sorts by time within a stage.
        stage: index of the stage whose files held it.
        earlier: it happened in an earlier build, and came here with a cache mount or a copied target directory.
        arguments: as cargo got them.
        workspace: absolute path of the workspace's root in the stage.
        target: absolute path of the target directory.
        refreshed: whether it was made sure, before the call, that cargo compiles every source whose content is new.
        rustc: what `rustc -vV` said; empty where it is not in PATH.
        sources: sha256 (hex) by path relative to the workspace, before the call: of every file of it, of the path
            crates beside it (`../shared/src/lib.rs`), and of what crates take in from elsewhere (`../pages/page.txt`).
            For a symbolic link it is that of the link's text.
        made: sha256 by absolute path, for the programs that this call wrote.
        kept: the same for programs that were there before and that it did not write.
        step: the text of the RUN step that the call happened in, the tool's own words in it included; empty where it
            could not be read.
        handed: what was taken of the dependencies that the host had compiled (`plain native`), or `no: ` and why
            nothing was; empty where nothing was offered, or cargo had compiled here before.
        reached: connections that its step had begun by the end of the call, and datagrams that it had sent; zeros where
            it had none, or no network of its own.
        unwitnessed: why neither sources nor programs of the call are known (`sha256sum is missing`); empty for a call
            that was witnessed. Such a call proves nothing and refutes nothing.
    """

    id: str
    stage: int
    earlier: bool
    guard: str
    arguments: tuple[str, ...]
    directory: str
    workspace: str
    target: str
    exit_code: int
    refreshed: bool
    rustc: str
    sources: Mapping[str, str]
    made: Mapping[str, str]
    kept: Mapping[str, str]
    step: str = ""
    handed: str = ""
    reached: tuple[int, int] = (0, 0)
    unwitnessed: str = ""


def read_witness(files: Mapping[str, bytes], *, preferred: frozenset[int] = frozenset()) -> tuple[WitnessedCall, ...]:
    """Return the calls, oldest first, each once.

    A stage inherits the files of the stage it is based on, and stages that begin equally share steps, so the same call
    is found in several; it counts for the first. Files that are no witness, or torn, are passed over: a call without a
    witness is not known, never passed.

    Args:
        files: content by `<stage index>/<name>`.
        preferred: stages that such a call counts for before all others.
    """

    def order(path: str) -> tuple[bool, bool, int, str]:
        stage = int(path.partition("/")[0])
        # What a target directory has brought along stands behind the call itself.
        return _EARLIER in path, stage not in preferred, stage, path

    found: dict[str, WitnessedCall] = {}
    for path in sorted(files, key=order):
        stage, _, name = path.partition("/")
        call = _read(files[path].decode(errors="surrogateescape").split("\n"), stage=int(stage), name=name)
        if call is not None:
            # The random part of the name is the call's own; the number before it is the folder's.
            found.setdefault(name.rpartition("-")[2], call)
    return tuple(sorted(found.values(), key=lambda call: (not call.earlier, call.stage, call.id)))


def _read(lines: list[str], *, stage: int, name: str) -> WitnessedCall | None:
    if not lines or lines[0] != _HEAD:
        return None
    facts: dict[str, list[str]] = {}
    for line in lines[1:]:
        key, _, value = line.partition(" ")
        facts.setdefault(key, []).append(value)
    try:
        workspace = facts["workspace"][0]
        return WitnessedCall(
            id=name,
            stage=stage,
            earlier=_EARLIER in name,
            guard=facts["guard"][0],
            arguments=tuple(facts.get("argument", ())),
            directory=facts["directory"][0],
            workspace=workspace,
            target=facts["target"][0],
            exit_code=int(facts["exit"][0]),
            refreshed=facts["refresh"][0] in _REFRESHED,
            rustc="\n".join(facts.get("rustc", ())),
            sources=_relative(_digests(facts.get("source", ())), workspace),
            made=_digests(facts.get("made", ())),
            kept=_digests(facts.get("kept", ())),
            step="\n".join(facts.get("step", ())),
            handed="\n".join(facts.get("handed", ())),
            reached=_pair(facts.get("network", ("0 0",))[0]),
            unwitnessed="\n".join(facts.get("unwitnessed", ())),
        )
    except (KeyError, ValueError):
        return None


def _pair(text: str) -> tuple[int, int]:
    connections, datagrams = text.split()
    return int(connections), int(datagrams)


def _digests(lines: Iterable[str]) -> dict[str, str]:
    """Return digest by path from lines of sha256sum; a leading backslash says that the path is escaped."""
    found = {}
    for line in lines:
        digest, _, path = line.removeprefix("\\").partition("  ")
        if line.startswith("\\"):
            path = _ESCAPED.sub(lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), path)
        found[path] = digest
    return found


def _relative(digests: Mapping[str, str], workspace: str) -> dict[str, str]:
    """Return digest by path relative to the workspace; a path beside it begins with `../`."""
    prefix = workspace.rstrip("/") + "/"
    return {
        path[len(prefix) :] if path.startswith(prefix) else posixpath.relpath(path, workspace or "/"): digest
        for path, digest in digests.items()
    }
