"""The build context: which files, and a tar that depends on nothing but their content."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import SourceUnreadableError
from orchestrator.source.context import ContextFacts, context_files, write_context
from orchestrator.source.tree import lay_out


def sent(plain: Any, tree: Path, *, context: str = ".", dockerfile: str = "Dockerfile") -> list[str]:
    snapshot = plain.take()
    lay_out(snapshot, tree)
    return [file.path for file in context_files(snapshot.files, tree, context=context, dockerfile=dockerfile)]


def test_the_ignore_file_of_the_dockerfile_wins(plain: Any, tmp_path: Path) -> None:
    """`<dockerfile>.dockerignore` replaces `.dockerignore`; both are relative to the context."""
    plain.write({"a": "1", "b": "1", ".dockerignore": "a\n", "sub/D.dockerignore": "b\n", "sub/a": "1"})
    tree = tmp_path / "tree"
    assert "a" not in sent(plain, tree)
    assert "sub/a" in sent(plain, tree)
    assert {"a", "b"} & set(sent(plain, tree, dockerfile="sub/D")) == {"a"}
    assert sent(plain, tree, context="sub") == ["D.dockerignore", "a"]


def test_a_malformed_pattern_names_the_file(plain: Any, tmp_path: Path) -> None:
    """As Docker refuses it, before anything is sent."""
    plain.write({"a": "1", ".dockerignore": "ok\n[z\n"})
    with pytest.raises(SourceUnreadableError, match="malformed") as caught:
        sent(plain, tmp_path / "tree")
    assert str(caught.value.location) == ".dockerignore:2"


def tar_of(plain: Any, tree: Path, **replace: bytes) -> tuple[bytes, ContextFacts]:
    snapshot, out = plain.take(), io.BytesIO()
    lay_out(snapshot, tree)
    facts = write_context(snapshot.files, tree, replace=replace, out=out)  # type: ignore[arg-type]
    return out.getvalue(), facts


def test_the_tar_depends_on_content_alone(plain: Any, tmp_path: Path) -> None:
    """Times, owners, umask and the order of creation leave no trace; the digest is over its bytes."""
    plain.write({"b": "1", "a/c": "2"})
    first, facts = tar_of(plain, tmp_path / "one")
    for path in ("b", "a/c"):
        (plain.root / path).chmod(0o600)
        os.utime(plain.root / path, (0, 0))
    second, again = tar_of(plain, tmp_path / "two")
    assert (first, facts) == (second, again)
    (plain.root / "b").chmod(0o755)
    assert tar_of(plain, tmp_path / "two")[1].digest != facts.digest


def test_the_tar_holds_links_modes_odd_names_and_replacements(plain: Any, tmp_path: Path) -> None:
    """Sorted by bytes, folders first, two modes, and the Dockerfile that is sent instead of the user's."""
    odd = os.fsdecode(b"latin-\xe9\n")
    plain.write({"run": "#!", odd: "x", "d/e/f": "1", "Dockerfile": "FROM a", "n" * 200: "long"})
    (plain.root / "run").chmod(0o755)
    (plain.root / "link").symlink_to("../out of it")
    raw, facts = tar_of(plain, tmp_path / "tree", Dockerfile=b"FROM b", extra=b"new")
    with tarfile.open(fileobj=io.BytesIO(raw), encoding="utf-8", errors="surrogateescape") as tar:
        found = {entry.name: entry for entry in tar.getmembers()}
        names = [name for name in found if not found[name].isdir()]
        text = tar.extractfile("Dockerfile")
        assert text is not None
        assert text.read() == b"FROM b"
        assert names == sorted(names, key=os.fsencode) == list(facts.files)
        assert found["link"].linkname == "../out of it"
        assert (found["run"].mode, found["extra"].mode, found["d"].mode) == (0o755, 0o644, 0o755)
        assert {odd, "n" * 200, "d/e"} <= set(found)
        assert {(entry.uid, entry.gid, entry.uname, entry.mtime) for entry in found.values()} == {(0, 0, "", 10**9)}
    assert facts.size == len(raw)
