"""Files of other tools: what they get wrong is told with its place, and what is not supported is never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import SpecInvalidError
from orchestrator.spec.load import load_spec
from orchestrator.spec.peers import read_peers

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "schemaVersion: 2.0.0\n"
COMMAND = HEAD + "commandTests: [{name: a, command: b, %s}]"
MINIMAL = "version: 1\nproject: a\ntoolchain: {kind: cargo}\nimage: {tag: 'a:dev', binary: /a}\n"
TEST = "fileExistenceTests: [{name: a, path: /a}]\n"


def told(folder: Path, text: str, *, goss: bool) -> tuple[str, ...]:
    """Return the mistakes of a file."""
    (folder / "peer.yaml").write_text(text)
    with pytest.raises(SpecInvalidError) as raised:
        read_peers(folder, structure=() if goss else ("peer.yaml",), goss=("peer.yaml",) if goss else ())
    assert "in peer.yaml" in raised.value.message
    return raised.value.detail


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "peer.yaml:1:1: the file is empty; expected a mapping"),
        (TEST, "peer.yaml:1:1: `schemaVersion` is missing; expected: The version of the format"),
        ("schemaVersion: 1.0.0\n" + TEST, "1:16: `schemaVersion` is '1.0.0'; expected 2.0.0: version 1 writes"),
        ("schemaVersion: 3.0.0\n" + TEST, "`schemaVersion` is '3.0.0'; expected '2.0.0'"),
        (HEAD, "expected at least one test"),
        (HEAD + "metadataTest: {}\n", "expected at least one test"),
        (
            HEAD + "fileTests: []\n" + TEST,
            "2:1: unknown key `fileTests`; expected one of schemaVersion, globalEnvVars,",
        ),
        (HEAD + "fileExistenceTests: [{name: a, paht: /a}]", "did you mean `path`?"),
        (
            HEAD + "commandTests: [{name: a, command: b, expectedOutput: ['(']}]",
            "2:55: `commandTests.0.expectedOutput.0`",
        ),
        (
            HEAD + "commandTests: [{name: a, command: b, expectedOutput: ['\\pL']}]",
            "without \\p, which is not supported",
        ),
        (HEAD + "commandTests: [{name: a, command: b, setup: [[]]}]", "2:46: `commandTests.0.setup.0`"),
        (
            HEAD + TEST + "containerRunOptions: {privileged: true}",
            "3:35: `containerRunOptions.privileged` is true",
        ),
        (HEAD + TEST + "containerRunOptions: {bindMounts: [/a:/b]}", "is granted in `smoke`"),
        (HEAD + TEST + TEST, "the key `fileExistenceTests` stands here a second time; first on line 2"),
    ],
)
def test_a_structure_file_with_mistakes(tmp_path: Path, text: str, says: str) -> None:
    """Unknown keys, expressions of Go's alone, grants that the plan must make, and files without any test."""
    assert any(says in line for line in told(tmp_path, text, goss=False)), told(tmp_path, text, goss=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file: {}\n", "expected at least one resource that can be judged"),
        ("dns: {example.org: {resolvable: true}}\n", "expected at least one resource that can be judged"),
        ("file: {/a: {exists: true, skip: true}}\n", "expected at least one resource that can be judged"),
        ("file: {/a: {}}\n", "1:12: `file./a.exists` is missing"),
        ("file: {/a: {exists: true, linkedto: /b}}\n", "did you mean `linked-to`?"),
        ("files: {/a: {exists: true}}\n", "unknown key `files`; expected one of file, user,"),
        ("file: {/a: {exists: true, contents: {semver-constraint: '>1'}}}\n", "expected a version of three parts"),
        ("file: {/a: {exists: true, contents: {semver-constraint: '~> 1'}}}\n", "expected a range of versions such as"),
        ("file: {/a: {exists: true, contents: {semver-constraint: '!=1.x'}}}\n", "never holds in goss"),
        ("file: {/a: {exists: true, contents: {gjson: {'a.#.b': 1}}}}\n", "expected a plain path"),
        ("file: {/a: {exists: true, contents: {gjson: {a: {more: 1}}}}}\n", "`more` is not supported here"),
        ("file: {/a: {exists: true, contents: {have-key-with-value: {a: 1}}}}\n", "is not supported here"),
        ("file: {/a: {exists: true, size: {gt: much}}}\n", "expected a number for `gt`"),
        ("file: {/a: {exists: true, contents: ['/[/']}}\n", "1:37: `file./a.contents`"),
        ("file:\n  {{.Vars.path}}: {exists: true}\n", "2:3: a template; expected plain YAML: `goss render`"),
        ("file: {/a: {exists: true}}\nfile: {/b: {exists: true}}\n", "2:1: the key `file` stands here a second time"),
        ("gossfile: {other.yaml: {}}\n", "1:12: `gossfile.other.yaml` names 'other.yaml', which is no file"),
    ],
)
def test_a_gossfile_with_mistakes(tmp_path: Path, text: str, says: str) -> None:
    """A second `file:` does not drop the first one in silence, as their guide warns that it would."""
    assert any(says in line for line in told(tmp_path, text, goss=True)), told(tmp_path, text, goss=True)


def test_gossfiles_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    """Paths are relative to the file that names them; one that is skipped is not read."""
    (tmp_path / "more").mkdir()
    (tmp_path / "a.yaml").write_text("gossfile: {more/*.yaml: {}, nowhere.yaml: {skip: true}}\n")
    (tmp_path / "more/b.yaml").write_text("gossfile: {back: {file: ../a.yaml}}\nfile: {/a: {exists: true}}\n")
    found = read_peers(tmp_path, structure=(), goss=("a.yaml",)).goss
    assert [file.name for file in found] == ["a.yaml", "more/b.yaml"]
    assert found[1].place(("file", "/a", "exists")) == (2, 13)


def test_a_plan_names_files_that_are_there(folder: Path) -> None:
    """A missing one is a mistake of the spec, at the line that names it; their content changes the plan's digest."""
    spec = folder / "buildspec.yaml"
    spec.write_text(f"{MINIMAL}smoke:\n  goss: [tests/goss.yaml]\n")
    with pytest.raises(SpecInvalidError) as raised:
        load_spec(spec)
    assert "`smoke.goss` names tests/goss.yaml; expected a file inside the spec's folder" in raised.value.detail[0]
    (folder / "tests").mkdir()
    (folder / "tests/goss.yaml").write_text("file: {/a: {exists: true}}\n")
    first = load_spec(spec).peers.digest
    (folder / "tests/goss.yaml").write_text("file: {/b: {exists: true}}\n")
    assert load_spec(spec).peers.digest != first
