"""The workspace: torn files cannot happen, one run at a time, and only its own files are touched."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.atomic import left_beside, write_atomically, written_beside
from orchestrator.errors import NoSpaceError, WorkspaceBusyError
from orchestrator.workspace import LockHolder, Workspace, memo_key, no_space_named


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / ".twinbuild")


def test_it_ignores_itself_in_git(workspace: Workspace) -> None:
    """No project needs a .gitignore entry for the tool's folder."""
    assert (workspace.root / ".gitignore").read_text().splitlines()[-1] == "*"


def test_an_artifact_is_kept_under_its_digest(workspace: Workspace) -> None:
    """The digest is of the content, and what was kept can be read again."""
    digest, size = workspace.keep_artifact(io.BytesIO(b"program"))
    assert size == 7
    assert workspace.artifact(digest).read_bytes() == b"program"
    assert [entry.name for entry in (workspace.root / "artifacts").iterdir()] == [digest]


def test_a_broken_stream_leaves_no_artifact(workspace: Workspace) -> None:
    """A read that fails half-way leaves neither the file nor its scratch behind."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                msg = "connection lost"
                raise ConnectionError(msg)
            return super().read(3 if size else size)

    with pytest.raises(ConnectionError):
        workspace.keep_artifact(Broken(b"program"))
    assert list((workspace.root / "artifacts").iterdir()) == []


def test_a_memo_comes_back_and_a_damaged_one_counts_as_none(workspace: Workspace) -> None:
    """Half a file is not evidence."""
    workspace.remember("profile", "key", {"size": 3})
    assert workspace.recall("profile", "key") == {"size": 3}
    (workspace.root / "memo" / "profile" / "key.json").write_text('{"size": ')
    assert workspace.recall("profile", "key") is None
    assert workspace.recall("profile", "other") is None


def test_the_memo_key_depends_on_facts_not_on_their_order() -> None:
    """Equal facts give the same key, any other fact another one."""
    assert memo_key({"a": 1, "b": 2}) == memo_key({"b": 2, "a": 1})
    assert memo_key({"a": 1, "b": 2}) != memo_key({"a": 1, "b": 3})


def test_a_failed_write_keeps_the_old_content(tmp_path: Path) -> None:
    """The file's new content appears whole or not at all."""
    path = tmp_path / "record.json"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "text is no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]


def test_what_is_about_to_be_put_in_its_place_is_whole(tmp_path: Path) -> None:
    """All that can fail for want of room has been done before the block; a block that fails changes nothing."""
    path = tmp_path / "record.json"
    write_atomically(path, b"old")

    def fail_within() -> None:
        with written_beside(path, b"new"):
            raise LookupError

    with pytest.raises(LookupError):
        fail_within()
    assert (path.read_bytes(), left_beside(path)) == (b"old", ())
    with written_beside(path, b"new"):
        (left,) = left_beside(path)
        assert (left.read_bytes(), path.read_bytes()) == (b"new", b"old")
    assert (path.read_bytes(), left_beside(path)) == (b"new", ())


def test_a_held_workspace_names_its_holder(workspace: Workspace) -> None:
    """A second run that does not want to wait is told whose run it is."""
    with workspace.locked("run-1", wait=True, on_wait=lambda _: None):
        with pytest.raises(WorkspaceBusyError) as caught, workspace.locked("run-2", wait=False, on_wait=lambda _: None):
            pass
        assert "run-1" in caught.value.message
        assert str(os.getpid()) in caught.value.message


def test_the_second_run_waits_and_says_for_whom(workspace: Workspace) -> None:
    """Waiting begins with one notice and ends when the holder is done."""
    waited: list[LockHolder | None] = []
    order: list[str] = []

    def second() -> None:
        with workspace.locked("run-2", wait=True, on_wait=waited.append):
            order.append("second")

    with workspace.locked("run-1", wait=True, on_wait=lambda _: None):
        thread = threading.Thread(target=second)
        thread.start()
        while not waited:
            thread.join(0.01)
        order.append("first done")
    thread.join(5)
    assert order == ["first done", "second"]
    assert waited[0] is not None
    assert waited[0].run == "run-1"


def test_a_killed_holder_frees_the_workspace(workspace: Workspace) -> None:
    """SIGKILL gives no time to clean up; the kernel frees the lock."""
    script = (
        "import sys, time; from pathlib import Path; from orchestrator.workspace import Workspace\n"
        "with Workspace.open(Path(sys.argv[1])).locked('dead', wait=True, on_wait=print):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(workspace.root)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with workspace.locked("alive", wait=False, on_wait=lambda _: None):
        assert json.loads((workspace.root / "lock").read_text())["run"] == "alive"


def test_old_runs_are_pruned_and_the_newest_stay(workspace: Workspace) -> None:
    """The rule keeps the newest runs; `latest` still points to one of them."""
    for number in range(5):
        (workspace.runs / f"2026010{number}T000000-abcdef").mkdir()
    with workspace.finishing(workspace.runs / "20260104T000000-abcdef"):
        pass
    assert workspace.prune(keep=2) == tuple(f"2026010{number}T000000-abcdef" for number in range(3))
    assert (workspace.runs / "latest").resolve().name == "20260104T000000-abcdef"


def test_programs_that_no_kept_record_names_go_with_the_runs(workspace: Workspace) -> None:
    """What a kept run was about stays at hand; the rest can be built again."""
    old, _ = workspace.keep_artifact(io.BytesIO(b"old program"))
    new, _ = workspace.keep_artifact(io.BytesIO(b"new program"))
    for run, digest in (("20260101T000000-aaaaaa", old), ("20260102T000000-bbbbbb", new)):
        (workspace.runs / run).mkdir()
        (workspace.runs / run / "record.json").write_text(json.dumps({"programs": [{"sha256": digest}]}))
    workspace.prune(keep=2)
    assert workspace.artifact(old).exists()
    assert workspace.artifact(new).exists()
    workspace.prune(keep=1)
    assert not workspace.artifact(old).exists()
    assert workspace.artifact(new).read_bytes() == b"new program"


def test_a_damaged_record_still_keeps_what_it_names(workspace: Workspace) -> None:
    """A record of another version, or half of one, is no reason to throw evidence away."""
    digest, _ = workspace.keep_artifact(io.BytesIO(b"program"))
    run = workspace.runs / "20260101T000000-aaaaaa"
    run.mkdir()
    (run / "record.json").write_text(f'{{"version": 99, "things": ["sha256:{digest}"')
    workspace.prune(keep=5)
    assert workspace.artifact(digest).exists()


def test_evidence_that_was_not_asked_for_goes_first(workspace: Workspace) -> None:
    """Memory is bounded; what is in use is not forgotten, however old it is."""
    for number in range(10):
        workspace.remember("profile", f"key{number}", number)
        os.utime(workspace.root / "memo" / "profile" / f"key{number}.json", (number, number))
    assert workspace.recall("profile", "key0") == 0
    workspace.prune(keep=1)
    left = sorted(path.stem for path in (workspace.root / "memo" / "profile").iterdir())
    assert left == ["key0", "key7", "key8", "key9"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The system's error number becomes a sentence with the place and what helps."""
    with pytest.raises(NoSpaceError) as caught, no_space_named(tmp_path):
        raise OSError(28, "No space left on device")
    assert str(tmp_path) in caught.value.message
    assert caught.value.repair is not None
