"""Programs byte by byte: what is equal although it lies elsewhere, and what is never called equal."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.binary.content.explain import explain_difference
from orchestrator.binary.content.layout import lay_out
from orchestrator.binary.content.unwind import handlers_size

SOURCE = r"""
#include <stdio.h>
#include <string.h>
static const char *const names[] = {"alpha", "beta", "gamma", "delta"};
const int weights[] = {3, 141, 592, 653};
__attribute__((noinline)) int first(int n) { return n * 42 + weights[n & 3]; }
__attribute__((noinline)) const char *second(int n) { return names[n & 3]; }
__attribute__((noinline)) int third(int n) { return first(n) - (int)strlen(second(n)); }
__attribute__((noinline)) const char *word(int n) {
  switch (n) { case 0: return "nothing"; case 1: return "something"; case 2: return "everything";
    case 3: return "a lot"; case 4: return "too much"; default: return "no idea"; } }
__attribute__((noinline)) int choose(int n) {
  switch (n) { case 0: puts("zero"); return 3; case 1: return third(n); case 2: puts("two"); return 9;
    case 3: return first(n) * 3; case 4: puts("four"); return 1; case 5: return 77; default: return -1; } }
int main(int count, char **arguments) {
  printf("%d %s %s %d\n", third(count), second(count), word(count), choose(count)); return arguments == 0; }
"""
FLAGS = ("-O1", "-ffunction-sections", "-fdata-sections", "-pie", "-fPIE")


def build(folder: Path, name: str, source: str = SOURCE, *flags: str) -> Path:
    target = folder / name
    subprocess.run(
        ["gcc", "-x", "c", "-", "-o", str(target), *FLAGS, *flags], input=source.encode(), check=True, cwd=folder
    )
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("content")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Path:
    return build(folder, "plain")


@pytest.fixture(scope="module")
def moved(folder: Path) -> Path:
    """The same code with its functions in another order, as the sources' order decides."""
    lines = SOURCE.split("\n")
    declared = "int first(int n);const char *second(int n);int third(int n);const char *word(int n);int choose(int n);"
    head, bodies = "\n".join(lines[:5]), "\n".join(lines[5:])
    parts = bodies.split("__attribute__((noinline)) ")
    *functions, last = parts[1:]
    choose, main = last.split("int main", 1)
    body = "".join(f"__attribute__((noinline)) {part}" for part in (choose, *reversed(functions)))
    return build(folder, "moved", f"{head}\n{declared}\n{body}\nint main{main}")


def test_functions_that_only_moved_are_equal(plain: Path, moved: Path) -> None:
    """Calls, jumps, constants and tables lead to the same things, wherever these lie."""
    found = explain_difference(plain, moved)
    assert found is not None
    assert found.bodies.moved >= 4
    assert not found.bodies.changed
    assert found.equal, (found.bodies, found.constants)


def test_stripped_programs_are_compared_by_their_unwinding_tables(plain: Path, folder: Path) -> None:
    """Without names functions are matched by order and size."""
    bare, other = folder / "bare", folder / "other"
    for target, source in ((bare, plain), (other, build(folder, "padded", SOURCE.replace("delta", "DELTA")))):
        subprocess.run(["strip", "-o", str(target), str(source)], check=True)
    found = explain_difference(bare, other)
    assert found is not None
    assert not found.named
    assert found.bodies.code_equal
    assert not found.equal


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n * 42", "n * 43"),
        ("first(n) - (int)", "first(n) + (int)"),
        ("first(n) * 3", "choose(n - 1) * 3"),
        ('return "nothing"; case 1: return "something"', 'return "something"; case 1: return "nothing"'),
        ('puts("zero"); return 3', 'puts("four"); return 3'),
    ],
)  # fmt: skip
def test_another_meaning_is_never_equal(plain: Path, folder: Path, old: str, new: str) -> None:
    """A number, an operation, a called function, swapped texts of a switch, another text: each is seen."""
    assert old in SOURCE
    found = explain_difference(plain, build(folder, "changed", SOURCE.replace(old, new)))
    assert found is not None
    assert not found.equal


@pytest.mark.parametrize(("old", "new"), [('"alpha", "beta"', '"beta", "alpha"'), ("141, 592", "592, 141")])
def test_swapped_constants_are_never_equal(plain: Path, folder: Path, old: str, new: str) -> None:
    """All constants are still there, and equal code refers to them; only what it finds there is another."""
    found = explain_difference(plain, build(folder, "swapped", SOURCE.replace(old, new)))
    assert found is not None
    assert not found.equal


def test_no_changed_byte_of_code_or_constants_is_called_equal(plain: Path, moved: Path, folder: Path) -> None:
    """Bits flipped at random in one of two programs that are equal but for the places of things."""
    content, dice = moved.read_bytes(), random.Random(7)  # noqa: S311 - a fixed sequence is the point
    layout = lay_out(memoryview(content))
    assert layout is not None
    names = {"first", "second", "third", "word", "choose", "main"}
    bodies = [body for body in layout.functions if body.name in names]
    target = folder / "flipped"
    for _ in range(150):
        changed = bytearray(content)
        body = dice.choice(bodies)
        section = layout.section(body.start)
        assert section is not None
        changed[section.offset + dice.randrange(body.start, body.end) - section.address] ^= 1 << dice.randrange(8)
        target.write_bytes(changed)
        found = explain_difference(plain, target)
        assert found is None or not found.equal


@pytest.mark.parametrize("kind", ["object", "script"])
def test_what_is_no_program_is_left_to_the_profiles(plain: Path, folder: Path, kind: str) -> None:
    """Other files than programs for x86-64 are not laid out."""
    other = folder / kind
    if kind == "object":
        subprocess.run(["gcc", "-c", "-x", "c", "-", "-o", str(other)], input=b"int a(void){return 1;}", check=True)
    else:
        other.write_text("#!/bin/sh\n" + "#" * 200)
    assert explain_difference(plain, other) is None


def test_a_copy_is_equal(plain: Path, folder: Path) -> None:
    """Nothing differs and nothing moved."""
    copy = folder / "copy"
    shutil.copy(plain, copy)
    found = explain_difference(plain, copy)
    assert found is not None
    assert found.equal
    assert found.bodies.moved == 0


CUT = """
#include <stdio.h>
struct Place { const char *text; unsigned long length; };
const volatile struct Place place = { PATH, sizeof PATH - 1 };
int main(int count, char **words) {
    return puts((const char *)place.text) + ((const volatile char *)&place.length)[1] + count;
}
"""


def test_a_length_that_code_points_into_still_belongs_to_its_text(folder: Path) -> None:
    """Something leads into the middle of a text's length, which then lies in two constants: that is no difference."""
    paths = ("/home/ann/cargo/registry/src/lib.rs", "/builds/somewhere-else/cargo/registry/src/lib.rs")
    one, other = (build(folder, f"cut-{n}", CUT, f'-DPATH="{path}"') for n, path in enumerate(paths))
    found = explain_difference(one, other)
    assert found is not None
    assert found.equal, found.constants
    assert [pair.local for pair in found.folders] == ["/home/ann"]
    changed = build(folder, "cut-changed", CUT.replace("sizeof PATH - 1", "sizeof PATH - 2"), f'-DPATH="{paths[0]}"')
    different = explain_difference(one, changed)
    assert different is not None
    assert not different.equal


PARTS = {
    "main.c": "int one(char *); int two(char *);\nint main(int n, char **w) { return one(w[0]) + two(w[0]) + n; }\n",
    "one.c": "#include <stdio.h>\n#include <string.h>\nint one(char *t) { memset(t, 65, 9); return puts(t); }\n",
    "two.c": "#include <stdlib.h>\n#include <string.h>\nint two(char *t) { return rand() + (int)strlen(t); }\n",
}


def test_calls_to_other_libraries_are_known_by_their_names(folder: Path) -> None:
    """Linkers number them as they meet them: in another order they are the same calls, and another call is not."""
    told = subprocess.run(["rustc", "--print", "target-libdir"], capture_output=True, text=True, check=True).stdout
    linker = Path(told.strip()).parent / "bin/gcc-ld"  # GNU's sorts them by name

    def link(name: str, *parts: str, call: str = "rand") -> Path:
        for part, text in PARTS.items():
            (folder / part).write_text(text.replace("rand", call), encoding="utf-8")
        flags = ("-fno-builtin", "-Wl,-z,lazy", "-fplt", "-fuse-ld=lld", f"-B{linker}")
        subprocess.run(["gcc", "-o", name, *FLAGS, *flags, "main.c", *parts], check=True, cwd=folder)
        return folder / name

    one = link("calls", "one.c", "two.c")
    moved, other = link("calls-moved", "two.c", "one.c"), link("calls-other", "two.c", "one.c", call="random")
    found, different = explain_difference(one, moved), explain_difference(one, other)
    assert found is not None
    assert found.bodies.code_equal, found.bodies
    assert different is not None
    assert not different.bodies.code_equal


def test_handlers_of_a_function_that_was_left_out_are_no_difference() -> None:
    """The linker keeps the table of handlers of a function that it drops; it lies behind another one's."""
    table = bytes.fromhex("ff ff 01 04 00 21 00 00")
    assert handlers_size(table) == 8
    assert handlers_size(table + bytes.fromhex("00 00 ff ff 01 04 1b 27 52 00")) == 8
    typed = bytes.fromhex("ff 9b 0d 01 04 00 21 00 00 01 00 00 00 00 00 00")
    assert handlers_size(typed) == 16
    assert handlers_size(typed + b"\0\0\0" + table) == 16
    for damaged in (b"", b"\xff", table[:5], bytes.fromhex("9b 00 00"), bytes.fromhex("ff 9b ff ff 7f 01 04")):
        assert handlers_size(damaged) is None
