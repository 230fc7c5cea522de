"""The lint's reports: what a person sees, and what machines read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from orchestrator.errors import DockerfileInvalidError, UsageError
from orchestrator.flow.lint import lint
from orchestrator.report.lint_report import LintReport, render_lint, render_rules
from orchestrator.report.style import Style
from orchestrator.report.width import columns

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBSET = Path(__file__).with_name("sarif-2.1.0-subset.json")
TRAPPED = """FROM rust AS builder
WORKDIR /app
COPY Cargo.toml ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release
COPY src src
RUN cargo build --release

FROM debian
COPY --from=builder /app/target/release/app /usr/local/bin/app
"""
LONG = TRAPPED.replace("RUN cargo", "RUN " + "echo \u2603 aaaaaaaaaaaaaaaaaa && " * 8 + "cargo")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report_of(**files: str) -> LintReport:
    for name, text in files.items():
        Path(f"Dockerfile.{name}").write_text(text, encoding="utf-8")
    return lint([f"Dockerfile.{name}" for name in files], None)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("text", [TRAPPED, LONG])
def test_text_fits(width: int, text: str) -> None:
    """No line is wider than the terminal, and the finding begins with its clickable place."""
    shown = render_lint(report_of(a=text), "text", Style(width=width))
    assert all(columns(line) <= width for line in shown.splitlines())
    assert shown.startswith("Dockerfile.a:6:")
    assert "\x1b" not in shown
    assert shown.splitlines()[-1] == "1 error in 1 file"


def test_text_marks_the_place() -> None:
    """The source line stands below the finding, the stretch in question marked."""
    lines = render_lint(report_of(a=TRAPPED), "text", Style()).splitlines()
    source = next(number for number, line in enumerate(lines) if "RUN cargo" in line)
    start = lines[source].index("cargo build --release")
    assert lines[source + 1][start:] == "^" * len("cargo build --release")


def test_text_of_a_clean_file() -> None:
    """Nothing found is one line, and pleasant."""
    shown = render_lint(report_of(a="FROM debian\nRUN true\n"), "text", Style(colour=True))
    assert shown == "\x1b[32m\u2713\x1b[0m Dockerfile.a: no hazard that can be seen without building\n"


def test_text_on_a_poor_terminal() -> None:
    """What an encoding cannot show is replaced, and terminal codes in a Dockerfile are not passed on."""
    text = TRAPPED.replace("RUN cargo", "RUN echo '\x1b[2J' && cargo")
    shown = render_lint(report_of(a=text), "text", Style(encoding="ascii"))
    assert shown.isascii()
    assert "\x1b" not in shown


def test_json() -> None:
    """The JSON report says all that the text says, with exact spans."""
    made = json.loads(render_lint(report_of(a=TRAPPED, b="FROM debian\n"), "json", Style()))
    assert made["version"] == 1
    assert made["exit_code"] == 1
    assert made["counts"] == {"errors": 1, "warnings": 0, "hints": 0}
    finding = made["files"][0]["findings"][0]
    assert finding["rule"] == "stub-not-invalidated"
    assert finding["span"] == {"file": "Dockerfile.a", "line": 6, "column": 5, "last_line": 6, "last_column": 25}
    assert finding["why"]
    assert finding["repair"]


def sarif_of(**files: str) -> Mapping[str, Any]:
    made = json.loads(render_lint(report_of(**files), "sarif", Style()))
    jsonschema.validate(made, json.loads(SUBSET.read_text(encoding="utf-8")))
    run: Mapping[str, Any] = made["runs"][0]
    return run


def test_sarif() -> None:
    """SARIF names rule, level and region; its end column lies behind the last character."""
    run = sarif_of(a=TRAPPED)
    result = run["results"][0]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "stub-not-invalidated"
    assert result["level"] == "error"
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 5, "endLine": 6, "endColumn": 26}
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_of_an_unreadable_file() -> None:
    """A file that could not be read is no clean one: the run was not successful."""
    run = sarif_of(a=TRAPPED, b="FORM debian\n")
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1


def test_fingerprints_survive_moved_lines() -> None:
    """A finding keeps its fingerprint when lines are added above it."""
    (first,) = sarif_of(a=TRAPPED)["results"]
    (moved,) = sarif_of(a="# one more line\n" + TRAPPED)["results"]
    assert first["partialFingerprints"] == moved["partialFingerprints"]
    assert first["locations"] != moved["locations"]


def test_github() -> None:
    """Annotations are one line each; what would end a command early is escaped."""
    Path("50%,a:b").mkdir()
    Path("50%,a:b/Dockerfile").write_text(TRAPPED, encoding="utf-8")
    lines = render_lint(lint(["50%,a:b/Dockerfile"], None), "github", Style()).splitlines()
    assert len(lines) == 1
    place = "file=50%25%2Ca%3Ab/Dockerfile,line=6,endLine=6,col=5,endColumn=25"
    assert lines[0].startswith(f"::error {place},title=stub-not-invalidated::this build")
    assert "%0A%0AWhy: " in lines[0]


def test_unknown_format() -> None:
    """A format that there is not is a mistake with a hint."""
    with pytest.raises(UsageError, match="did you mean sarif"):
        render_lint(report_of(a=TRAPPED), "sarf", Style())


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a": "FROM debian\n"}, 0),
        ({"a": TRAPPED}, 1),
        ({"a": TRAPPED.replace("src/main.rs &&", "src/main.rs ;")}, 1),
        ({"a": "FROM debian\n", "b": "FORM debian\n"}, DockerfileInvalidError.exit_code),
        ({"a": TRAPPED, "b": "FORM debian\n"}, DockerfileInvalidError.exit_code),
    ],
)
def test_exit_codes(files: dict[str, str], code: int) -> None:
    """0 without errors, 1 with some, and what could not be read goes before both."""
    assert report_of(**files).exit_code == code


def test_one_unreadable_file_is_told_at_once() -> None:
    """The only Dockerfile that cannot be read ends the command with its own error."""
    with pytest.raises(DockerfileInvalidError, match="did you mean FROM"):
        report_of(a="FORM debian\n")


def test_paths() -> None:
    """Folders are searched, each file is read once, and what is not there is named."""
    Path("a/target").mkdir(parents=True)
    for name in ("Dockerfile", "Dockerfile.dev", "x.Dockerfile", "Dockerfile.dockerignore", "target/Dockerfile"):
        Path("a", name).write_text("FROM debian\n", encoding="utf-8")
    found = [file.file for file in lint(["a", "a/Dockerfile"], None).files]
    assert found == ["a/Dockerfile", "a/Dockerfile.dev", "a/x.Dockerfile"]
    with pytest.raises(UsageError, match="there is no b"):
        lint(["b"], None)
    Path("empty").mkdir()
    with pytest.raises(UsageError, match="holds no Dockerfile"):
        lint(["empty"], None)


def test_rules_are_listed() -> None:
    """`--rules` names every rule on a terminal of any width."""
    shown = render_rules(Style(width=60))
    assert "stub-not-invalidated" in shown
    assert all(columns(line) <= 60 for line in shown.splitlines())
