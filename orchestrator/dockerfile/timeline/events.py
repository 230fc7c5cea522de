"""What a command or an instruction does to sources and artifacts: the words that the timeline is told in."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.timeline.files import Reach

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.dockerfile.model import Instruction
    from orchestrator.dockerfile.shell.model import Command
    from orchestrator.dockerfile.spans import Span
    from orchestrator.dockerfile.timeline.cargo_call import CargoCall
    from orchestrator.dockerfile.timeline.files import FileSet
    from orchestrator.dockerfile.timeline.project import BuildContext

_STUB_TEXT = re.compile(
    r"(?:#!\[[^\]]*\]|//[^\n]*|(?:pub\s+)?fn\s+\w+\s*\(\s*\)\s*(?:->\s*\S+\s*)?"
    r"\{\s*(?:(?:e?println|print|panic|unimplemented|todo|unreachable)!\s*\([^()]*\)\s*;?\s*|loop\s*\{\s*\}\s*)*\}|\s|\\n)*"
)


def is_stub_text(text: str) -> bool:
    """Return whether Rust source says nothing: empty, or functions that at most print a text."""
    return _STUB_TEXT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The instruction that something happens in.

    Attributes:
        stage: index of the stage that the instruction is written in.
        instruction: as parsed.
        mounts: cache mounts of a RUN: id by mount point.
        span: of the whole instruction.
    """

    stage: int
    instruction: Instruction
    mounts: Mapping[str, str]
    span: Span

    @property
    def line(self) -> int:
        """Return the instruction's first line."""
        return self.instruction.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file is written anew. `content`: None where it is not known."""

    path: str
    content: str | None
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Files get a new modification time, or come to be.

    `backdated`: whether the time is one of the past. `creates`: whether files that are missing are made.
    """

    files: FileSet
    backdated: Reach
    creates: bool
    literal: tuple[str, ...]
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Files go. `forced`: whether it is no error that there are none. `written`: the patterns as written."""

    files: FileSet
    forced: bool
    quoted: bool
    written: tuple[str, ...]
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Cargo is called."""

    call: CargoCall
    step: Step

    @property
    def span(self) -> Span:
        """Return where the call stands."""
        return self.call.span


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEdited:
    """A manifest is changed in place. `masks`: whether name, version or a target's path may be another thereby."""

    masks: bool
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Something runs whose doings cannot be read (`make`, a script that is not at hand)."""

    name: str
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file is copied out of a RUN step's file system to another place in it. `sure`: not behind a condition."""

    path: str
    to: str
    sure: bool
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloned:
    """Sources are fetched by git. `pinned`: by a commit, a tag or a build argument."""

    pinned: bool
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Any command at all; the others are derived from it."""

    command: Command
    directory: str
    span: Span
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Files come from elsewhere: COPY, ADD, a bind mount, or `cp` of what lay aside.

    Attributes:
        sources: as written, relative to the context (or to the other stage's root).
        to: absolute.
        folder: whether `to` is surely a folder.
        origin: None for the build context; else the stage or image they come from, or how (`cp`).
        fresh: whether they get a new modification time. COPY keeps the old one.
        context: what is known of the build context.
        parents: `COPY --parents`: each file keeps the folders that it lies in.
    """

    sources: tuple[str, ...]
    to: str
    folder: bool
    origin: str | None
    fresh: Reach
    context: BuildContext | None
    span: Span
    step: Step
    parents: bool = False

    def source_of(self, path: str) -> str | None:
        """Return which file of the context a file comes from; None if it is not brought or that is not known."""
        for source in self.sources:
            if self.parents:
                found = _with_parents(source, self.to, path)
            else:
                found = _back(source, self.to, path, folder=self.folder, context=self.context)
            if found is not None:
                return found
        return None

    def reach(self, path: str) -> Reach:
        """Return whether a file is brought."""
        if self.origin is not None and not self.sources:
            # `cp -r /elsewhere/. .` and the like: whatever lies there.
            below = path == self.to or path.startswith(self.to.rstrip("/") + "/")
            return Reach.MAYBE if below else Reach.NO
        source = self.source_of(path)
        if source is None:
            return Reach.NO
        if self.origin is not None:
            return Reach.MAYBE
        if self.context is None:
            return Reach.YES
        if "*" in source:
            return Reach.YES if any(True for _ in self.concrete(path)) else Reach.NO
        return Reach.YES if self.context.sent(source) else Reach.NO

    def concrete(self, path: str) -> tuple[str, ...]:
        """Return the files that a path with wildcards means, as the context has them."""
        source = self.source_of(path)
        if source is None or self.context is None or "*" not in source or source.startswith(("/", "..")):
            return ()
        head = path[: len(path) - len(source)] if path.endswith(source) else None
        if head is None:
            return ()
        try:
            found = sorted(self.context.folder.glob(source))[:500]
        except (ValueError, NotImplementedError, OSError):
            return ()
        return tuple(head + place.relative_to(self.context.folder).as_posix() for place in found)


def _with_parents(source: str, to: str, path: str) -> str | None:
    """Return the file that a COPY --parents of a source puts at a path."""
    cleaned, prefix = posixpath.normpath(source.lstrip("/") or "."), to.rstrip("/") + "/"
    below = path[len(prefix) :] if path.startswith(prefix) else ""
    parts = below.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return below if below and any(fnmatch.fnmatchcase(each, cleaned) for each in [*above, "."]) else None


def _back(source: str, to: str, path: str, *, folder: bool, context: BuildContext | None) -> str | None:
    """Return the file that a COPY of a source puts at a path."""
    cleaned = posixpath.normpath(source.lstrip("/") or ".")
    if path == to and not folder:
        return cleaned
    prefix = to.rstrip("/") + "/"
    if not path.startswith(prefix):
        return None
    below, base = path[len(prefix) :], posixpath.basename(cleaned)
    if any(character in base for character in "*?["):
        fits = "/" not in below and fnmatch.fnmatchcase(below, base)
        return posixpath.join(posixpath.dirname(cleaned), below) if fits else None
    if context is not None and cleaned != "." and context.exists(cleaned):
        is_file = not context.is_folder(cleaned)
    else:
        is_file = base == below or ("." in base.lstrip(".") and cleaned != ".")
    if is_file:
        return cleaned if base == below else None
    return posixpath.normpath(posixpath.join(cleaned, below))


Event = Written | Touched | Removed | Called | ManifestEdited | Unreadable | Taken | Cloned | Ran | Arrived
