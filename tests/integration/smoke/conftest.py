"""Images made for one purpose each: the product's own base, one layer of programs, and a configuration."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.archive import Layer, archive, layer_of
from orchestrator.engine.sweep import run_labels
from tests.integration.saved import layers_to_send

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine

HERE = Path(__file__).parent
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ASKS = '#include <unistd.h>\nint f(void); int main(void) { write(1, "ready\\n", 6); return f() + pause(); }'
OPENS = (
    "#include <dlfcn.h>\n#include <stdio.h>\n"
    'int main(void) { if (!dlopen("libplugin.so", RTLD_NOW)) { puts(dlerror()); return 1; } return 0; }'
)
CAPABLE = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
"""What `setcap cap_net_bind_service=ep` writes (linux/capability.h, struct vfs_cap_data)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What the images hold: each file's content and mode, and the links."""

    files: Mapping[str, tuple[bytes, int]]
    links: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Laboratory:
    """Makes images; all of them are removed at the end."""

    engine: Engine
    base: Sequence[str]
    below: Mapping[str, Layer]
    layer: Layer
    alone: Layer
    made: list[str] = field(default_factory=list)
    labels: Mapping[str, str]

    def image(self, configuration: Mapping[str, Any], *, scratch: bool = False, architecture: str = "") -> str:
        """Return the id of an image with this configuration (`Entrypoint`, `Cmd`, …)."""
        parents = () if scratch else (*self.base, self.layer.diff_id)
        layers = (self.alone,) if scratch else ()
        config = {
            "architecture": architecture or self.engine.version.architecture,
            "config": {"Env": [PATH], "Labels": {"io.twinbuild.test": "1"}, **configuration},
            "created": "2020-01-01T00:00:00Z",
            "history": [],
            "os": "linux",
            "rootfs": {"diff_ids": [*parents, *(layer.diff_id for layer in layers)], "type": "layers"},
        }
        loaded = self.load(config, layers, parents)
        self.made.append(loaded)
        return loaded

    def load(self, config: Mapping[str, Any], layers: Sequence[Layer], parents: Sequence[str]) -> str:
        """Load an image upon layers that the engine has, and return what it calls it."""
        if self.below:
            known = {**self.below, self.layer.diff_id: self.layer}
            return self.engine.load(archive(json.dumps(config).encode(), [*(known[each] for each in parents), *layers]))
        return self.engine.load(archive(json.dumps(config).encode(), layers, parents=parents))


def compiled(target: Path, source: Path | str, *flags: str) -> bytes:
    """Compile C and return the program."""
    text = source.read_bytes() if isinstance(source, Path) else source.encode()
    subprocess.run(["gcc", "-x", "c", "-", "-O1", "-o", str(target), *flags], input=text, check=True, cwd=target.parent)
    return target.read_bytes()


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Return the programs, scripts and links that every image holds."""
    folder = tmp_path_factory.mktemp("programs")
    actor = compiled(folder / "actor", HERE / "actor.c", "-static")
    for name in ("old", "new"):
        (folder / name).mkdir()
        versions = "TW_1.0 { global: f; };" if name == "old" else "TW_1.0 { }; TW_2.0 { global: f; } TW_1.0;"
        (folder / name / "map").write_text(versions)
        for library in ("libtw.so", "libgone.so", "libconf.so"):
            flags = ("-shared", "-fPIC", f"-Wl,--version-script={folder / name / 'map'}", f"-Wl,-soname,{library}")
            compiled(folder / name / library, "int f(void) { return 0; }", *flags)
    needs = ("-x", "none", f"-L{folder / 'new'}")
    origin = compiled(folder / "origin", ASKS, *needs, "-ltw", "-Wl,-rpath,$ORIGIN/../lib")
    programs = {
        "t/actor": actor,
        "t/foreign": actor[:18] + b"\xb7\x00" + actor[20:],
        "t/cut": actor[: len(actor) // 3],
        "t/asks-gone": compiled(folder / "asks-gone", ASKS, *needs, "-lgone"),
        "t/asks-new": compiled(folder / "asks-new", ASKS, *needs, "-ltw"),
        "t/asks-conf": compiled(folder / "asks-conf", ASKS, *needs, "-lconf"),
        "t/visitor": compiled(folder / "visitor", HERE / "visitor.c"),
        "t/opens": compiled(folder / "opens", OPENS),
        "t/wrong-loader": compiled(folder / "wrong", ASKS, *needs, "-ltw", "-Wl,--dynamic-linker=/lib/no-loader.so"),
        "opt/bin/origin": origin,
    }
    files = {name: (content, 0o755) for name, content in programs.items()}
    files |= {f"t/{path.name}": (path.read_bytes(), 0o755) for path in sorted((HERE / "scripts").iterdir())}
    files["t/crlf.sh"] = (b"#!/bin/sh\r\nexec /t/actor\r\n", 0o755)
    files["t/plain"] = (actor, 0o644)
    files["t/capable"] = (actor, 0o755)
    files["t/setuid"] = (actor, 0o4755)
    files["usr/lib/libtw.so"] = ((folder / "old/libtw.so").read_bytes(), 0o644)
    files["opt/lib/libtw.so"] = ((folder / "new/libtw.so").read_bytes(), 0o644)
    files["opt/conf/libconf.so"] = ((folder / "new/libconf.so").read_bytes(), 0o644)
    files["etc/ld.so.conf.d/opt.conf"] = (b"/opt/conf\n", 0o644)
    files["etc/ld.so.cache"] = (_cache(folder, (folder / "new/libconf.so").read_bytes()), 0o644)
    links = {"t/link": "../opt/app/actor", "opt/app": "app-1", "opt/app-1/actor": "/t/actor", "t/loop": "loop"}
    return Programs(files=files, links=links)


def _cache(folder: Path, library: bytes) -> bytes:
    """Return what ldconfig writes for a root that has the library in a folder of ld.so.conf.d."""
    root = folder / "root"
    for place in ("etc/ld.so.conf.d", "opt/conf"):
        (root / place).mkdir(parents=True)
    (root / "etc/ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\n")
    (root / "etc/ld.so.conf.d/opt.conf").write_text("/opt/conf\n")
    (root / "opt/conf/libconf.so").write_bytes(library)
    subprocess.run(["/sbin/ldconfig", "-r", str(root)], check=True, stderr=subprocess.DEVNULL)
    return (root / "etc/ld.so.cache").read_bytes()


def _layer(path: Path, programs: Programs) -> Layer:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, (content, mode) in programs.files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            if name == "t/capable":
                member.pax_headers = {"SCHILY.xattr.security.capability": CAPABLE.decode("latin-1")}
            tar.addfile(member, io.BytesIO(content))
        for name, target in programs.links.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return layer_of(path)


@pytest.fixture(scope="session")
def laboratory(
    engine: Engine, slim_base: str, programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    """Return a maker of images. Nothing of it is left in the engine afterwards, and nothing of any run."""
    folder = tmp_path_factory.mktemp("laboratory")
    base = engine.image(slim_base)
    assert base is not None
    layer = _layer(folder / "layer.tar", programs)
    alone = _layer(folder / "alone.tar", Programs(files={"actor": programs.files["t/actor"]}, links={}))
    labels = run_labels(folder, "test")
    (folder / "below").mkdir()
    below = layers_to_send(engine, slim_base, folder / "below")
    made = Laboratory(engine=engine, base=base.layers, below=below, layer=layer, alone=alone, labels=labels)
    # The layer is sent once; the images of the cases name it as their parent and are a few hundred bytes each.
    parents = base.layers
    config = {
        "architecture": engine.version.architecture,
        "config": {"Labels": {"io.twinbuild.test": hashlib.sha256(os.urandom(8)).hexdigest()}},
        "os": "linux",
        "rootfs": {"diff_ids": [*parents, layer.diff_id], "type": "layers"},
    }
    made.made.append(made.load(config, (layer,), parents))
    yield made
    for image in reversed(dict.fromkeys(made.made)):
        engine.remove_image(image)
    filters = {"label": f"io.twinbuild.workspace={labels['io.twinbuild.workspace']}"}
    left = [*engine.api.containers(all=True, filters=filters), *engine.api.networks(filters=filters)]
    left += engine.api.volumes(filters=filters)["Volumes"] or []
    assert left == []
