"""Differences of two images, and leftovers, from archives of the tests' own."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from orchestrator.build.image_difference import byte_ranges, image_differences
from orchestrator.build.leftovers import kind_of, leftovers_in, removable, summed
from orchestrator.build.saved import SavedImage
from orchestrator.dockerfile.layers import layer_instruction
from orchestrator.dockerfile.parse import read_dockerfile
from orchestrator.engine.archive import archive, layer_of


def _member(name: str, content: bytes = b"", **facts: object) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in facts.items():
        setattr(entry, key, value)
    return entry, content


def _image(folder: Path, *members: tuple[tarfile.TarInfo, bytes], **config: object) -> SavedImage:
    folder.mkdir()
    place = folder / "layer.tar"
    with tarfile.open(place, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    layer = layer_of(place)
    history = [{"created_by": "RUN /bin/sh -c x"}, {"created_by": "ENV A=b", "empty_layer": True}]
    text = json.dumps({"config": config, "history": history, "rootfs": {"diff_ids": [layer.diff_id]}}).encode()
    return SavedImage(archive(text, [layer]), folder)


@pytest.mark.parametrize(
    ("one", "two", "ranges"),
    [
        (b"same", b"same", []),
        (b"abcd", b"abXd", [(2, 3)]),
        (b"a" * 100, b"b" + b"a" * 98 + b"b", [(0, 1), (99, 100)]),
        (b"a" * 10, b"b" + b"a" * 8 + b"b", [(0, 10)]),
        (b"ab", b"abcd", [(2, 4)]),
        (b"", b"x", [(0, 1)]),
        (b"x" * 200_000, b"x" * 65_530 + b"y" * 20 + b"x" * 134_450, [(65_530, 65_550)]),
    ],
)
def test_ranges_of_bytes_that_differ(one: bytes, two: bytes, ranges: list[tuple[int, int]]) -> None:
    """Near ones are one range, across blocks too, and what is longer differs from there on."""
    assert list(byte_ranges(io.BytesIO(one), io.BytesIO(two))) == ranges


def test_every_file_and_field_is_named(tmp_path: Path) -> None:
    """Content, attributes, links, files of one side, fields of the configuration."""
    one = _image(
        tmp_path / "1",
        _member("opt/a", b"at 12:00"),
        _member("opt/b", b"b", mode=0o644),
        _member("opt/gone", b"x"),
        _member("opt/link", type=tarfile.SYMTYPE, linkname="a"),
        _member("opt/same", b"same"),
        Env=["A=1"],
    )
    two = _image(
        tmp_path / "2",
        _member("opt/a", b"at 12:01"),
        _member("opt/b", b"b", mode=0o755),
        _member("opt/link", type=tarfile.SYMTYPE, linkname="b"),
        _member("opt/new", b"y"),
        _member("opt/same", b"same"),
        Env=["A=2"],
        User="7",
    )
    found = list(image_differences(one, two, base_layers=0))
    assert [(each.place, each.what, each.first, each.second) for each in found] == [
        ("config.Env", "field", '["A=1"]', '["A=2"]'),
        ("config.User", "field", None, '"7"'),
        ("/opt/a", "content", "0", "1"),
        ("/opt/b", "mode", "0644", "0755"),
        ("/opt/gone", "missing", "there", "missing"),
        ("/opt/link", "linkname", "a", "b"),
        ("/opt/new", "missing", "missing", "there"),
    ]
    assert {(each.keyword, each.after) for each in found if each.what != "field"} == {("RUN", 1)}
    assert not list(image_differences(one, one, base_layers=0))


def test_a_layer_is_traced_to_its_line(tmp_path: Path) -> None:
    """Counted from the end, since the base's own entries come first; a history that does not fit gives no line."""
    path = tmp_path / "Dockerfile"
    path.write_text("FROM a AS one\nRUN x\nFROM one\nENV A=b\nCOPY y /\nCMD z\n")
    dockerfile = read_dockerfile(path, file="Dockerfile", arguments={})
    lines = {}
    for keyword, after in (("COPY", 1), ("RUN", 3), ("COPY", 3), ("RUN", 9)):
        found = layer_instruction(dockerfile, None, keyword=keyword, after=after)
        lines[keyword, after] = found.line if found else None
    assert lines == {("COPY", 1): 5, ("RUN", 3): 2, ("COPY", 3): None, ("RUN", 9): None}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", "apt-lists"),
        ("var/lib/apt/lists/lock", None),
        ("var/cache/apt/pkgcache.bin", "apt-lists"),
        ("var/log/apt/history.log", "package-logs"),
        ("var/log/dpkg.log", "package-logs"),
        ("var/log/app.log", None),
        ("opt/app/__pycache__/a.cpython-311.pyc", "python-bytecode"),
        ("opt/app/a.pyc", None),
        ("var/cache/ldconfig/aux-cache", "ldconfig-cache"),
        ("etc/resolv.conf", "resolv-conf"),
        ("opt/etc/resolv.conf", None),
    ],
)
def test_leftovers_are_known_by_their_path(path: str, kind: str | None) -> None:
    """Of the image itself, and no file of the same name elsewhere."""
    found = kind_of(path)
    assert (found.id if found else None) == kind


def test_a_leftover_that_something_else_is_linked_to_stays() -> None:
    """Else a hard link of the program's would lead nowhere; empty files are what cleaned ones look like."""
    members = [
        _member("var/log/dpkg.log", b"x")[0],
        _member("etc/resolv.conf")[0],
        _member("var/log/apt/term.log", b"yy")[0],
        _member("opt/copy", type=tarfile.LNKTYPE, linkname="var/log/dpkg.log")[0],
    ]
    found = list(leftovers_in(members))
    gone = removable(found, members)
    assert gone == {id(members[2])}
    (told,) = summed(found, gone, keyword="RUN", after=0)
    assert (told.count, told.size, told.removed) == (2, 3, False)
    assert told.paths == ("/var/log/dpkg.log", "/var/log/apt/term.log")
