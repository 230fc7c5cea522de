"""Shell text becomes commands: their words, places, redirections, and what becomes of a failure."""

from __future__ import annotations

import pytest

from orchestrator.dockerfile.parse import parse
from orchestrator.dockerfile.run_text import json_words, shell_text
from orchestrator.dockerfile.shell.collect import ShellKind
from orchestrator.dockerfile.shell.model import UNKNOWN, Command
from orchestrator.dockerfile.shell.read import read_script, shell_kind
from orchestrator.dockerfile.spans import SourceText, whole


def commands(text: str, *, by: str = "sh", **variables: str) -> list[Command]:
    script = whole(SourceText("script.sh", text))
    return list(read_script(script, variables=variables, shell=shell_kind([f"/bin/{by}"])))


def words(text: str, *, by: str = "sh", **variables: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in commands(text, by=by, **variables)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo 'a b' \"c d\" e\\ f", ["echo", "a b", "c d", "e f"]),
        ('echo "a\\"b" \'c\'"d"e', ["echo", 'a"b', "cde"]),
        ('echo "" x', ["echo", "", "x"]),
        ("echo $'a\\tb'", ["echo", "a\tb"]),
        ("echo a # not this", ["echo", "a"]),
        ("echo \\\n  a", ["echo", "a"]),
        ("echo é ü", ["echo", "é", "ü"]),
        ('echo " $NAME "', ["echo", " app "]),
        ("echo $NAME/x ${NAME}y", ["echo", "app/x", "appy"]),
        ("echo $LIST", ["echo", "a", "b"]),
        ('echo "$LIST"', ["echo", "a b"]),
        ("echo $OTHER", ["echo", UNKNOWN]),
        ("echo ${NAME##*/}", ["echo", UNKNOWN]),
        ("echo $(pwd)/x", ["echo", f"{UNKNOWN}/x"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Quotes, escapes, comments and variables are resolved as a shell does; what only it knows is marked."""
    assert words(text, NAME="app", LIST="a b")[-1] == expected


def test_braces_belong_to_bash() -> None:
    """`{a,b}` is expanded by bash; for /bin/sh it is unknown, since that is bash in some images and not in others."""
    assert words("touch src/{main,lib}.rs", by="bash") == [["touch", "src/main.rs", "src/lib.rs"]]
    assert words("touch src/{main,lib}.rs") == [["touch", f"src/{UNKNOWN}.rs"]]


@pytest.mark.parametrize(
    ("text", "glob"), [("rm a*", True), ('rm "a*"', False), ("rm a\\*", False), ("rm a[12]", True)]
)
def test_globs(text: str, *, glob: bool) -> None:
    """Only unquoted wildcards are expanded."""
    assert commands(text)[0].words[1].glob is glob


def test_loops_are_unrolled() -> None:
    """A loop over known words is one command for each; a wildcard stays one."""
    assert words("for x in a b/*; do touch $x/f; done") == [["touch", "a/f"], ["touch", "b/*/f"]]
    assert words("for x in $(ls); do touch $x; done")[-1] == ["touch", UNKNOWN]


def test_functions_run_where_they_are_called() -> None:
    """A function's commands stand at its call; one that is never called does nothing, one that calls itself ends."""
    assert words("f() { touch a; }; g() { rm b; }; f") == [["touch", "a"]]
    assert len(words("f() { touch a; f; }; f")) < 20


def test_variables_and_folders() -> None:
    """Assignments and `cd` hold for what follows, in a subshell only for what is in it."""
    found = commands("D=src; cd $D && (cd bin; touch a); touch b; X=1 cargo build")
    assert [(each.name, each.directory) for each in found if each.name == "touch"] == [
        ("touch", "src/bin"),
        ("touch", "src"),
    ]
    assert found[-1].assigned == {"X": "1"}
    assert found[-1].environment["D"] == "src"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("cargo build", None),
        ("cargo build && cp a b", None),
        ("cargo build || exit 1", None),
        ("cargo build || { echo no; exit 1; }", None),
        ("cargo build || true", "`|| true`"),
        ("cargo build || echo failed", "`|| echo failed`"),
        ("cargo build | tee log", "`| tee` without `set -o pipefail`"),
        ("set -o pipefail; cargo build | tee log", None),
        ("set -euo pipefail\ncargo build | tee log\nls", None),
        ("cargo build; ls", "no `set -e`"),
        ("cargo build\nls", "no `set -e`"),
        ("set -e; cargo build; ls", None),
        ("set -e; cargo build && ls; ls", "`set -e` does not end"),
        ("set -e; cd x && cargo build; ls", None),
        ("cargo build &", "background"),
        ("! cargo build", "`!`"),
        ("if cargo build; then ls; fi", "condition"),
        ("(cargo build; ls)", "no `set -e`"),
        ("{ cargo build || true; } && ls", "`|| true`"),
        ("yes | cargo build", None),
    ],
)
def test_swallowed_failures(text: str, hidden: str | None) -> None:
    """A command's failure is the script's, unless the script hides it."""
    found = next(command for command in commands(text) if command.name == "cargo").swallowed
    if hidden is None:
        assert found is None
    else:
        assert hidden in (found or "")


def test_redirections_and_documents() -> None:
    """Redirections belong to their command, also where the grammar hangs them elsewhere; a document is its text."""
    found = commands("> a && echo x >> b && cat <<E > c && ls\nfn main() {}\nE\nls")
    targets = [
        [(each.operator, each.target.text if each.target else each.body) for each in c.redirections] for c in found
    ]
    assert targets == [[(">", "a")], [(">>", "b")], [("<<", "fn main() {}\n"), (">", "c")], [], []]


def test_pipelines_know_their_source() -> None:
    """A command in a pipeline knows what it reads."""
    found = commands("find src -print0 | xargs -0 touch")
    assert found[1].stdin is not None
    assert found[1].stdin.name == "find"


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (["/bin/bash", "-o", "pipefail", "-c"], ShellKind(name="bash", pipefail=True)),
        (["/bin/sh", "-ec"], ShellKind(name="sh", errexit=True)),
        (["powershell", "-command"], ShellKind(name="powershell", errexit=False)),
    ],
)
def test_shell_instruction(shell: list[str], expected: ShellKind) -> None:
    """SHELL says which shell runs a step, and with which options."""
    found = shell_kind(shell)
    assert (found.name, found.pipefail) == (expected.name, expected.pipefail)
    assert found.errexit is expected.errexit or found.name == "powershell"


DOCKERFILE = """\
FROM base
RUN --mount=type=cache,target=/x --network=none \\
    # a comment between
    find src \\

    && cargo   build
RUN <<EOF
  touch a
cargo build
EOF
RUN cat <<'X' > src/main.rs && cargo check
fn main() {}
X
RUN ["sh", "-c", "ls && cargo test"]
RUN ["cargo", "run"]
RUN <<PY python3
cargo bench
PY
"""


def test_places_in_a_dockerfile() -> None:
    """Every command stands at its own line and columns, over continued lines, comments, documents and JSON."""
    parsed = parse(DOCKERFILE, file="Dockerfile", arguments={})
    source = SourceText("Dockerfile", parsed.text)
    places = {}
    for instruction in parsed.stages[0].instructions:
        script = shell_text(source, instruction, parsed.escape)
        scripts = [script] if script else [word.script for word in json_words(source, instruction)[2:3]]
        for text in scripts:
            for command in read_script(text, variables={}, shell=ShellKind()):
                span = command.span
                name = command.name, command.words[1].text if len(command.words) > 1 else ""
                places[name] = (span.line, span.column), (span.last_line, span.last_column)
    assert places["find", "src"] == ((4, 5), (4, 12))
    assert places["cargo", "build"] == ((9, 1), (9, 11))
    assert places["touch", "a"] == ((8, 3), (8, 9))
    assert places["cargo", "check"] == ((11, 32), (11, 42))
    assert places["cargo", "test"] == ((14, 25), (14, 34))


def test_other_interpreters_are_left_alone() -> None:
    """A here-document that another program reads is no shell text."""
    for text in ("RUN <<PY python3\ncargo bench\nPY\n", "RUN <<E\n#!/usr/bin/env python3\ncargo bench\nE\n"):
        parsed = parse("FROM a\n" + text, file="D", arguments={})
        script = shell_text(SourceText("D", parsed.text), parsed.stages[0].instructions[0], parsed.escape)
        found = read_script(script, variables={}, shell=ShellKind()) if script else ()
        assert not any(command.name == "cargo" for command in found)


def test_places_of_exec_forms() -> None:
    """The words of an exec form are placed without their quotes."""
    parsed = parse('FROM a\nRUN [ "cargo", "bu\\u0069ld" ]\n', file="D", arguments={})
    found = json_words(SourceText("D", parsed.text), parsed.stages[0].instructions[0])
    assert [(word.text, word.span.column) for word in found] == [("cargo", 8), ("build", 17)]


def test_backtick_escapes() -> None:
    """With `# escape=` another character continues lines."""
    parsed = parse("# escape=`\nFROM a\nRUN ls `\n  && cargo build\n", file="D", arguments={})
    instruction = parsed.stages[0].instructions[0]
    script = shell_text(SourceText("D", parsed.text), instruction, parsed.escape)
    assert script is not None
    found = read_script(script, variables={}, shell=ShellKind())
    assert [(each.name, each.span.line, each.span.column) for each in found] == [("ls", 3, 5), ("cargo", 4, 6)]
