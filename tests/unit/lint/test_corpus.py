"""The linter over the corpus of trapped and sound projects, and over the sample."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from orchestrator.dockerfile.rules.rule import Severity
from orchestrator.errors import SpecInvalidError, UsageError
from orchestrator.flow.lint import lint, spec_in_force

ROOT = Path(__file__).resolve().parents[3]
CASES = sorted(place.parent for place in (ROOT / "tests" / "backends").glob("*/case.toml"))
SOUND = [case for case in CASES if tomllib.loads((case / "case.toml").read_text(encoding="utf-8")).get("sound")]

SEEN = {
    "a1-old-mtime": "stub-not-invalidated",
    "a10-asset": "asset-not-invalidated",
    "a11-cook-by-hand": "program-not-rebuilt",
    "a2-library-stays": "stub-partly-invalidated",
    "a3-member-missed": "stub-partly-invalidated",
    "a4-second-binary": "stub-partly-invalidated",
    "a5-narrower-build": "program-not-rebuilt",
    "a6-orphan": "orphaned-stub",
    "a7-stub-left-behind": "orphaned-stub",
    "a8-build-script": "stub-partly-invalidated",
    "a9-pipe": "swallowed-failure",
    "a9-swallowed": "swallowed-failure",
    "b1-clean-other-profile": "clean-other-profile",
    "b2-hyphen": "crate-name-mixup",
    "b3-empty-glob": "removal-matches-nothing",
    "b3-lib-prefix": "stub-partly-invalidated",
    "b4-new-layout": "layout-bound-removal",
    "b5-final-file": "final-file-removed",
    "b6-whole-seconds": "sources-backdated",
    "b7-other-layer": "invalidated-elsewhere",
    "b7-other-mount": "invalidated-elsewhere",
    "b8-backdated": "sources-backdated",
    "c1-target-cache-mount": "shared-target-cache",
    "c2-normalised": "sources-backdated",
    "c4-git-clone": "cached-clone",
    "c5-host-target": "host-target-sent",
    "c6-shared-target": "host-target-sent",
    "c7-hidden-by-mount": "mounted-output-copied",
    "c9-rewritten-times": "sources-backdated",
    "d1-debug-folder": "output-path-mismatch",
    "d1-triple": "output-path-mismatch",
    "d2-wrong-name": "wrong-program-name",
    "d2-wrong-stage": "stub-left-behind",
    "d3-no-slash": "copy-without-slash",
    "d4-directory": "directory-as-program",
    "d5-dangling-link": "dangling-link",
    "d6-old-kind": "wrong-program-name",
    "d7-tests-relink": "relinked-by-test",
    "sound-by-luck": "lucky-rebuild",
    "sound-lucky-library": "lucky-rebuild",
    "wild-absolute-cargo": "stub-not-invalidated",
    "wild-bin-lists": "stub-partly-invalidated",
    "wild-cargo-init": "stub-not-invalidated",
    "wild-cargo-new": "stub-not-invalidated",
    "wild-control-copied": "stub-not-invalidated",
    "wild-control-stub": "stub-not-invalidated",
    "wild-crates-loop": "stub-not-invalidated",
    "wild-default-run": "stub-partly-invalidated",
    "wild-example-shipped": "wrong-program-name",
    "wild-install-path": "stub-not-invalidated",
    "wild-installed-cargo": "stub-not-invalidated",
    "wild-onbuild": "stub-not-invalidated",
    "wild-just": "stub-not-invalidated",
    "wild-make": "stub-not-invalidated",
    "wild-other-bin-name": "removal-matches-nothing",
    "wild-own-environment": "stub-not-invalidated",
    "wild-packed-stub": "stub-not-invalidated",
    "wild-path-outside": "stub-partly-invalidated",
    "wild-proc-macro": "stub-partly-invalidated",
    "wild-run-time": "built-at-start",
    "wild-script": "stub-not-invalidated",
    "wild-vendored": "stub-not-invalidated",
}
"""The rule that sees each trap. What is missing here cannot be seen without building (docs/reference/rules)."""


def dockerfile_of(case: Path, folder: Path) -> str:
    """Return a case's Dockerfile; with the tools beside it, where the case's builds put some into the context."""
    said = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
    tools = [need.removeprefix("tool:") for need in said.get("prepare", ()) if need.startswith("tool:")]
    if tools:
        case = Path(shutil.copytree(case, folder / case.name))
        (case / "tools").mkdir()
        for tool in tools:
            (case / "tools" / tool).touch()
    return str(case / "Dockerfile")


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.name)
def test_no_error_on_sound_dockerfiles(case: Path, tmp_path: Path) -> None:
    """A Dockerfile that ships the truth gets no error, whatever it looks like."""
    found = lint([dockerfile_of(case, tmp_path)], None).findings
    assert [finding for finding in found if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize("name", SEEN)
def test_traps_are_seen(name: str, tmp_path: Path) -> None:
    """Each trap is named by the rule that it belongs to."""
    path = dockerfile_of(ROOT / "tests" / "backends" / name, tmp_path)
    assert SEEN[name] in {finding.rule for finding in lint([path], None).findings}


def test_sample_is_clean() -> None:
    """The Dockerfile of this repository has no finding."""
    assert list(lint([str(ROOT / "infrastructure" / "docker" / "Dockerfile.backend")], None).findings) == []


def test_spec_names_dockerfile_and_context() -> None:
    """Without paths the spec's Dockerfile is read, with the spec's context and crates."""
    loaded = spec_in_force(ROOT / "buildspec.yaml", paths=[], given=True)
    report = lint([], loaded)
    assert [Path(file.file).name for file in report.files] == ["Dockerfile.backend"]
    assert report.exit_code == 0


def test_a_missing_spec_matters_only_without_paths(tmp_path: Path) -> None:
    """Dockerfiles that are named can be read without a spec; without any there is nothing to read."""
    assert spec_in_force(tmp_path / "no.yaml", paths=["Dockerfile"], given=False) is None
    with pytest.raises(SpecInvalidError):
        spec_in_force(tmp_path / "no.yaml", paths=[], given=False)
    with pytest.raises(UsageError, match="no Dockerfile is named"):
        lint([], None)


def test_findings_stand_where_they_say() -> None:
    """Every span of every finding of the corpus lies inside the file that it names."""
    report = lint([str(ROOT / "tests" / "backends")], None)
    assert len(report.files) >= len(SEEN)
    for file in report.files:
        for finding in file.findings:
            for span in (finding.span, *(related.span for related in finding.related)):
                lines = file.sources[span.file].split("\n")
                assert 1 <= span.line <= span.last_line <= len(lines)
                assert 1 <= span.column <= len(lines[span.line - 1]) + 1
                assert 1 <= span.last_column <= len(lines[span.last_line - 1]) + 1
