"""The snapshot is what git would ship, plus uncommitted changes, with the bytes that lie there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.errors import SourceUnreadableError, ToolMissingError
from orchestrator.source.snapshot import NO_COMMIT_EPOCH, FileKind

if TYPE_CHECKING:
    from orchestrator.source.snapshot import SourceFile

ODD = ("-leading", "new\nline", "tab\there", "sp ace", 'quo"te', "back\\slash", "ünï", os.fsdecode(b"latin-\xe9"), "*")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def by_path(repository: Any) -> dict[str, SourceFile]:
    return {file.path: file for file in repository.take().files}


def settle() -> None:
    """Let files be old enough that git's index and the memo may be believed."""
    time.sleep(0.15)


def test_tracked_changed_new_and_ignored_files(repository: Any) -> None:
    """Committed, staged, changed and new files count as they lie there; ignored and deleted ones do not."""
    repository.write({"kept": "1", "changed": "1", "staged": "1", "gone": "1", "renamed": "1", ".gitignore": "*.log\n"})
    repository.write({"tracked.log": "1"})
    repository.git("add", "-f", "tracked.log")
    repository.commit()
    assert not repository.take().dirty
    repository.write({"changed": "2", "staged": "2", "gone": None, "new": "1", "new.log": "1"})
    repository.git("add", "staged")
    repository.git("mv", "renamed", "elsewhere")
    repository.write({"intended": "x"})
    repository.git("add", "-N", "intended")
    found = by_path(repository)
    assert sorted(found) == sorted(
        [".gitignore", "changed", "elsewhere", "intended", "kept", "new", "staged", "tracked.log"]
    )
    assert found["changed"].sha256 == found["staged"].sha256 == sha(b"2")
    assert found["intended"].sha256 == sha(b"x")
    assert repository.take().dirty


@pytest.mark.parametrize("git", [True, False])
def test_ignore_rules(plain: Any, git: bool) -> None:  # noqa: FBT001 - a table
    """Nested files, negation, folders, anchors, odd lines: the same with git and without."""
    if git:
        plain.git("init", "-q")
    plain.write(
        {
            ".gitignore": "﻿*.tmp\r\n/top\nout/\n!keep.tmp\n[z-a]\n\\\n\\#real\n# no pattern\n",
            "sub/.gitignore": "!again.tmp\n/only-here\nx\x85y\n",
            **dict.fromkeys(["a.tmp", "keep.tmp", "top", "sub/top", "out/x", "sub/out/x", "sub/again.tmp"], "1"),
            **dict.fromkeys(["sub/only-here", "sub/deep/only-here", "out.txt", "#real", "sub/x\x85y", "y"], "1"),
        }
    )
    assert plain.paths() == sorted(
        [".gitignore", "keep.tmp", "out.txt", "sub/.gitignore", "sub/again.tmp", "sub/deep/only-here", "sub/top", "y"]
    )


def test_personal_ignore_rules_count_with_git(repository: Any) -> None:
    """info/exclude and the user's global file are git's rules as well."""
    repository.write({"a.mine": "1", "b.local": "1", "c": "1"})
    (repository.root / ".git/info/exclude").write_text("*.local\n")
    (repository.root.parent / "home/ignore").write_text("*.mine\n")
    repository.git("config", "--global", "core.excludesFile", str(repository.root.parent / "home/ignore"))
    assert repository.paths() == ["c"]


def test_the_digest_is_the_same_with_and_without_git(plain: Any) -> None:
    """Also over odd names, links, modes, and whether files are committed, staged or new."""
    plain.write(dict.fromkeys(ODD, "x") | {"sub/run": "#!", ".gitignore": "*.o\n", "x.o": "1"})
    (plain.root / "sub/run").chmod(0o755)
    (plain.root / "dangling").symlink_to("no/where")
    (plain.root / "folder").symlink_to("sub")
    without = plain.take()
    assert set(ODD) <= {file.path for file in without.files}
    kinds = {file.path: file.kind for file in without.files}
    assert kinds["sub/run"] is FileKind.EXECUTABLE
    assert kinds["dangling"] is kinds["folder"] is FileKind.SYMLINK
    assert "folder/run" not in kinds
    plain.git("init", "-q")
    assert plain.take().digest == without.digest
    plain.commit()
    settle()
    assert [plain.take().digest for _ in range(3)] == [without.digest] * 3
    os.utime(plain.root / "-leading", (0, 0))
    (plain.root / "sp ace").chmod(0o600)
    assert plain.take().digest == without.digest
    (plain.root / "sp ace").chmod(0o700)
    assert plain.take().digest != without.digest


def test_unchanged_files_are_not_read_again(repository: Any) -> None:
    """Their digests are remembered by blob: a warm snapshot does not open them."""
    repository.write({"a": "1", "b": "2"})
    repository.commit()
    settle()
    first = repository.take()
    opened = _opened(repository.take)
    assert not any(path.startswith(str(repository.root)) and path.endswith(("/a", "/b")) for path in opened)
    assert repository.take().digest == first.digest


def test_a_list_that_holds_no_longer_is_made_anew(repository: Any) -> None:
    """Whatever moves between two snapshots: the index, a change taken back, other patterns."""
    repository.write({"a": "1", "b": "1", "sub/c": "1"})
    repository.commit()
    settle()
    clean = repository.take()
    repository.write({"a": "2"})
    assert repository.take().digest != clean.digest
    repository.write({"a": "1"})
    assert repository.take().digest == clean.digest
    assert repository.paths(exclude=("b",)) == ["a", "sub/c"]
    repository.git("rm", "-q", "--cached", "b")
    assert repository.paths() == ["a", "b", "sub/c"]
    repository.git("mv", "sub/c", "d")
    assert repository.paths() == ["a", "b", "d"]
    repository.commit()
    assert repository.paths() == ["a", "b", "d"]
    repository.write({"a": None})
    assert repository.paths() == ["b", "d"]


def _opened(call: Any) -> list[str]:
    import sys  # noqa: PLC0415 - the hook cannot be taken out again, so it is here

    seen: list[str] = []
    on = [True]
    sys.addaudithook(lambda event, facts: seen.append(str(facts[0])) if on[0] and event == "open" else None)
    call()
    on[0] = False
    return seen


def test_a_change_right_after_git_looked_does_not_poison_the_memo(repository: Any) -> None:
    """Content is remembered under a blob's name only if the file was at rest before git looked."""
    repository.write({"a": "one"})
    repository.commit()
    # Git takes it for unchanged (same size, same time stamp), which is what a change after its look amounts to.
    repository.git("update-index", "--refresh")
    facts = (repository.root / "a").stat()
    repository.git("config", "core.trustctime", "false")
    repository.write({"a": "two"})
    os.utime(repository.root / "a", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    repository.take()
    settle()
    repository.write({"a": "one"})
    assert by_path(repository)["a"].sha256 == sha(b"one")


def test_files_that_git_was_told_not_to_watch_are_read(repository: Any) -> None:
    """assume-unchanged and skip-worktree hide changes from git, not from the compiler."""
    repository.write({"assumed": "1", "skipped": "1", "sparse": "1"})
    repository.commit()
    settle()
    repository.take()
    repository.git("update-index", "--assume-unchanged", "assumed")
    repository.git("update-index", "--skip-worktree", "skipped", "sparse")
    repository.write({"assumed": "2", "skipped": "3", "sparse": None})
    found = by_path(repository)
    assert found["assumed"].sha256 == sha(b"2")
    assert found["skipped"].sha256 == sha(b"3")
    assert "sparse" not in found


def test_a_hidden_change_makes_the_source_dirty(repository: Any) -> None:
    """Also from memory, in content or mode, of files and links; not where the bytes only look otherwise to git."""
    repository.write({".gitattributes": "*.txt text eol=crlf\n", "assumed": "1", "tool": "1", "lines.txt": "a\nb\n"})
    (repository.root / "link").symlink_to("assumed")
    repository.commit()
    repository.git("update-index", "--assume-unchanged", "assumed", "link", "lines.txt")
    repository.git("update-index", "--skip-worktree", "tool")
    settle()
    assert not repository.take().dirty
    repository.write({"lines.txt": "a\r\nb\r\n"})
    assert not repository.take().dirty, "a checkout under these attributes has it so"
    repository.write({"assumed": "2"})
    assert [repository.take().dirty, repository.take().dirty] == [True, True]
    repository.write({"assumed": "1"})
    assert not repository.take().dirty
    (repository.root / "tool").chmod(0o755)
    assert repository.take().dirty
    (repository.root / "tool").unlink()
    assert not repository.take().dirty, "as in a sparse checkout"
    (repository.root / "link").unlink()
    (repository.root / "link").symlink_to("tool")
    assert repository.take().dirty


def test_a_sparse_checkout_has_what_is_checked_out(repository: Any) -> None:
    """Folders outside the cone are no part of the tree that is built."""
    repository.write({"in/a": "1", "out/b": "1", "top": "1"})
    repository.commit()
    repository.git("sparse-checkout", "set", "in")
    assert repository.paths() == ["in/a", "top"]
    assert not repository.take().dirty


def test_a_merge_conflict_is_built_as_it_lies_there(repository: Any) -> None:
    """The index has three versions of the file; the tree has one, markers and all."""
    repository.write({"both": "0\n", "other": "0"})
    repository.commit()
    repository.git("checkout", "-q", "-b", "side")
    repository.write({"both": "1\n", "mine": "1"})
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write({"both": "2\n"})
    repository.commit()
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "side")
    found = by_path(repository)
    assert found["both"].sha256 == sha((repository.root / "both").read_bytes())
    assert sorted(found) == ["both", "mine", "other"]


def test_submodules_ship_their_files(repository: Any, tmp_path: Any) -> None:
    """With their own ignore rules and changes; an uninitialised one is told, unless it is left out or gone."""
    inner = tmp_path / "inner"
    inner.mkdir()
    repository.git("init", "-q", cwd=inner)
    (inner / "lib.rs").write_text("1")
    (inner / ".gitignore").write_text("*.o\n")
    repository.git("add", "-A", cwd=inner)
    repository.git("commit", "-q", "-m", "inner", cwd=inner)
    repository.write({"main": "1"})
    repository.git("submodule", "-q", "add", str(inner), "dep")
    repository.commit()
    repository.write({"dep/new": "1", "dep/x.o": "1"})
    assert repository.paths() == [".gitmodules", "dep/.gitignore", "dep/lib.rs", "dep/new", "main"]
    assert repository.take().dirty
    assert repository.paths(exclude=("dep/*.rs",)) == [".gitmodules", "dep/.gitignore", "dep/new", "main"]
    repository.git("submodule", "-q", "deinit", "-f", "dep")
    with pytest.raises(SourceUnreadableError, match="the submodule dep is not checked out"):
        repository.take()
    assert repository.paths(exclude=("dep/",)) == [".gitmodules", "main"]
    shutil.rmtree(repository.root / "dep")
    assert repository.paths() == [".gitmodules", "main"]


def test_a_repository_inside_another_is_its_own(repository: Any) -> None:
    """A clone that happens to lie there is no part of the project."""
    repository.write({"a": "1", "clone/b": "1"})
    repository.git("init", "-q", cwd=repository.root / "clone")
    assert repository.paths() == ["a"]


def test_a_folder_of_a_repository(repository: Any) -> None:
    """The project may be part of a repository: paths are its own, the commit is the repository's."""
    repository.write(
        {".gitignore": "*.log\n/ignored/\n", "app/a": "1", "app/x.log": "1", "other/b": "1", "ignored/c": "1"}
    )
    repository.commit()
    repository.write({"app/new": "1"})
    taken = repository.take(root=repository.root / "app")
    assert [file.path for file in taken.files] == ["a", "new"]
    assert taken.commit == repository.git("rev-parse", "HEAD").strip()
    (repository.root / "link").symlink_to("app")
    assert repository.take(root=repository.root / "link").digest == taken.digest
    # A project that the repository ignores is not under its control.
    outside = repository.take(root=repository.root / "ignored")
    assert [file.path for file in outside.files] == ["c"]
    assert outside.commit is None


def test_a_work_tree_of_its_own_branch(repository: Any, tmp_path: Any) -> None:
    """In `git worktree` folders `.git` is a file."""
    repository.write({"a": "1"})
    repository.commit()
    repository.git("worktree", "add", "-q", str(tmp_path / "side"))
    (tmp_path / "side/b").write_text("1")
    assert [file.path for file in repository.take(root=tmp_path / "side").files] == ["a", "b"]


def test_a_hook_of_git_changes_nothing(repository: Any) -> None:
    """Inside a hook, git's variables name the repository and index that the hook is about."""
    repository.write({"a": "1"})
    repository.commit()
    wanted = repository.take().digest
    variables = {"GIT_DIR": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent", "GIT_WORK_TREE": "/nonexistent"}
    assert repository.take(**variables).digest == wanted


def test_git_is_not_disturbed(repository: Any) -> None:
    """No lock is taken and the index is not written, so the user's own commands are not in the way."""
    repository.write({"a": "1"})
    repository.commit()
    index = (repository.root / ".git/index").stat()
    (repository.root / ".git/index.lock").write_text("")
    os.utime(repository.root / "a")
    repository.take()
    assert (repository.root / ".git/index").stat().st_mtime_ns == index.st_mtime_ns


def test_own_folders_and_special_files_are_no_source(plain: Any) -> None:
    """The tool's workspace, sockets and pipes, at any depth."""
    plain.write({"a": "1", ".twinbuild/x": "1", "sub/.twinbuild/x": "1"})
    os.mkfifo(plain.root / "pipe")
    assert plain.paths() == ["a"]
    plain.git("init", "-q")
    assert plain.paths() == ["a"]


def test_line_ends_are_those_of_the_work_tree(repository: Any) -> None:
    """With autocrlf the compiler reads other bytes than git stores; changing the setting is noticed."""
    repository.write({"a.txt": "1\n2\n"})
    repository.commit()
    settle()
    assert by_path(repository)["a.txt"].size == 4
    repository.git("config", "core.autocrlf", "true")
    repository.write({"a.txt": None})
    repository.git("checkout", "-q", "a.txt")
    settle()
    assert [by_path(repository)["a.txt"].size for _ in range(2)] == [6, 6]


def test_the_epoch(repository: Any) -> None:
    """SOURCE_DATE_EPOCH, else the last commit's time, else a constant."""
    repository.write({"a": "1"})
    taken = repository.take()
    assert (taken.epoch, taken.commit) == (NO_COMMIT_EPOCH, None)
    repository.git("add", "-A")
    repository.environment |= {"GIT_COMMITTER_DATE": "1234567890 +0900"}
    repository.commit()
    assert repository.take().epoch == 1234567890
    assert repository.take(SOURCE_DATE_EPOCH="0").epoch == 0
    for wrong in ("", "-1", "1.5", "now", "²", "9" * 12, "9" * 5000):
        with pytest.raises(SourceUnreadableError, match="SOURCE_DATE_EPOCH is") as caught:
            repository.take(SOURCE_DATE_EPOCH=wrong)
        assert "git log -1" in str(caught.value.repair)


def test_git_that_is_missing_or_refuses_is_told(repository: Any) -> None:
    """A work tree needs git; what git says comes through."""
    repository.write({"a": "1"})
    with pytest.raises(ToolMissingError, match="git is needed"):
        repository.take(PATH="/nonexistent")
    (repository.root / ".git/index").write_bytes(b"rubbish")
    with pytest.raises(SourceUnreadableError, match="git cannot read") as caught:
        repository.take()
    assert any("index" in line for line in caught.value.detail)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_names_the_command(repository: Any) -> None:
    """Git refuses it for safety; the message says how to allow it."""
    os.chown(repository.root, 12345, 12345)
    with pytest.raises(SourceUnreadableError, match="belongs to another user") as caught:
        repository.take()
    assert caught.value.repair == f"git config --global --add safe.directory {repository.root}"


def test_deep_trees_and_long_paths(plain: Any) -> None:
    """Depth is bounded by the system's path length alone, not by what Python can recurse."""
    path = "d/" * 1500
    subprocess.run(["mkdir", "-p", plain.root / path], check=True)
    (plain.root / path / "leaf").write_text("1")
    try:
        assert plain.paths() == [f"{path}leaf"]
    finally:
        # pytest's own clean-up does recurse.
        subprocess.run(["rm", "-rf", plain.root / "d"], check=True)
