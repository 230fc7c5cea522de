"""Witness files read into calls."""

from __future__ import annotations

from orchestrator.toolchains.cargo.witness import read_witness

TEXT = """twinbuild-witness 1
guard enforce
refresh done
directory /w
workspace /w
target /w/target
argument build
argument --release
exit 0
step /bin/sh
step -c
step . /dev/.twinbuild/on; cargo build --release
rustc release: 1.95.0
source aa  /w/src/main.rs
source \\bb  /w/new\\nline\\\\x
source cc  /shared/src/lib.rs
source dd  /w/tab\u2028sep\x0cform
made ee  /w/target/release/app
kept ff  /w/target/release/old
"""


def test_a_call() -> None:
    """Every fact, with paths relative to the workspace, those beside it included."""
    (call,) = read_witness({"3/000001-abc": TEXT.encode()})
    assert (call.stage, call.earlier, call.arguments, call.exit_code) == (3, False, ("build", "--release"), 0)
    assert call.sources == {
        "src/main.rs": "aa",
        "new\nline\\x": "bb",
        "../shared/src/lib.rs": "cc",
        "tab\u2028sep\x0cform": "dd",
    }
    assert call.made == {"/w/target/release/app": "ee"}
    assert call.kept == {"/w/target/release/old": "ff"}
    assert call.step.endswith("cargo build --release")
    assert call.refreshed
    assert call.unwitnessed == ""


def test_what_a_step_has_reached_for() -> None:
    """Connections and datagrams; most steps tell nothing."""
    reaching = TEXT.replace("exit 0\n", "network 2 31\nexit 0\n")
    calls = read_witness({"0/000001-abc": TEXT.encode(), "0/000002-def": reaching.encode()})
    assert [call.reached for call in calls] == [(0, 0), (2, 31)]


def test_the_same_call_in_several_stages_counts_for_the_first() -> None:
    """Stages inherit files, and a target directory brings calls of another stage with it."""
    found = read_witness({
        "2/000001-abc": TEXT.encode(), "1/000001-abc": TEXT.encode(), "2/000000-earlier-abc": TEXT.encode(),
    })  # fmt: skip
    assert [(call.stage, call.earlier) for call in found] == [(1, False)]


def test_order() -> None:
    """Earlier builds first, then by stage, then by the folder's number."""
    found = read_witness({
        name: TEXT.encode() for name in ("1/000002-b", "1/000001-c", "0/000009-d", "1/000000-earlier-e")
    })  # fmt: skip
    assert [call.id for call in found] == ["000000-earlier-e", "000009-d", "000001-c", "000002-b"]


def test_what_is_no_witness() -> None:
    """Torn, foreign and empty files are passed over."""
    assert not read_witness({
        "0/1-a": b"", "0/2-b": b"hello\n", "0/3-c": TEXT.partition("exit")[0].encode(), "0/4-d": b"\xff\xfe",
    })  # fmt: skip


def test_a_call_that_was_not_witnessed() -> None:
    """It tells why, and holds neither sources nor programs."""
    text = TEXT.partition("rustc")[0].replace("/w/target", "").replace("refresh done", "refresh none")
    (call,) = read_witness({"0/999999-a": f"{text}unwitnessed sha256sum is missing\n".encode()})
    assert call.unwitnessed == "sha256sum is missing"
    assert not call.refreshed
    assert not call.sources
    assert not call.made


def test_a_call_of_several_stages_counts_for_the_first_or_for_one_that_is_preferred() -> None:
    """Stages that begin equally share their first steps."""
    files = {f"{stage}/000001-abc": TEXT.encode() for stage in (1, 2, 3)}
    assert [call.stage for call in read_witness(files)] == [1]
    assert [call.stage for call in read_witness(files, preferred=frozenset({2, 3}))] == [2]
    brought = {"2/000000-earlier-abc": TEXT.encode(), "1/000001-abc": TEXT.encode()}
    assert [(call.stage, call.earlier) for call in read_witness(brought, preferred=frozenset({2}))] == [(1, False)]
