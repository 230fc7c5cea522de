"""Where runs, artifacts and evidence lie, and who may write there.

    <workspace>/lock            held for the length of a run; names its holder
    <workspace>/runs/<id>/      record.json, logs/, evidence of one run; `runs/latest` points to the newest finished one
    <workspace>/artifacts/      programs by sha256
    <workspace>/memo/<kind>/    evidence by the content it was won from (JSON, one file a key)
    <workspace>/source/         the snapshot's files as both builds see them
    <workspace>/worktree/       the local build's own copy of them, which build scripts may write into
    <workspace>/target/         cargo's target directory of the local build
    <workspace>/cargo/          cargo home of the tool's own (registry cache and index)
    <workspace>/scratch/        what a run needs while it goes on; emptied by the next one

Every file that a later run reads is written beside its place and renamed into it, so a killed run leaves the old
content or the new one, never half of either.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.errors import NoSpaceError, WorkspaceBusyError
from orchestrator.neighbours import beside_others
from orchestrator.writable import writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import IO

_COPY_BLOCK = 1 << 20
_ENOSPC = 28
_MEMOS_PER_RUN = 4
"""Of each kind of evidence this many are kept for each run that is: those used last."""

_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who holds a workspace: process id, when it began (seconds since the epoch), and its run."""

    pid: int
    since: float
    run: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder that belongs to the tool. Nothing outside it is written, but for images in the engine."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Create the folder where it is missing; it ignores itself in git, so no project needs to list it.

        Raises:
            NoSpaceError: the disk is full.
            UsageError: nothing may be written there.
        """
        with writable(root), no_space_named(root):
            root.mkdir(parents=True, exist_ok=True)
            for name in ("runs", "artifacts", "memo", "scratch"):
                (root / name).mkdir(exist_ok=True)
            marker = root / ".gitignore"
            if not marker.exists():
                write_atomically(marker, b"# made by twinbuild; `invoke clean` removes this folder\n*\n")
        return cls(root)

    @property
    def runs(self) -> Path:
        """Return the folder of run records."""
        return self.root / "runs"

    @property
    def scratch(self) -> Path:
        """Return the folder for what lives no longer than a run; only for the holder of the lock."""
        return self.root / "scratch"

    @property
    def source(self) -> Path:
        """Return the folder that the snapshot is laid out in."""
        return self.root / "source"

    @property
    def worktree(self) -> Path:
        """Return the local build's own copy of the snapshot."""
        return self.root / "worktree"

    @property
    def target(self) -> Path:
        """Return the local build's target directory."""
        return self.root / "target"

    @property
    def cargo_home(self) -> Path:
        """Return the cargo home of the tool's own."""
        return self.root / "cargo"

    def new_run(self) -> Path:
        """Create and return the folder of a new run; ids sort by time."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        run = self.runs / f"{stamp}-{secrets.token_hex(3)}"
        with writable(self.root), no_space_named(self.root):
            (run / "logs").mkdir(parents=True)
        return run

    def artifact(self, sha256: str) -> Path:
        """Return where the program with this digest (hex) lies, whether or not it is there."""
        return self.root / "artifacts" / sha256

    def keep_artifact(self, stream: IO[bytes]) -> tuple[str, int]:
        """Store a program under its digest and return (sha256 hex, size in bytes)."""
        digest, size = hashlib.sha256(), 0
        scratch = self.scratch / f"artifact-{secrets.token_hex(6)}"
        with no_space_named(self.root):
            try:
                with scratch.open("wb") as out:
                    while block := stream.read(_COPY_BLOCK):
                        digest.update(block)
                        size += len(block)
                        out.write(block)
                # What is kept here are programs, and the smoke run starts them from here.
                scratch.chmod(0o755)
                scratch.replace(self.artifact(digest.hexdigest()))
            finally:
                scratch.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def recall(self, kind: str, key: str) -> object | None:
        """Return what was remembered for a key, or None. A damaged memo counts as none."""
        path = self.root / "memo" / kind / f"{key}.json"
        try:
            value: object = json.loads(path.read_bytes())
            os.utime(path)  # `prune` removes those that were not asked for the longest
            return value  # noqa: TRY300 - what may fail above is one thing: having it
        except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
            return None

    def remember(self, kind: str, key: str, value: object) -> None:
        """Keep a JSON value for a key. The key must name everything that the value depends on."""
        folder = self.root / "memo" / kind
        with no_space_named(self.root):
            folder.mkdir(exist_ok=True)
            write_atomically(folder / f"{key}.json", json.dumps(value, sort_keys=True).encode())

    @contextmanager
    def locked(
        self, run: str, *, wait: bool, on_wait: Callable[[LockHolder | None], None], alone: bool = False
    ) -> Iterator[bool]:
        """Hold the workspace; the kernel frees it when the process ends, however it ends.

        Yields whether no run of this user is going on in any other workspace, where `alone` asks for that.

        Args:
            run: the id of the run, told to others that wait.
            wait: wait for the holder to end; otherwise a held workspace is an error.
            on_wait: called once, with the holder, before waiting.
            alone: let no other one begin meanwhile, if there is none now.

        Raises:
            WorkspaceBusyError: held by another run, and `wait` is false.
        """
        with (self.root / "lock").open("a+b") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self.lock_holder()
                if not wait:
                    who = f"the run {holder.run} of process {holder.pid}" if holder else "another run"
                    raise WorkspaceBusyError(
                        f"{who} holds this project's workspace {self.root}",
                        repair="wait for it to end, or leave out --no-wait",
                    ) from None
                on_wait(holder)
                fcntl.flock(handle, fcntl.LOCK_EX)
            handle.truncate(0)
            handle.write(json.dumps({"pid": os.getpid(), "since": time.time(), "run": run}).encode())
            handle.flush()
            self._clear_scratch()
            try:
                with beside_others(alone=alone) as only_one:
                    yield only_one
            finally:
                handle.truncate(0)

    def _clear_scratch(self) -> None:
        """Remove what a killed run left: whoever holds the lock is the only one there."""
        for entry in self.scratch.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def lock_holder(self) -> LockHolder | None:
        """Return who holds the workspace, as far as the lock file tells."""
        try:
            return LockHolder(**json.loads((self.root / "lock").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    @contextmanager
    def finishing(self, run: Path) -> Iterator[None]:
        """Point `latest` at a run after the block, which completes its record; what needs room is done before it."""
        scratch = self.scratch / f"latest-{secrets.token_hex(4)}"
        scratch.symlink_to(run.name)
        try:
            yield
            # A run that did not wait for the holder is told as well; the next holder may have emptied the folder.
            with suppress(FileNotFoundError):
                scratch.replace(self.runs / "latest")
        finally:
            scratch.unlink(missing_ok=True)

    def prune(self, *, keep: int, naming: Iterable[str] = ()) -> tuple[str, ...]:
        """Remove the oldest runs beyond `keep`, evidence long unused, and programs that nothing kept names.

        To be called while the workspace is held. What is removed can be won again, so this costs time at worst.

        Args:
            keep: how many runs stay.
            naming: the kinds of evidence that names what it needs of the artifacts; beside them only records do.

        Returns:
            the ids of the removed runs.
        """
        runs = sorted(entry for entry in self.runs.iterdir() if entry.is_dir() and not entry.is_symlink())
        doomed = runs[: max(0, len(runs) - keep)]
        for run in doomed:
            shutil.rmtree(run)
        self._prune_memos(_MEMOS_PER_RUN * keep)
        folders = [*runs[len(doomed) :], *(self.root / "memo" / kind for kind in naming)]
        self._prune_artifacts(file for folder in folders for file in folder.glob("*.json"))
        return tuple(run.name for run in doomed)

    def _prune_artifacts(self, kept: Iterable[Path]) -> None:
        # By the look of a digest, not by the record's fields: what this version cannot read may be of a newer one.
        named = {digest for file in kept for digest in _DIGEST.findall(file.read_bytes())}
        for artifact in (self.root / "artifacts").iterdir():
            if artifact.name.encode() not in named:
                artifact.unlink(missing_ok=True)

    def _prune_memos(self, keep: int) -> None:
        for kind in (self.root / "memo").iterdir():
            memos = sorted(kind.iterdir(), key=lambda memo: memo.lstat().st_mtime_ns, reverse=True)
            for memo in memos[keep:]:
                memo.unlink(missing_ok=True)


def waiting_for(holder: LockHolder | None) -> str:
    """Return what a person is told while another run holds the workspace."""
    who = f"run {holder.run} of process {holder.pid}" if holder else "another run"
    return f"waiting for {who}, which holds this project's workspace"


def memo_key(facts: Mapping[str, object]) -> str:
    """Return a key (sha256 hex) over named facts; the order in which they are given does not matter."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


@contextmanager
def no_space_named(path: Path) -> Iterator[None]:
    """Turn the system's "no space left" into this tool's error, which says where and what helps.

    Raises:
        NoSpaceError: the block ran into a full disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno != _ENOSPC:
            raise
        free = shutil.disk_usage(path if path.exists() else path.parent).free
        raise NoSpaceError(
            f"no space left while writing below {path} ({free // 1_000_000} MB free)",
            repair="free space, or run `invoke clean` to remove what this tool keeps",
        ) from error
