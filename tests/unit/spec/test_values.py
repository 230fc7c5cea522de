"""What is wrong with the values: what, found, expected, did you mean; all in one go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import SpecInvalidError
from orchestrator.spec.load import load_spec

Mistakes = Callable[[str | bytes], list[str]]
TAG = "expected a name with a tag, such as backend:dev or registry.example.org/team/backend:1.2"
SMALLEST = """\
version: 1
project: demo
toolchain: {kind: cargo}
image: {tag: "demo:dev", binary: /usr/local/bin/demo}
"""


def test_all_mistakes_come_in_one_go_in_the_order_of_the_file(mistakes: Mistakes, folder: Path) -> None:
    """Types, choices, unknown and missing keys, paths and links out of the root: one list."""
    (folder / "out").symlink_to("/etc")
    text = """\
version: "1"
project: 12
toolchain: {kind: crago, manifest: ../Cargo.toml, locked: yes, features: simd}
image: {tag: demo, step_limit: 10, dockerfile: out/Dockerfile}
bases: []
sorce: {root: .}
stub: {guard: enforced}
project: again
"""
    assert mistakes(text) == [
        "1:10: `version` is '1'; expected the number 1",
        '2:10: `project` is the number 12; expected a text: write "12"',
        "3:19: `toolchain.kind` is 'crago'; expected 'cargo'; did you mean `cargo`?",
        (
            "3:36: `toolchain.manifest` is '../Cargo.toml'; expected a path inside the spec's folder, relative to it, "
            "without '..'"
        ),
        "3:59: `toolchain.locked` is 'yes'; expected true or false: write true",
        "3:74: `toolchain.features` is 'simd'; expected a list ([a, b] or one `- item` a line)",
        "4:8: `image.binary` is missing; expected: Where the program lies in the shipped image",
        f"4:14: `image.tag` is 'demo'; {TAG}",
        "4:32: `image.step_limit` is the number 10; expected a duration with its unit, such as 500ms, 10s, 5m or 30d",
        f"4:48: `image.dockerfile` leads out of the spec's folder, to /etc/Dockerfile; expected a path inside {folder}",
        "5:8: `bases` is a list; expected a mapping (key: value)",
        (
            "6:1: unknown key `sorce`; expected one of version, project, source, toolchain, inputs, local, image, "
            "network, bases, stub, parity, smoke, gate, runs; did you mean `source`?"
        ),
        "7:15: `stub.guard` is 'enforced'; expected one of 'enforce', 'observe' or 'off'; did you mean `enforce`?",
        "8:1: the key `project` stands here a second time; first on line 2",
    ]


def test_the_count_and_the_first_place_lead(folder: Path) -> None:
    """The headline counts, points to the first, and says what helps."""
    (folder / "buildspec.yaml").write_text("version: 2\nproject: A\n")
    with pytest.raises(SpecInvalidError, match="4 mistakes in the spec") as caught:
        load_spec(Path("buildspec.yaml"))
    assert str(caught.value.location) == "buildspec.yaml:1:1"
    assert "invoke spec --schema" in str(caught.value.repair)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("version: 1.0", "`version` is the number 1.0; expected the number 1"),
        ("version: true", "`version` is true; expected the number 1"),
        ("version:", "`version` is empty; expected the number 1"),
        ("runs: {keep: 0}", "`runs.keep` is the number 0; expected at least 1"),
        ("runs: {keep: 0x10}", "`runs.keep` is '0x10'; expected a whole number"),
        ("runs: {keep: 1.5}", "`runs.keep` is the number 1.5; expected a whole number"),
        ("runs: {keep: .inf}", "`runs.keep` is '.inf'; expected a whole number"),
        ("smoke:", "`smoke` is empty; expected a mapping (key: value)"),
        ("smoke: {read_only: off}", "`smoke.read_only` is 'off'; expected true or false: write false"),
        ("image: {silence_limit: 10 s}", "`image.silence_limit` is '10 s'; expected a duration such as"),
        ("image: {silence_limit: 9999999999d}", "`image.silence_limit` is '9999999999d'; expected a duration such as"),
        ("image: {silence_limit: 367d}", "`image.silence_limit` is '367d'; expected a duration of at most 366d"),
        ("inputs: {A: 010}", '`inputs.A` is the number 010; expected a text: write "010"'),
        ("inputs: {A: no}", "no mistake"),
        ("inputs: {A: 2020-01-01}", "no mistake"),
        ("inputs: {A: false}", '`inputs.A` is false; expected a text: write "false"'),
        (
            'inputs: {"A=B": x}',
            "the key `inputs.A=B`; expected the name of a variable: letters, digits and underscores",
        ),
        ('inputs: {"1A": x}', "the key `inputs.1A`; expected the name of a variable"),
        ("inputs: {A: '${source.digst}'}", "did you mean `${source.digest}`?"),
        ("bases: {a: {}}", "`bases.a` is a mapping; expected exactly one of 'bootstrap' and 'pull'"),
        ("bases: {a: {boostrap: {}}}", "unknown key `bases.a.boostrap`; expected one of bootstrap, pull; did you mean"),
        ("bases: {a: {pull: {digest: sha256:0}}}", "`bases.a.pull.digest` is 'sha256:0'; expected a text that matches"),
        ('"\\e[31m": 1', r"unknown key `\x1b[31m`"),
        (f"inputs: {{A: {'x' * 300}}}\nproject2: {'y' * 300}", "unknown key `project2`"),
        (f"stub: {{guard: {'x' * 300}}}", f"`stub.guard` is '{'x' * 77}...'; expected one of"),
    ],
)
def test_each_kind_of_mistake_has_its_words(mistakes: Mistakes, line: str, expected: str) -> None:
    """What was found is quoted as written, short and safe for a terminal; what is expected is said in full."""
    key = line.partition(":")[0]
    rest = [each for each in SMALLEST.splitlines() if each.partition(":")[0] != key]
    if key == "image":
        line = line.replace("{", '{tag: "demo:dev", binary: /bin/demo, ')
    found = mistakes("\n".join([*rest, line, ""]))
    assert [text for text in found if expected in text] or (found == [] and expected == "no mistake"), found


@pytest.mark.parametrize("path", ["/etc/passwd", "..", "a/../../b", "a/..", '""', "a/" * 3000, "a" * 300])
def test_paths_that_cannot_be_inside_are_refused(mistakes: Mistakes, path: str) -> None:
    """Absolute, upwards, empty, or longer than the system takes."""
    (found,) = mistakes(SMALLEST.replace("kind: cargo", f"kind: cargo, manifest: {path}"))
    assert found.startswith("3:36: `toolchain.manifest` is '")
    assert "expected a path" in found


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("source.root", "source: {root: away}"),
        ("image.context", "image: {tag: 'd:1', binary: /d, context: away}"),
        ("image.dockerfile", "image: {tag: 'd:1', binary: /d, dockerfile: away/sub/D}"),
        ("toolchain.manifest", "toolchain: {kind: cargo, manifest: loop/away/Cargo.toml}"),
    ],
)
def test_links_out_of_the_root_are_refused(mistakes: Mistakes, folder: Path, key: str, text: str) -> None:
    """The path is inside by its words and outside by its links."""
    (folder / "away").symlink_to("..")
    (folder / "loop").symlink_to(".")
    lines = [line for line in SMALLEST.splitlines() if not text.startswith(line.partition(":")[0])]
    (found,) = mistakes("\n".join([*lines, text, ""]))
    assert f"`{key}` leads out of the spec's folder, to {folder.parent}" in found


def test_links_inside_the_root_and_links_in_circles_are_the_readers_business(mistakes: Mistakes, folder: Path) -> None:
    """A link that stays inside is fine; one that leads nowhere is told by who opens it."""
    (folder / "real").mkdir()
    (folder / "here").symlink_to("real")
    (folder / "circle").symlink_to("circle")
    assert mistakes(SMALLEST + "source: {root: here}\n") == []
    assert mistakes(SMALLEST.replace("kind: cargo", "kind: cargo, manifest: circle/Cargo.toml")) == []


@pytest.mark.parametrize(
    ("tag", "right"),
    [
        ("backend:dev", True),
        ("localhost:5000/team/back-end_x__y.z:1.2.3-rc1", True),
        ("Registry.example.org/backend:V1", True),
        ("backend", False),
        ("localhost:5000/backend", False),
        ("Backend:dev", False),
        ("backend:", False),
        ("a:b:c", False),
        ("backend@sha256:abc", False),
        ("back//end:dev", False),
        (f"backend:{'x' * 129}", False),
    ],
)
def test_a_tag_is_a_whole_reference(mistakes: Mistakes, tag: str, right: bool) -> None:  # noqa: FBT001 - a table
    """The engine must take it as it stands, with the tag written out."""
    assert (mistakes(SMALLEST.replace("demo:dev", tag)) == []) is right
