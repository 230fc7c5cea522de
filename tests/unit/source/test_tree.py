"""Laying out the snapshot: exactly its files, time stamps that follow content, and right after any death."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.build.worktree import refresh
from orchestrator.errors import SourceUnreadableError
from orchestrator.source.tree import lay_out

OLD = 1_000_000_000_000_000_000
STEPS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod", "shutil.rmtree"})


def content(folder: Path) -> dict[str, object]:
    """Return what a folder holds: text or link, and whether it can be executed."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def stamps(folder: Path) -> dict[str, int]:
    return {path: (folder / path).lstat().st_mtime_ns for path in content(folder)}


def age(folder: Path) -> None:
    for path in content(folder):
        os.utime(folder / path, ns=(OLD, OLD), follow_symlinks=False)


def killed_at(step: int, call: Callable[[], object]) -> bool:
    """Run something in a process that is killed at its n-th step on the file system; whether it came that far."""
    child = os.fork()
    if child == 0:
        seen = [0]

        def count(event: str, _facts: tuple[Any, ...]) -> None:
            if event in STEPS:
                seen[0] += 1
                if seen[0] == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            call()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, -signal.SIGKILL}
    return code != 0


FIRST = {"a": "1", "b/c": "1", "b/d": "1", "file": "1", "folder/x": "1", "same": "1", "gone/deep/er": "1"}
SECOND = {"a": "22", "b/c": "1", "file/inside": "1", "folder": "1", "same": "1", "new": "1"}


def change(plain: Any) -> None:
    """Bring the project from its first state to its second; a link appears where a folder was, and the reverse."""
    for path in ("a", "b/d", "file", "folder/x", "gone/deep/er"):
        (plain.root / path).unlink()
    for path in ("folder", "gone/deep", "gone"):
        (plain.root / path).rmdir()
    plain.write(SECOND)
    (plain.root / "gone").symlink_to("b")
    (plain.root / "b/c").chmod(0o755)


def test_a_tree_is_exactly_the_snapshot(plain: Any, tmp_path: Path) -> None:
    """Links, modes and odd names included; what was put there by somebody goes."""
    plain.write({**FIRST, "-x": "1", os.fsdecode(b"\xff\n"): "1"})
    (plain.root / "run").symlink_to("/dangling\n")
    (plain.root / "a").chmod(0o751)
    target = tmp_path / "tree"
    lay_out(plain.take(), target)
    assert content(target) == content(plain.root)
    (target / "stray").write_text("1")
    (target / "empty/deep").mkdir(parents=True)
    assert lay_out(plain.take(), target).removed == ("stray",)
    assert content(target) == content(plain.root)
    assert not (target / "empty").exists()


def test_time_stamps_follow_content(plain: Any, tmp_path: Path) -> None:
    """A touched file keeps its time, a changed one gets the present, and nothing is written without need."""
    plain.write(FIRST)
    target = tmp_path / "tree"
    lay_out(plain.take(), target)
    age(target)
    (tmp_path / "tree.manifest.json").unlink()
    lay_out(plain.take(), target)
    before = stamps(target)
    for path in FIRST:
        os.utime(plain.root / path)
    assert lay_out(plain.take(), target).changed == ()
    assert stamps(target) == before
    assert set(before.values()) == {OLD}
    plain.write({"a": "2"})
    assert lay_out(plain.take(), target).changed == ("a",)
    assert {path for path, stamp in stamps(target).items() if stamp != before[path]} == {"a"}
    plain.write({"a": "1"})
    lay_out(plain.take(), target)
    assert (target / "a").stat().st_mtime_ns > OLD


def test_files_become_folders_and_links_and_back(plain: Any, tmp_path: Path) -> None:
    """Whatever stands in the way is cleared."""
    plain.write(FIRST)
    lay_out(plain.take(), tmp_path / "tree")
    change(plain)
    lay_out(plain.take(), tmp_path / "tree")
    assert content(tmp_path / "tree") == content(plain.root)


@pytest.mark.parametrize("step", range(1, 60, 2))
def test_a_death_at_any_step_of_laying_out_is_mended(plain: Any, tmp_path: Path, step: int) -> None:
    """The next run gives the right tree, and unchanged files keep their time stamps."""
    plain.write(FIRST)
    target = tmp_path / "tree"
    lay_out(plain.take(), target)
    age(target)
    (tmp_path / "tree.manifest.json").unlink()
    lay_out(plain.take(), target)
    change(plain)
    snapshot = plain.take()
    killed = killed_at(step, lambda: lay_out(snapshot, target))
    lay_out(snapshot, target)
    assert content(target) == content(plain.root)
    assert (target / "same").stat().st_mtime_ns == OLD
    assert killed or step > 20


@pytest.mark.parametrize("step", range(1, 60, 2))
def test_a_death_at_any_step_of_refreshing_is_mended(plain: Any, tmp_path: Path, step: int) -> None:
    """The same for the local build's copy; a stale source never stays, and a build script's file does."""
    plain.write(FIRST)
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    first = plain.take()
    lay_out(first, tree)
    refresh(first.files, tree, copy)
    (copy / "b/generated").write_text("by a build script")
    change(plain)
    second = plain.take()
    lay_out(second, tree)
    age(copy)
    killed = killed_at(step, lambda: refresh(second.files, tree, copy))
    refresh(second.files, tree, copy)
    assert content(copy) == {**content(plain.root), "b/generated": (b"by a build script", False)}
    assert (copy / "same").stat().st_mtime_ns == OLD
    assert killed or step > 20
    assert refresh(second.files, tree, copy) == ()


def test_a_copy_without_its_record_is_made_anew(plain: Any, tmp_path: Path) -> None:
    """Nobody can tell a stale source from a generated file then, so neither stays."""
    plain.write(FIRST)
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    snapshot = plain.take()
    lay_out(snapshot, tree)
    refresh(snapshot.files, tree, copy)
    (copy / "stale.rs").write_text("1")
    (tmp_path / "copy.json").write_text("{")
    refresh(snapshot.files, tree, copy)
    assert content(copy) == content(plain.root)


@pytest.mark.parametrize("how", ["content", "mode", "gone", "folder", "link", "another link"])
def test_what_a_build_script_wrote_over_is_put_back(plain: Any, tmp_path: Path, how: str) -> None:
    """With its time stamp, so that cargo does not compile for it; what it only touched is left, and so is its own."""
    plain.write({"a": "1", "touched": "1"})
    (plain.root / "l").symlink_to("a")
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    snapshot = plain.take()
    lay_out(snapshot, tree)
    refresh(snapshot.files, tree, copy)
    before = stamps(copy)
    path = "l" if how == "another link" else "a"
    place = copy / path
    if how == "mode":
        place.chmod(0o755)
    else:
        place.unlink()
    if how == "content":
        place.write_text("2")
    elif how == "folder":
        place.mkdir()
    elif "link" in how:
        place.symlink_to("touched")
    (copy / "generated").write_text("by a build script")
    os.utime(copy / "touched", ns=(OLD, OLD))
    assert refresh(snapshot.files, tree, copy) == (path,)
    assert content(copy) == {**content(plain.root), "generated": (b"by a build script", False)}
    now = stamps(copy)
    assert {name: now[name] for name in ("a", "l")} == {name: before[name] for name in ("a", "l")}
    assert now["touched"] == OLD
    assert refresh(snapshot.files, tree, copy) == ()


@pytest.mark.parametrize("how", ["content", "gone", "folder", "link", "no link", "grown"])
def test_a_file_that_changes_while_it_is_read_is_told(plain: Any, tmp_path: Path, how: str) -> None:
    """The copy is compared with the snapshot's digest, so no build ever sees a mixture."""
    plain.write({"a": "1"})
    (plain.root / "l").symlink_to("a")
    snapshot = plain.take()
    path = "l" if how == "no link" else "a"
    (plain.root / path).unlink()
    if how == "folder":
        (plain.root / path).mkdir()
    elif how == "link":
        (plain.root / path).symlink_to("nowhere")
    elif how != "gone":
        (plain.root / path).write_text("1" * 9 if how == "grown" else "2")
    with pytest.raises(SourceUnreadableError, match=f"{path} changed while the build was reading it"):
        lay_out(snapshot, tmp_path / "tree")
    lay_out(plain.take(), tmp_path / "tree")
    assert content(tmp_path / "tree") == content(plain.root)


def test_a_file_that_grows_between_two_looks_has_the_size_of_what_was_read(plain: Any) -> None:
    """Size and digest belong to the same bytes: a tar made from them must be whole."""
    plain.write({"a": "1" * 100})
    place, grown = plain.root / "a", [False]

    def grow(event: str, facts: tuple[Any, ...]) -> None:
        if event == "open" and str(facts[0]) == str(place) and not grown[0]:
            grown[0] = True
            with place.open("ab") as out:
                out.write(b"2" * 50)

    sys.addaudithook(grow)
    (file,) = plain.take().files
    assert file.size == 150


def refreshed(plain: Any, tree: Path, copy: Path) -> list[str]:
    """Bring the copy up to date and return what of it had been looked at."""
    snapshot, told = plain.take(), []
    lay_out(snapshot, tree)
    refresh(snapshot.files, tree, copy, before=told.extend)
    return told


def test_what_was_read_is_known_when_it_changes(plain: Any, tmp_path: Path) -> None:
    """A file that was read, and a folder that was listed; not what nobody has looked at, nor what is new."""
    plain.write({"read": "1", "unread": "1", "listed/a": "1", "unlisted/a": "1"})
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    assert refreshed(plain, tree, copy) == []
    (copy / "read").read_bytes()
    list((copy / "listed").iterdir())
    plain.write({"read": "2", "unread": "2", "listed/b": "1", "unlisted/b": "1"})
    assert sorted(refreshed(plain, tree, copy)) == ["listed", "read"]
    plain.write({"read": "3", "listed/c": "1"})
    assert refreshed(plain, tree, copy) == []


def test_what_goes_was_read_or_not(plain: Any, tmp_path: Path) -> None:
    """A removed file is told of as one that changes, and its folder as one that changes."""
    plain.write({"b": "1", "a/read": "1", "a/unread": "1"})
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    refreshed(plain, tree, copy)
    (copy / "a/read").read_bytes()
    list(copy.iterdir())
    shutil.rmtree(plain.root / "a")
    # The folder above lists one folder less.
    assert sorted(refreshed(plain, tree, copy)) == [".", "a/read"]


def test_a_folder_that_gets_a_folder_was_listed_or_not(plain: Any, tmp_path: Path) -> None:
    """A file in a new folder is a new entry of the one above."""
    plain.write({"listed/a": "1", "unlisted/a": "1"})
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    refreshed(plain, tree, copy)
    list((copy / "listed").iterdir())
    plain.write({"listed/new/deep/a": "1", "unlisted/new/a": "1"})
    assert refreshed(plain, tree, copy) == ["listed"]


def test_where_access_times_are_not_kept_all_counts_as_read(
    plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is mounted with `noatime`."""
    monkeypatch.setattr("orchestrator.build.worktree._keeps_access_times", lambda _worktree: False)
    plain.write({"a/unread": "1"})
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    refreshed(plain, tree, copy)
    plain.write({"a/unread": "2", "a/new": "1"})
    assert refreshed(plain, tree, copy) == ["a/unread", "a"]
