"""What is wrong with the text itself: each kind of damage has its own message, at its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import SpecInvalidError
from orchestrator.spec.load import load_spec

Mistakes = Callable[[str | bytes], list[str]]
SMALLEST = """\
version: 1
project: demo
toolchain: {kind: cargo}
image: {tag: "demo:dev", binary: /usr/local/bin/demo}
"""


@pytest.mark.parametrize("text", ["", "  \n\n", "# nothing yet\n", "---\n", '""\n'])
def test_an_empty_file_is_called_empty(mistakes: Mistakes, text: str) -> None:
    """Nothing, blanks, a comment, a lone marker: all are an empty file."""
    assert mistakes(text) == ["1:1: the file is empty; expected a mapping with `version: 1`"]


@pytest.mark.parametrize(
    ("text", "found"), [("null\n", "empty"), ("- a\n", "a list"), ("hello\n", "'hello'"), ("7\n", "the number 7")]
)
def test_a_file_that_is_no_mapping_says_what_it_is(mistakes: Mistakes, text: str, found: str) -> None:
    """A list or a lone value is named as such."""
    assert mistakes(text) == [f"1:1: `the spec` is {found}; expected a mapping (key: value)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Indentation, after a dash, inside a deeper block: where the tab stands.
        (f"{SMALLEST}smoke:\n\tstays_up: 1s\n", "6:1: a tab where YAML takes only spaces"),
        (f"{SMALLEST}smoke:\n  expect:\n    stdout:\n      -\ta\n", "8:8: a tab where YAML takes only spaces"),
        (f"{SMALLEST}smoke:\n  stays_up: 1s\n\tkind: job\n", "7:1: a tab where YAML takes only spaces"),
        (f"{SMALLEST}inputs: {{A: 'x}}\n", "6:1: no YAML: found unexpected end of stream"),
        (f"{SMALLEST}stub: *gone\n", "5:7: no YAML: found undefined alias"),
        (f"{SMALLEST}---\n{SMALLEST}", "5:1: a second document begins here; expected one (no `---` within)"),
        (f"{SMALLEST}---\n", "5:1: a second document begins here"),
        (f'{SMALLEST}inputs: {{A: "\x01"}}\n', "5:14: the character U+0001, which YAML forbids"),
        (f"{SMALLEST}inputs: {{ü: ü\x00}}\n", "5:14: the character U+0000, which YAML forbids"),
        (f"%YAML 9.9\n---\n{SMALLEST}", "1:1: no YAML: found incompatible YAML document"),
    ],
)
def test_a_text_that_is_no_yaml_says_where(mistakes: Mistakes, text: str, expected: str) -> None:
    """Tabs, open quotes, unknown aliases, a second document, forbidden characters."""
    (found,) = mistakes(text)
    assert found.startswith(expected)


def test_tabs_that_yaml_allows_are_no_mistake(mistakes: Mistakes) -> None:
    """Between key and value and inside a block of text a tab is only white space."""
    assert mistakes(f"{SMALLEST}inputs:\n  ONE:\tx\n  TWO: |\n    all:\n    \techo\n") == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # Columns count characters, so that an editor goes there: `é` before the bad byte is one.
        (SMALLEST.encode() + "# é".encode() + b"\xff\n", "5:4: byte 0xff is no UTF-8; save the file as UTF-8"),
        (SMALLEST.encode("utf-16"), "1:1: byte 0xff is no UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbf\xe9", "1:1: byte 0xe9 is no UTF-8; save the file as UTF-8"),
    ],
)
def test_other_encodings_are_named_by_their_first_byte(mistakes: Mistakes, content: bytes, expected: str) -> None:
    """Latin-1 and UTF-16 are refused at the byte that gives them away."""
    assert mistakes(content) == [expected]


@pytest.mark.parametrize("text", ["﻿" + SMALLEST, SMALLEST.replace("\n", "\r\n"), f"---\n{SMALLEST}...\n"])
def test_a_byte_order_mark_crlf_and_document_markers_are_all_right(mistakes: Mistakes, text: str) -> None:
    """What editors of other systems leave behind is no mistake."""
    assert mistakes(text) == []


def test_duplicate_keys_are_all_reported(mistakes: Mistakes) -> None:
    """Each repetition, at its own place, with the line of the first; the rest of the file is checked as well."""
    assert mistakes(f"{SMALLEST}project: a\nproject: b\nsmoke:\n  kind: job\n  kind: job\nsorce: {{}}\n")[:3] == [
        "5:1: the key `project` stands here a second time; first on line 2",
        "6:1: the key `project` stands here a second time; first on line 2",
        "9:3: the key `kind` stands here a second time; first on line 8",
    ]


@pytest.mark.parametrize("key", ["? [a]\n: 1", "? {a: 1}\n: 1", '"": 1', f"? {'x' * 300}\n: 1", '"a\\0": 1'])
def test_keys_must_be_names(mistakes: Mistakes, key: str) -> None:
    """A list, a mapping, nothing, a novel and a NUL are no keys."""
    (found,) = mistakes(f"{SMALLEST}{key}\n")
    assert found.endswith("a key that is no text; expected a short name")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("inputs: !!python/object/apply:os.system {A: x}", "5:9: the tag `!!os.system`"),
        ("inputs: {A: !mine x}", "5:13: the tag `!mine`"),
        ("inputs: {A: !!binary aGk=}", "5:13: the tag `!!binary`"),
        ("inputs: !!omap {A: x}", "5:9: the tag `!!omap`"),
    ],
)
def test_tags_are_refused(mistakes: Mistakes, value: str, expected: str) -> None:
    """A tag would have to mean something; nothing here gives it a meaning."""
    assert mistakes(f"{SMALLEST}{value}\n") == [f"{expected}; expected a plain value without one"]


def test_a_nul_in_a_text_is_a_mistake(mistakes: Mistakes) -> None:
    """No path, argument or variable can hold one, so it is found here and not where a program is started."""
    assert "5:13: a text with a NUL; no path or variable can hold one" in mistakes(f'{SMALLEST}inputs: {{A: "x\\0"}}\n')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SMALLEST}inputs: {'[' * 3000}{']' * 3000}\n", "nested too deeply"),
        (f"{SMALLEST}inputs: {'[' * 200_000}\n", "nested too deeply"),
        (f"{SMALLEST}inputs: {'{a: ' * 200_000}\n", "nested too deeply"),
        (SMALLEST + "".join(f"{'  ' * depth}a:\n" for depth in range(300)), "nested too deeply"),
        (f"{SMALLEST}inputs:\n" + "".join(f"  A{number}: x\n" for number in range(20_000)), "more than 10000 values"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
                for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
            ),
            "more than 10000 values, aliases counted",
        ),
        (f'{SMALLEST}inputs: {{A: "{"x" * 100_000}"}}\n', "a text of 100000 characters"),
        (f"{SMALLEST}runs: {{keep: {'9' * 5000}}}\n", "`runs.keep` is '9999"),
        (f"{SMALLEST}image2: {{step_limit: {'9' * 400}d}}\n", "unknown key `image2`"),
    ],
    ids=["flow", "unclosed", "maps", "block", "many", "laughs", "text", "number", "duration"],
)
def test_absurd_sizes_end_in_a_message(mistakes: Mistakes, text: str, expected: str) -> None:
    """Depth, number and multiplication by aliases are bounded before anything is built from them."""
    (found,) = mistakes(text)
    assert expected in found


def test_more_than_a_megabyte_is_not_even_read(folder: Path) -> None:
    """The size is told."""
    (folder / "buildspec.yaml").write_text(f"{SMALLEST}#{'x' * 1_100_000}\n")
    with pytest.raises(SpecInvalidError, match=r"the spec has 1,100,1\d\d bytes; more than 1,048,576 are no"):
        load_spec(Path("buildspec.yaml"))


def test_what_is_no_file_is_called_what_it_is(folder: Path) -> None:
    """A missing file, a folder, a pipe (which would never end) and an impossible name."""
    with pytest.raises(SpecInvalidError, match=r"there is no buildspec\.yaml") as caught:
        load_spec(Path("buildspec.yaml"))
    assert "--spec" in str(caught.value.repair)
    (folder / "sub").mkdir()
    with pytest.raises(SpecInvalidError, match="sub is a folder; expected a file") as caught:
        load_spec(Path("sub"))
    assert caught.value.repair == "name sub/buildspec.yaml"
    os.mkfifo(folder / "pipe")
    with pytest.raises(SpecInvalidError, match="pipe is no file"):
        load_spec(Path("pipe"))
    with pytest.raises(SpecInvalidError, match="cannot be read: File name too long"):
        load_spec(Path("x" * 300))
    (folder / "buildspec.yaml").symlink_to("buildspec.yaml")
    with pytest.raises(SpecInvalidError, match="cannot be read: Too many levels of symbolic links"):
        load_spec(Path("buildspec.yaml"))
