"""No Dockerfile crashes the linter: made-up ones, and real ones with something broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.dockerfile.lint import LintResult, lint_dockerfile
from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.repair import repair
from orchestrator.dockerfile.timeline.beside import context_at
from orchestrator.errors import DockerfileInvalidError
from orchestrator.flow.lint import LintedFile, LintReport
from orchestrator.report.lint_report import FORMATS, render_lint
from orchestrator.report.style import Style

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "tests" / "backends").glob("*/Dockerfile"))
SAMPLE = ROOT / "infrastructure" / "docker" / "Dockerfile.backend"
TEXTS = [place.read_text(encoding="utf-8") for place in (SAMPLE, *FILES)]
LINES = sorted(
    {line for text in TEXTS for line in text.splitlines() if line[:3].isupper() and not line.endswith(("\\", "EOF"))}
)

PIECES = (
    "cargo build --release", "cargo", "cargo clean -p", "cargo --", "cargo chef cook",
    "cargo new x", "touch", "touch -d", "rm -rf", "find", "find . -exec", "find ( -name",
    "xargs touch", "cp a", "mv", "ln -s /a b", "git clone x", "tar -xf y", "sed -i s/a/b/",
    "for x in", "do", "done", "if", "then", "fi", "case", "esac", "{", "}", "(", ")", "&&", ";",
    "!", "$(", "`", "${X:-", "${X##", "<<E", "E", ">", ">>", "'", "$@", "[[", "]]", "#",
    "src/main.rs", "target/release/deps/*", "Cargo.toml", '"', "\\", "é", "sh -c", "./x.sh", "|",
    "||", "&", "\n", "\x00",
)  # fmt: skip
SHELL = st.sampled_from(PIECES)
SCRIPTS = st.lists(SHELL, max_size=25).map(" ".join)
RUNS = SCRIPTS.map(lambda script: "RUN " + script.replace("\n", "\\\n"))
DOCUMENTS = SCRIPTS.map(lambda script: f"RUN <<E\n{script}\nE")
INSTRUCTIONS = st.one_of(st.sampled_from(LINES), RUNS, RUNS, DOCUMENTS, st.text(max_size=40).map("RUN x{}".format))
CONTEXTS = st.sampled_from([None, context_at(ROOT, SAMPLE), context_at(FILES[0].parent, FILES[0])])
BOUNDED = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


def linted(text: str, context: object) -> LintResult | None:
    try:
        dockerfile = parse(text, file="Dockerfile", arguments={})
    except DockerfileInvalidError:
        return None
    return lint_dockerfile(dockerfile, context=context, arguments={})  # type: ignore[arg-type]


def check(text: str, context: object) -> None:
    """Lint, render in every format, and repair: all of it answers."""
    result = linted(text, context)
    if result is None:
        return
    sources = {"Dockerfile": result.timeline.source.text, **{n: s.text for n, s in result.timeline.scripts.items()}}
    report = LintReport(files=(LintedFile(file="Dockerfile", findings=result.findings, ignored=0, sources=sources),))
    for form in FORMATS:
        render_lint(report, form, Style(width=40)).encode("utf-8", "surrogatepass")
    repair(result.timeline)


@BOUNDED
@given(lines=st.lists(INSTRUCTIONS, max_size=25), context=CONTEXTS)
def test_made_up(lines: list[str], context: object) -> None:
    """Instructions and shell text in any order."""
    check("\n".join(["FROM rust AS builder", "WORKDIR /app", *lines, ""]), context)


@BOUNDED
@given(text=st.sampled_from(TEXTS), context=CONTEXTS, data=st.data())
def test_broken(text: str, context: object, data: st.DataObject) -> None:
    """Real files with a piece cut out, doubled, or replaced."""
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 60)))
        piece = data.draw(st.one_of(st.just(""), st.just(text[start:end] * 2), SCRIPTS, st.text(max_size=10)))
        text = text[:start] + piece + text[end:]
    check(text, context)


@pytest.mark.parametrize("body", ["RUN " + "(" * 5000, "RUN " + "a;" * 20000, "RUN b\n" * 3000, "RUN " + "$(" * 3000])
def test_large(body: str) -> None:
    """Depth and length have limits."""
    check(f"FROM a\n{body}", None)


def test_many_stages() -> None:
    """A long chain of stages, each based on the one before."""
    chain = "\n".join(f"FROM s{number} AS s{number + 1}\nRUN cargo build" for number in range(150))
    check(f"FROM a AS s0\n{chain}\n", None)


@pytest.mark.parametrize("text", ["FROM a\nRUN \ud800\n", "FROM a\nCOPY --from=\U00020000b x y\n"])
def test_text_that_the_parser_cannot_take(text: str) -> None:
    """What crashes the binding of BuildKit's parser, or cannot come back from it, is refused as a Dockerfile."""
    with pytest.raises(DockerfileInvalidError):
        parse(text, file="Dockerfile", arguments={})
