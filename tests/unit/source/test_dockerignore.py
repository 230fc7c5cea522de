"""`.dockerignore` as Docker reads it: the tables of moby/patternmatcher (patternmatcher_test.go) and of its reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import SourceUnreadableError
from orchestrator.source.dockerignore import IgnoreRules

WHEEL = "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl"
FITS = [
    *[("**", "file"), ("**/", "file"), ("**", "dir/file"), ("**/", "dir/file"), ("**/**", "dir/file")],
    *[("dir/**", "dir/file"), ("dir/**", "dir/dir2/file"), ("**/dir", "dir"), ("**/dir", "dir/file")],
    *[("**/dir2/*", "dir/dir2/file"), ("**/dir2/**", "dir/dir2/dir3/file"), ("**file", "file"), ("**file", "dir/file")],
    *[("**/file", "dir/file"), ("**file", "dir/dir/file"), ("**/file", "dir/dir/file"), ("**/file*", "dir/dir/file")],
    *[("**/file*", "dir/dir/file.txt"), ("**/file*txt", "dir/dir/file.txt"), ("**/file*.txt", "dir/dir/file.txt")],
    *[("**/file*.txt*", "dir/dir/file.txt"), ("**/**/*.txt", "dir/dir/file.txt"), ("**/*.txt", "file.txt")],
    *[("**/**/*.txt", "file.txt"), ("a**/*.txt", "a/file.txt"), ("a**/*.txt", "a/dir/dir/file.txt")],
    *[("a/*.txt", "a/file.txt"), ("a/*.txt**", "a/file.txt"), ("a[b-d]e", "ace"), ("a[^b-d]e", "aze"), (".*", ".foo")],
    *[("abc.def", "abc.def"), ("abc?def", "abcZdef"), ("**/foo/bar", "foo/bar"), ("**/foo/bar", "dir/dir2/foo/bar")],
    *[("abc/**", "abc/def"), ("abc/**", "abc/def/ghi"), ("**/.foo", ".foo"), ("a(b)c/def", "a(b)c/def")],
    *[("a.|)$(}+{bc", "a.|)$(}+{bc"), (WHEEL, WHEEL), ("dist/*.whl", WHEEL), ("a\\\\", "a\\"), ("a\\*b", "a*b")],
    *[("*", "abc"), ("*c", "abc"), ("a*", "a"), ("a*", "ab/c"), ("a*/b", "abc/b"), ("a*b?c*x", "abxbbxdbxebxczzx")],
    *[("a*b*c*d*e*/f", "axbxcxdxexxx/f"), ("ab[c]", "abc"), ("ab[^e-g]", "abc"), ("a?b", "a☺b"), ("a[^a]b", "a☺b")],
    *[("[a-ζ]*", "β"), ("[\\]a]", "]"), ("[\\-]", "-"), ("[x\\-]", "x"), ("[\\-x]", "-"), ("*x", "xxx")],
    # Not in the tables, from the code: a lone `**` before plain letters is a suffix of letters, not of names.
    *[("**file", "dir/xfile"), ("dir**", "dirx/y"), ("a[^b]c", "a/c")],
]
FITS_NOT = [
    *[("**/**/*.txt2", "dir/dir/file.txt"), ("a/*.txt", "a/dir/file.txt"), ("a[b-d]e", "ae"), ("a[b-d]e", "aae")],
    *[(".*", "foo"), ("abc.def", "abcdef"), ("abc.def", "abcZdef"), ("abc?def", "abcdef"), ("abc/**", "abc")],
    *[("**/.foo", "bar.foo"), ("a(b)c/def", "a(b)c/xyz"), ("a*/b", "a/c/b"), ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f")],
    *[("a*b?c*x", "abxbbxdbxebxczzy"), ("ab[e-g]", "abc"), ("ab[^c]", "abc"), ("ab[^b-d]", "abc"), ("a\\*b", "ab")],
    *[("a???b", "a☺b"), ("*[a-ζ]", "A"), ("a?b", "a/b"), ("a*b", "a/b"), ("[x\\-]", "z"), ("[\\-x]", "a")],
    *[("**file*", "dir/xfile"), ("[!a]b", "cb")],
]
MALFORMED = ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "!", "[z-a]"]


@pytest.mark.parametrize(("pattern", "path"), FITS)
def test_patterns_that_fit(pattern: str, path: str) -> None:
    """Left out, itself or by a folder above."""
    assert IgnoreRules(pattern).ignores(path)


@pytest.mark.parametrize(("pattern", "path"), FITS_NOT)
def test_patterns_that_do_not_fit(pattern: str, path: str) -> None:
    """Kept."""
    assert not IgnoreRules(pattern).ignores(path)


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        (["!fileutils.go", "*.go"], "fileutils.go", True),
        (["*.go", "!fileutils.go"], "fileutils.go", False),
        (["docs", "!docs/README.md"], "docs/README.md", False),
        (["docs/", "!docs/README.md"], "docs/README.md", False),
        (["docs/*", "!docs/README.md"], "docs/README.md", False),
        (["docs", "  !docs/README.md  "], "docs/README.md", False),
        (["**", "!util/docker/web"], "util/docker/web/foo", False),
        (["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", True),
        (["**", "!dist/*.whl"], WHEEL, False),
        (["*", "!/src", "src/*.tmp", "!src/keep.tmp"], "src/keep.tmp", False),
        (["*", "!/src", "src/*.tmp", "!src/keep.tmp"], "src/drop.tmp", True),
        (["*", "! src"], "src/main.rs", False),
    ],
)
def test_the_last_word_decides(patterns: list[str], path: str, ignored: bool) -> None:  # noqa: FBT001 - a table
    """`!` takes back, and may be taken back."""
    assert IgnoreRules("\n".join(patterns)).ignores(path) is ignored


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/a", "a"),
        ("//a", "a"),
        ("./a/", "a"),
        ("a//b/../c", "a/c"),
        ("a\r\nb\r\n", "a"),
        ("﻿a", "a"),
        ("  a  ", "a"),
        (" #a", "#a"),
        ("x\x85y", "x\x85y"),
        ("\\#a", "#a"),
    ],
)
def test_lines_are_cleaned_as_docker_does(text: str, path: str) -> None:
    """Paths are cleaned, white space and CR go, a comment begins in the first column only."""
    assert IgnoreRules(text).ignores(path)


@pytest.mark.parametrize("text", ["", "\n\n", "#a", ".", "/", "./"])
def test_lines_that_ignore_nothing(text: str) -> None:
    """Empty lines, comments, and the context itself."""
    assert not IgnoreRules(text).ignores("a")


@pytest.mark.parametrize("pattern", MALFORMED)
def test_what_docker_refuses_is_refused_with_its_line(pattern: str) -> None:
    """Docker ends the build with a syntax error; here it is told before one begins, with the line."""
    with pytest.raises(SourceUnreadableError, match="is malformed") as caught:
        IgnoreRules(f"# first\n\n{pattern}\n", file="sub/.dockerignore")
    assert str(caught.value.location) == "sub/.dockerignore:3"


@given(st.text(alphabet="ab*?[]^-\\/!. \n☺", max_size=12), st.text(alphabet="ab/☺.", min_size=1, max_size=8))
def test_no_pattern_breaks_the_reader(text: str, path: str) -> None:
    """It is understood or refused."""
    try:
        rules = IgnoreRules(text)
    except SourceUnreadableError:
        return
    assert rules.ignores(path) in {True, False}
