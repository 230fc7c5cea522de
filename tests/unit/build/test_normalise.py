"""Canonical layers and configurations, from tars of the tests' own; the real engine is in tests/integration/engine."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.build import canonical_layer
from orchestrator.build.canonical_config import canonical_config
from orchestrator.build.canonical_layer import names_in
from orchestrator.build.history import canonical_step
from orchestrator.build.lower import Lower
from orchestrator.build.normalised import Normalisation
from orchestrator.build.saved import SavedImage
from orchestrator.engine.archive import Layer
from orchestrator.errors import ImageBuildFailedError

EPOCH = 1_600_000_000


def how(**restored: bytes) -> Normalisation:
    known = {hashlib.sha256(key.encode()).hexdigest(): value for key, value in restored.items()}
    return Normalisation(epoch=EPOCH, base_layers=(), restored=known)


def member(name: str, content: bytes = b"", **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), EPOCH + 5
    for key, value in facts.items():
        setattr(entry, key, value)
    return entry, content


def rewritten(
    folder: Path,
    *members: tuple[tarfile.TarInfo, bytes],
    rules: Normalisation | None = None,
    form: int = tarfile.PAX_FORMAT,
    lower: Lower | None = None,
) -> bytes:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "saved.tar", "w", format=form) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    layer = canonical_layer.rewritten(folder / "saved.tar", folder / "out.tar", rules or how(), lower=lower or Lower())
    raw = (folder / "out.tar").read_bytes()
    assert layer.diff_id == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return raw


def layers(folder: Path, *below: list[tuple[tarfile.TarInfo, bytes]]) -> Lower:
    """Return what these layers, lowest first, hold together."""
    folder.mkdir()
    made = Lower()
    for number, members in enumerate(below):
        with tarfile.open(folder / f"{number}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
            for entry, content in members:
                tar.addfile(entry, io.BytesIO(content))
        made.add(folder / f"{number}.tar")
    return made


def entries(raw: bytes) -> Mapping[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {entry.name: entry for entry in tar}


@pytest.mark.parametrize(
    ("mtime", "since", "expected"),
    [(5, None, 5), (5, 6, 5), (7, 6, 100), (99, None, 99), (101, None, 100), (101, 200, 100)],
)
def test_the_time_of_a_file(mtime: int, since: int | None, expected: int) -> None:
    """What the build made gets the epoch, also if it made it before; what it unpacked keeps its own."""
    assert canonical_layer.canonical_time(mtime, 100, since) == expected


def test_order_owners_and_times_leave_no_trace(tmp_path: Path) -> None:
    """The same files in another order, by another user name, at another time: the same bytes."""
    one = rewritten(tmp_path / "1", member("b", b"2"), member("a", b"1"), member("d", type=tarfile.DIRTYPE, mode=0o755))
    two = rewritten(
        tmp_path / "2",
        member("d", type=tarfile.DIRTYPE, mode=0o755, mtime=EPOCH + 0.75, uname="root"),
        member("a", b"1", mtime=EPOCH + 99, uname="x", gname="y", pax_headers={"comment": "made by somebody"}),
        member("b", b"2"),
    )
    assert one == two
    assert list(entries(one)) == ["a", "b", "d"]
    assert {entry.mtime for entry in entries(one).values()} == {EPOCH}


def test_older_times_owners_and_modes_stay(tmp_path: Path) -> None:
    """They are the image's own: a package's files, a user's home, a setuid program."""
    raw = rewritten(tmp_path, member("old", mtime=5, uid=2_500_000, gid=7, mode=0o4755))
    entry = entries(raw)["old"]
    assert (entry.mtime, entry.uid, entry.gid, entry.mode) == (5, 2_500_000, 7, 0o4755)


def test_every_kind_of_entry_survives(tmp_path: Path) -> None:
    """Links, devices, pipes, whiteouts, extended attributes, long and odd names."""
    long, odd = "/".join(["deep" * 20] * 5), b"latin-\xe9\n".decode(errors="surrogateescape")
    capability = b"\x01\0\0\x02\0 \0\0\0\0\0\0\xff".decode(errors="surrogateescape")
    raw = rewritten(
        tmp_path,
        member("z", b"target"),
        member("a-hard", type=tarfile.LNKTYPE, linkname="z"),
        member("soft", type=tarfile.SYMTYPE, linkname=long),
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("loop", type=tarfile.BLKTYPE, devmajor=7, devminor=1),
        member("pipe", type=tarfile.FIFOTYPE),
        member("x/.wh.gone"),
        member("ping", b"p", pax_headers={"SCHILY.xattr.security.capability": capability, "ctime": "1.5"}),
        member(long, b"l"),
        member(odd, b"o"),
        lower=layers(tmp_path / "lower", [member("x/gone", b"there")]),
    )
    found = entries(raw)
    assert list(found)[-1] == "a-hard", "what a hard link names must come before it"
    assert found["a-hard"].linkname == "z"
    assert found["soft"].linkname == long
    assert (found["null"].ischr(), found["null"].devmajor, found["null"].devminor) == (True, 1, 3)
    assert (found["loop"].isblk(), found["loop"].devmajor) == (True, 7)
    assert found["pipe"].isfifo()
    assert {"x/.wh.gone", long, odd} <= set(found)
    assert found["ping"].pax_headers["SCHILY.xattr.security.capability"] == capability
    assert "ctime" not in found["ping"].pax_headers


def test_sparse_files_become_plain_ones(tmp_path: Path) -> None:
    """Their holes are zeros; how a file system stored them says nothing."""
    place = tmp_path / "hole"
    with place.open("wb") as out:
        out.seek(1 << 20)
        out.write(b"end")
    sparse = tmp_path / "sparse.tar"

    subprocess.run(["tar", "--sparse", "--format=gnu", "-cf", sparse, "-C", tmp_path, "hole"], check=True)
    assert entries(sparse.read_bytes())["hole"].issparse()
    canonical_layer.rewritten(sparse, tmp_path / "out.tar", how(), lower=Lower())
    with tarfile.open(tmp_path / "out.tar") as tar:
        entry = tar.getmember("hole")
        content = tar.extractfile(entry)
        assert content is not None
        assert (entry.issparse(), content.read()) == (False, bytes(1 << 20) + b"end")


def test_nothing_of_the_tools_own_stays(tmp_path: Path) -> None:
    """Neither folders of the witness, mount points and work folders, nor the whiteouts that took them away again.

    A user's file that is only called alike stays.
    """
    raw = rewritten(
        tmp_path,
        member("dev/.twinbuild", type=tarfile.DIRTYPE),
        member("dev/.twinbuild/on", b"x"),
        member("var/tmp/.twinbuild/state", b"x"),
        member("app/.twinbuild.42.tmp/x", b"x"),
        member("tmp/.wh..twinbuild"),
        member("tmp/.wh..twinbuild.42"),
        member("home/.twinbuildrc", b"x"),
        member("home/.twinbuild-notes", b"x"),
        member("home/twinbuild", b"x"),
        lower=layers(tmp_path / "lower", [member("tmp/.twinbuild", b"x"), member("tmp/.twinbuild.42", b"x")]),
    )
    assert list(entries(raw)) == ["home/.twinbuild-notes", "home/.twinbuildrc", "home/twinbuild"]


BASE = [
    member("etc", type=tarfile.DIRTYPE, mode=0o755),
    member("etc/default", type=tarfile.DIRTYPE, mode=0o755),
    member("etc/default/one", b"1"),
    member("etc/default/sub", type=tarfile.DIRTYPE, mode=0o700),
    member("etc/default/sub/two", b"2", mode=0o600),
    member("etc/hard", type=tarfile.LNKTYPE, linkname="etc/default/one"),
    member("etc/soft", type=tarfile.SYMTYPE, linkname="default"),
    member("tmp", type=tarfile.DIRTYPE, mode=0o1777),
]


def test_what_a_layer_repeats_is_left_out(tmp_path: Path) -> None:
    """As overlay2 lists it: a folder that was written to, a file whose rights were set, a copied-up link."""
    raw = rewritten(
        tmp_path,
        *BASE[:1],
        *BASE[2:3],
        *BASE[6:],
        member("etc/hard", b"1"),
        member("etc/default/sub/", type=tarfile.DIRTYPE, mode=0o040700),
        member("etc/.wh.never"),
        lower=layers(tmp_path / "lower", BASE),
    )
    assert not entries(raw)


@pytest.mark.parametrize(
    "changed",
    [
        member("etc/default/one", b"2"),
        member("etc/default/one", b"12"),
        member("etc/default/one", b"1", mode=0o600),
        member("etc/default/one", b"1", uid=1),
        member("etc/default/one", b"1", mtime=5),
        member("etc/default/one", b"1", pax_headers={"SCHILY.xattr.user.a": "b"}),
        member("etc/default/sub", b""),
        member("etc/soft", type=tarfile.SYMTYPE, linkname="other"),
        member("etc/soft", type=tarfile.DIRTYPE, mode=0o755),
        member("tmp", type=tarfile.DIRTYPE, mode=0o777),
        member("new", type=tarfile.DIRTYPE, mode=0o755),
        member("etc/.wh.soft"),
    ],
    ids=lambda each: f"{each[0].name} {each[0].mode:o} {each[1]!r} {each[0].mtime}",
)
def test_what_a_layer_changes_stays(changed: tuple[tarfile.TarInfo, bytes], tmp_path: Path) -> None:
    """Content, rights, time, attributes and kind."""
    raw = rewritten(tmp_path, *BASE[:1], changed, lower=layers(tmp_path / "lower", BASE))
    assert changed[0].name in entries(raw)
    assert ("etc" in entries(raw)) == changed[0].name.startswith("etc/"), "a folder for what lies in it"


def test_what_was_removed_and_made_again_is_no_repetition(tmp_path: Path) -> None:
    """A layer in between took it away."""
    gone = [member("etc", type=tarfile.DIRTYPE, mode=0o755), member("etc/.wh.default"), member(".wh.tmp")]
    raw = rewritten(tmp_path, *BASE, lower=layers(tmp_path / "lower", BASE, gone))
    assert {"etc/default", "etc/default/sub/two", "tmp"} <= set(entries(raw))
    assert "etc/soft" not in entries(raw)


def test_an_emptied_folder_is_told_by_what_is_gone(tmp_path: Path) -> None:
    """overlay2 says that all is gone and lists what is new; fuse-overlayfs names what is gone."""
    folders = [*BASE[:2], member("etc/default/sub", type=tarfile.DIRTYPE, mode=0o700)]
    new = member("etc/default/new", b"n")
    opaque = [*folders, new, member("etc/default/.wh..wh..opq")]
    named = [*folders, new, member("etc/default/.wh.one", mode=0o600), member("etc/default/sub/.wh.two", mtime=0)]
    one = rewritten(tmp_path / "1", *opaque, lower=layers(tmp_path / "l1", BASE))
    two = rewritten(tmp_path / "2", *named, lower=layers(tmp_path / "l2", BASE))
    assert one == two
    assert {"etc/default/.wh.one", "etc/default/sub/.wh.two", "etc/default/new"} <= set(entries(one))


def test_the_file_of_a_hard_link_stays(tmp_path: Path) -> None:
    """A layer's link must find it in that layer, even where nothing about it changed."""
    link = member("etc/again", type=tarfile.LNKTYPE, linkname="etc/default/one")
    raw = rewritten(tmp_path, *BASE[:3], link, lower=layers(tmp_path / "lower", BASE))
    assert {"etc/again", "etc/default/one"} <= set(entries(raw))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("COPY a b # buildkit", "COPY --chown=7:7 --chmod=755 --link a b # buildkit"),
        ("ADD a b # buildkit", "ADD --keep-git-dir=true a b # buildkit"),
        ("EXPOSE map[443/udp:{} 80/tcp:{}]", "EXPOSE [80/tcp 443/udp]"),
        (
            'HEALTHCHECK &{["CMD" "/bin/true"] "5s" "0s" "0s" \'\\x00\'}',
            'HEALTHCHECK &{["CMD" "/bin/true"] "5s" "0s" "0s" "0s" \'\\x00\'}',
        ),
    ],
)
def test_a_step_is_told_as_every_engine_can_tell_it(old: str, new: str) -> None:
    """Recorded from 20.10 and 28.5."""
    assert canonical_step(old) == canonical_step(new)


@pytest.mark.parametrize(
    "text",
    [
        "COPY a --chown=x # buildkit",
        'RUN /bin/sh -c echo "COPY --chown=1 x" # buildkit',
        'HEALTHCHECK &{["CMD" "/bin/true"] "5s" "0s" "0s" "9s" \'\\x03\'}',
        "EXPOSE [80/tcp]",
    ],
)
def test_other_steps_stay_as_they_are(text: str) -> None:
    assert canonical_step(text) == text


def test_a_replaced_file_is_restored(tmp_path: Path) -> None:
    """A `COPY . .` takes the Dockerfile that was sent; in the image lies the one that was written."""
    raw = rewritten(tmp_path, member("Dockerfile", b"sent"), member("other", b"x"), rules=how(sent=b"as written"))
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        content = tar.extractfile("Dockerfile")
        assert content is not None
        assert content.read() == b"as written"


CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "author": "somebody",
    "created": "2026-01-01T00:00:00.123456789Z",
    "container": "abc",
    "docker_version": "20.10.24",
    "config": {
        "Cmd": ["/a"],
        "Hostname": "abc",
        "Image": "sha256:1",
        "Env": ["A=b"],
        "Labels": {},
        "OnBuild": None,
        "Tty": False,
    },
    "history": [
        {"created": "2020-01-01T00:00:00Z", "created_by": "base", "comment": "kept"},
        {"created": "2020-01-01T00:00:00Z", "created_by": "base ENV", "empty_layer": True},
        {"created": "2026-01-01T00:00:00Z", "created_by": "COPY a /a", "comment": "buildkit.dockerfile.v0"},
        {"created": "2026-01-01T00:00:00Z", "created_by": "CMD /a", "empty_layer": True, "comment": "buildkit"},
    ],
    "rootfs": {"type": "layers", "diff_ids": ["sha256:base", "sha256:upper"]},
}


def canonical(config: Mapping[str, Any]) -> bytes:
    layer = Layer(path=Path("x"), diff_id="sha256:new", size=1)
    return canonical_config(config, 1, [layer.diff_id], epoch=EPOCH)


def test_the_configuration_is_canonical() -> None:
    """What two engines write differently goes; what the image does stays."""
    other = {
        **CONFIG,
        "created": "2027-01-01T00:00:00Z",
        "docker_version": "28.5.2",
        "moby.buildkit.buildinfo.v1": "e30=",
        "config": {**CONFIG["config"], "Hostname": "", "Labels": None, "ArgsEscaped": False},
    }
    assert canonical(CONFIG) == canonical(other)
    made = json.loads(canonical(CONFIG))
    assert made["config"] == {"Cmd": ["/a"], "Env": ["A=b"]}
    assert made["created"] == "2020-09-13T12:26:40Z"
    assert made["author"] == "somebody"
    assert made["rootfs"]["diff_ids"] == ["sha256:base", "sha256:new"]
    assert made["history"][:1] == CONFIG["history"][:1], "the base's history is the base's"
    assert made["history"][2:] == [
        {"created": made["created"], "created_by": "COPY a /a"},
        {"created": made["created"], "created_by": "CMD /a", "empty_layer": True},
    ]


def archive(*files: tuple[str, bytes | str]) -> Iterator[bytes]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    raw = out.getvalue()
    # In pieces that fit nothing, as a network gives them.
    yield from (raw[start : start + 777] for start in range(0, len(raw), 777))


def test_archives_of_old_and_new_engines_are_read(tmp_path: Path) -> None:
    """Layers by folder with links to equal ones (20.10), or blobs by digest (25 and newer)."""
    config = json.dumps({"rootfs": {"diff_ids": ["d1", "d2", "d1"]}}).encode()
    old = [("a/layer.tar", b"1" * 3000), ("b/layer.tar", b"2"), ("c/layer.tar", "../a/layer.tar"), ("x.json", config)]
    names = {"Config": "x.json", "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]}
    new = [("blobs/sha256/aa", b"1" * 3000), ("blobs/sha256/bb", b"2"), ("x.json", config)]
    blobs = {"Config": "x.json", "Layers": ["blobs/sha256/aa", "blobs/sha256/bb", "blobs/sha256/aa"]}
    for number, (files, manifest) in enumerate(((old, names), (new, blobs))):
        folder = tmp_path / str(number)
        folder.mkdir()
        saved = SavedImage(archive(*files, ("manifest.json", json.dumps([manifest]).encode())), folder)
        assert saved.config == config
        assert saved.layer("d1").read_bytes() == b"1" * 3000
        assert saved.layer("d2").read_bytes() == b"2"


def test_small_layers_of_which_two_are_equal_are_kept_apart(tmp_path: Path) -> None:
    """As engine 25 and newer write two `RUN true` and what follows: one place named twice."""
    config = json.dumps({"rootfs": {"diff_ids": ["d1", "d1", "d2", "d3"]}}).encode()
    places = [f"blobs/sha256/{name}" for name in ("aa", "aa", "bb", "cc")]
    manifest = json.dumps([{"Config": "blobs/sha256/xx", "Layers": places}]).encode()
    files = [(place, place.encode()) for place in sorted(set(places))]
    saved = SavedImage(archive(*files, ("blobs/sha256/xx", config), ("manifest.json", manifest)), tmp_path)
    assert len({saved.layer(name) for name in ("d1", "d2", "d3")}) == 3
    for name, place in (("d1", "aa"), ("d2", "bb"), ("d3", "cc")):
        assert saved.layer(name).read_bytes() == f"blobs/sha256/{place}".encode()


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"{}",
        b'[{"Config": "x.json"}]',
        b'[{"Config": "no", "Layers": []}]',
        b'[{"Config": "x.json", "Layers": []}]',
    ],
)
def test_an_archive_that_is_not_understood_is_told(tmp_path: Path, manifest: bytes) -> None:
    """With what to send; never a traceback."""
    config = json.dumps({"rootfs": {"diff_ids": ["d1"]}}).encode()
    with pytest.raises(ImageBuildFailedError, match="archive of the image is not understood"):
        SavedImage(archive(("x.json", config), ("manifest.json", manifest)), tmp_path)
    lacking = json.dumps([{"Config": "x.json", "Layers": ["gone/layer.tar"]}]).encode()
    with pytest.raises(ImageBuildFailedError, match="it lacks the layer d1"):
        SavedImage(archive(("x.json", config), ("manifest.json", lacking)), tmp_path).layer("d1")


def test_the_names_that_a_layer_touches(tmp_path: Path) -> None:
    """Files, links and what is removed are named; folders with a slash, since a layer names all on its way."""
    below = layers(tmp_path / "below", [member("usr/lib/old.so", b"1"), member("usr/lib/same.so", b"1", mtime=EPOCH)])
    rewritten(
        tmp_path / "layer",
        member("usr", type=tarfile.DIRTYPE, mode=0o755),
        member("usr/bin", type=tarfile.DIRTYPE, mode=0o755),
        member("usr/bin/backend", b"2", mode=0o755),
        member("usr/bin/link", type=tarfile.SYMTYPE, linkname="backend"),
        member("usr/lib/.wh.old.so"),
        member("usr/lib/same.so", b"1"),
        lower=below,
    )
    names = names_in(tmp_path / "layer/out.tar")
    assert names.touched == {"backend", "link", "old.so", "usr/", "bin/"}
    assert set(names.programs) == {"/usr/bin/backend"}
