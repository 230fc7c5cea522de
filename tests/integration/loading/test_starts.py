"""Loadability judged by reading, held against what really happens when the engine starts the same image."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import APIError

from orchestrator.bases.prepare import prepare_bases
from orchestrator.bases.settings import BaseSettings, BootstrapSettings
from orchestrator.binary.loading.read import read_loadable
from orchestrator.engine.archive import Layer, archive, layer_of
from orchestrator.engine.files import image_files
from orchestrator.gate.checks.loadable import judge
from orchestrator.verdict import CheckResult, Status
from tests.integration.saved import layers_to_send

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


pytestmark = pytest.mark.engine

LABELS = {"io.twinbuild.test": "1"}
TOKEN = b"it runs\n"
SLIM, SCRATCH, BARE, MUSL = "slim", "scratch", "bare", "musl"
CONFIGURED, PRELOADS, PRELOADS_HALF = "configured", "preloads", "preloads-half"
ROOT = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to start one of the images.

    Attributes:
        cause: what the check must say; None where the image starts.
        binary: the shipped program; the program that every other one is a variant of, where it does not matter.
    """

    name: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    cause: str | None = None
    user: str = ""
    working_directory: str = ""
    image: str = SLIM
    binary: str = "/usr/local/bin/app"
    environment: Mapping[str, str] = field(default_factory=dict)


APP = "/usr/local/bin/app"
CASES = (
    Case(name="program", entrypoint=(APP,)),
    Case(name="program-for-a-user", entrypoint=(APP,), user="1000:1000"),
    Case(name="script", entrypoint=("/t/good.sh",), command=(APP,)),
    Case(name="script-by-env", entrypoint=("/t/env.sh",), command=(APP,)),
    Case(name="script-by-env-split", entrypoint=("/t/split.sh",), command=(APP,)),
    Case(name="word-in-path", command=("app",)),
    Case(name="shell-form", entrypoint=("/bin/sh", "-c", f"exec {APP}")),
    Case(name="relative", entrypoint=("./bin/app",), working_directory="/usr/local"),
    Case(name="links", entrypoint=("/t/link",)),
    Case(name="origin", entrypoint=("/t/origin-link",)),
    Case(name="owner-only", entrypoint=("/t/owned",), user="33"),
    Case(name="member-of-the-group", entrypoint=("/t/grouped",), user="www-data"),
    Case(name="static-on-scratch", entrypoint=("/static",), image=SCRATCH, binary="/static"),
    Case(name="missing", entrypoint=("/t/nothing",), cause="entrypoint-missing"),
    Case(name="dangling", entrypoint=("/t/dangling",), cause="entrypoint-missing"),
    Case(name="loop", entrypoint=("/t/loop",), cause="entrypoint-missing"),
    Case(name="word-not-in-path", command=("no-such-app",), cause="entrypoint-missing"),
    Case(name="directory", entrypoint=("/t",), cause="entrypoint-not-executable"),
    Case(name="no-execute-bit", entrypoint=("/t/plain",), cause="entrypoint-not-executable"),
    Case(name="not-for-this-user", entrypoint=("/t/owned",), user="1000", cause="entrypoint-not-executable"),
    Case(name="folder-not-for-this-user", entrypoint=("/root/app",), user="1000", cause="entrypoint-not-executable"),
    Case(name="unreadable-script", entrypoint=("/t/unreadable.sh",), user="1000", cause="entrypoint-not-executable"),
    Case(name="unknown-user", entrypoint=(APP,), user="nobody-here", cause="user-unknown"),
    Case(
        name="root-by-name-on-scratch",
        entrypoint=("/static",),
        user="root",
        image=SCRATCH,
        binary="/static",
        cause="user-unknown",
    ),
    Case(name="crlf", entrypoint=("/t/crlf.sh",), command=(APP,), cause="crlf-in-script"),
    Case(name="crlf-behind-an-argument", entrypoint=("/t/crlf-e.sh",), command=(APP,), cause="crlf-in-script"),
    Case(name="env-with-argument", entrypoint=("/t/env-e.sh",), command=(APP,), cause="interpreter-missing"),
    Case(name="no-interpreter", entrypoint=("/t/gone.sh",), command=(APP,), cause="interpreter-missing"),
    Case(name="no-shebang", entrypoint=("/t/bare.sh",), command=(APP,), cause="not-a-program"),
    Case(name="loader-missing", entrypoint=("/app",), image=SCRATCH, binary="/app", cause="interpreter-missing"),
    Case(
        name="shell-form-on-scratch",
        entrypoint=("/bin/sh", "-c", "/static"),
        image=SCRATCH,
        binary="/static",
        cause="entrypoint-missing",
    ),
    Case(name="library-missing", entrypoint=("/t/asks-gone",), cause="library-missing"),
    Case(name="library-too-old", entrypoint=("/t/asks-new",), cause="library-too-old"),
    Case(name="other-processor", entrypoint=("/t/foreign",), cause="wrong-architecture"),
    Case(name="cut-off", entrypoint=("/t/cut",), cause="damaged-program"),
    Case(name="library-path", entrypoint=("/t/asks-new",), environment={"LD_LIBRARY_PATH": "/opt/lib"}),
    Case(name="library-path-that-misses", entrypoint=("/t/asks-new",), environment={"LD_LIBRARY_PATH": "/nowhere"},
         cause="library-too-old"),
    Case(name="setuid-for-its-owner", entrypoint=("/t/setuid",), environment={"LD_LIBRARY_PATH": "/opt/lib"}),
    Case(name="setuid-trusts-no-environment", entrypoint=("/t/setuid",), user="1000",
         environment={"LD_LIBRARY_PATH": "/opt/lib"}, cause="library-too-old"),
    Case(name="setgid-trusts-no-environment", entrypoint=("/t/setgid",), user="1000",
         environment={"LD_LIBRARY_PATH": "/opt/lib"}, cause="library-too-old"),
    Case(name="setuid-trusts-no-origin", entrypoint=("/opt/bin/setuid-origin",), user="1000", cause="library-too-old"),
    Case(name="setuid-for-root-finds-origin", entrypoint=("/opt/bin/setuid-origin",)),
    Case(name="capabilities-for-root", entrypoint=("/t/capable",), environment={"LD_LIBRARY_PATH": "/opt/lib"}),
    Case(name="capabilities-trust-no-environment", entrypoint=("/t/capable",), user="1000",
         environment={"LD_LIBRARY_PATH": "/opt/lib"}, cause="library-too-old"),
    Case(name="hardware-folder", entrypoint=("/t/asks-hw",)),
    Case(name="ld-so-conf-without-cache", entrypoint=("/t/asks-conf",), cause="library-missing"),
    Case(name="ld-so-conf", entrypoint=("/t/asks-conf",), image=CONFIGURED),
    Case(name="other-libraries-of-that-cache", entrypoint=(APP,), image=CONFIGURED),
    Case(name="preload-that-is-not-there", entrypoint=(APP,), environment={"LD_PRELOAD": "/t/no-such.so libno.so"}),
    Case(name="preload", entrypoint=("/t/asks-gone",), environment={"LD_PRELOAD": "/opt/lib/libgone.so"}),
    Case(name="preload-that-lacks-a-library", entrypoint=(APP,), environment={"LD_PRELOAD": "/opt/lib/libhalf.so"},
         cause="library-missing"),
    Case(name="preload-file", entrypoint=("/t/asks-gone",), image=PRELOADS),
    Case(name="preload-file-that-lacks-a-library", entrypoint=(APP,), image=PRELOADS_HALF, cause="library-missing"),
    Case(name="no-cache-at-all", entrypoint=("/app",), image=BARE, binary="/app"),
    Case(name="no-cache-and-no-library", entrypoint=("/asks-gone",), image=BARE, binary="/asks-gone",
         cause="library-missing"),
    Case(name="user-by-name-without-passwd", entrypoint=("/app",), user="app", image=BARE, binary="/app",
         cause="user-unknown"),
    Case(name="musl-by-its-path-file", entrypoint=("/t/musl-path",), image=MUSL, binary="/t/musl-path"),
    Case(name="musl-path-file-replaces-the-list", entrypoint=("/t/musl-usual",), image=MUSL, binary="/t/musl-usual",
         cause="library-missing"),
    Case(name="musl-library-path", entrypoint=("/t/musl-usual",), image=MUSL, binary="/t/musl-usual",
         environment={"LD_LIBRARY_PATH": "/usr/local/lib"}),
    Case(name="musl-runpath", entrypoint=("/opt/bin/musl-origin",), image=MUSL, binary="/opt/bin/musl-origin"),
    Case(name="musl-program-on-glibc", entrypoint=("/t/musl-path",), cause="interpreter-missing"),
)  # fmt: skip

SCRIPTS = {
    "good.sh": b"#!/bin/sh -e",
    "env.sh": b"#!/usr/bin/env sh",
    "split.sh": b"#!/usr/bin/env -S sh -e",
    "env-e.sh": b"#!/usr/bin/env sh -e",
    "crlf.sh": b"#!/bin/sh\r",
    "crlf-e.sh": b"#!/bin/sh -e\r",
    "gone.sh": b"#!/bin/no-such-sh",
    "bare.sh": b"# nothing",
    "unreadable.sh": b"#!/bin/sh",
}
LINKS = {
    "t/link": "../opt/app-link/app",
    "opt/app-link": "app-1",
    "t/origin-link": "/opt/bin/origin",
    "t/dangling": "/nowhere",
    "t/loop": "loop",
}


def compile_c(target: Path, source: str, *flags: str) -> None:
    target.parent.mkdir(exist_ok=True)
    subprocess.run(
        ["gcc", "-x", "c", "-", "-o", str(target), *flags], input=source.encode(), check=True, cwd=target.parent
    )


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs and libraries that the images are made of."""
    folder = tmp_path_factory.mktemp("parts")
    compile_c(folder / "app", '#include <stdio.h>\nint main(void) { puts("it runs"); return 0; }\n')
    start = (
        'void _start(void) { static const char text[] = "it runs\\n"; long r;'
        '__asm__ volatile("syscall" : "=a"(r) : "a"(1L), "D"(1L), "S"(text), "d"(8L) : "rcx", "r11", "memory");'
        '__asm__ volatile("syscall" : : "a"(60L), "D"(0L) : "rcx", "r11", "memory"); for (;;) {} }'
    )
    compile_c(folder / "static", start, "-static", "-nostdlib", "-fno-stack-protector")
    scripts = {"old": "TW_1.0 { global: f; };", "new": "TW_1.0 { }; TW_2.0 { global: f; } TW_1.0;"}
    for name, versions in scripts.items():
        (folder / name).mkdir()
        (folder / name / "map").write_text(versions)
        for library in ("libtw.so", "libgone.so", "libhw.so", "libconf.so", "libpath.so", "libusual.so"):
            flags = ("-shared", "-fPIC", "-nostdlib", "-Wl,--version-script=map", f"-Wl,-soname,{library}")
            compile_c(folder / name / library, "int f(void) { return 0; }", *flags)
    asks = '#include <stdio.h>\nint f(void);\nint main(void) { puts("it runs"); return f(); }\n'
    compile_c(folder / "asks-new", asks, f"-L{folder / 'new'}", "-ltw")
    compile_c(folder / "asks-gone", asks, f"-L{folder / 'new'}", "-lgone")
    compile_c(folder / "origin", asks, f"-L{folder / 'new'}", "-ltw", "-Wl,-rpath,$ORIGIN/../lib")
    compile_c(folder / "asks-hw", asks, f"-L{folder / 'new'}", "-lhw")
    compile_c(folder / "asks-conf", asks, f"-L{folder / 'new'}", "-lconf")
    half = ("-shared", "-fPIC", "-Wl,-soname,libhalf.so", "-Wl,--no-as-needed", f"-L{folder / 'new'}", "-lgone")
    compile_c(folder / "libhalf.so", "int g(void) { return 0; }", *half)
    # Musl's headers are not needed for a program that calls one function of a library and asks the kernel for the rest.
    bare = start.replace("void _start(void) {", "int f(void); void _start(void) { f();")
    alone = (
        "-nostdlib",
        "-fno-stack-protector",
        "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1",
        f"-L{folder / 'new'}",
    )
    compile_c(folder / "musl-path", bare, *alone, "-lpath")
    compile_c(folder / "musl-usual", bare, *alone, "-lusual")
    compile_c(folder / "musl-origin", bare, *alone, "-lusual", "-Wl,-rpath,$ORIGIN/../lib")
    content = bytearray((folder / "app").read_bytes())
    (folder / "cut").write_bytes(content[: len(content) // 3])
    content[18:20] = struct.pack("<H", 183)
    (folder / "foreign").write_bytes(content)
    return folder


Files = dict[str, tuple[bytes, int, tuple[int, int]]]
"""Content, mode, owner and group."""

CAPABLE = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
"""What `setcap cap_net_bind_service=ep` writes (linux/capability.h, struct vfs_cap_data)."""


def tar_of(path: Path, files: Files, links: Mapping[str, str]) -> Layer:
    """Write a layer."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        # A folder that no layer names would be made again, for everybody.
        closed = tarfile.TarInfo("root")
        closed.type, closed.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(closed)
        for name, (content, mode, owner) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid, member.gid = len(content), mode, *owner
            if name == "t/capable":
                member.pax_headers = {"SCHILY.xattr.security.capability": CAPABLE.decode("latin-1")}
            tar.addfile(member, io.BytesIO(content))
        for name, target in links.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return layer_of(path)


def files_of_slim(parts: Path) -> Files:
    app = (parts / "app").read_bytes()
    files: Files = dict.fromkeys(("usr/local/bin/app", "opt/app-1/app", "root/app"), (app, 0o755, ROOT))
    files |= {"t/plain": (app, 0o644, ROOT), "t/owned": (app, 0o700, (33, 33)), "t/grouped": (app, 0o050, (0, 33))}
    for name in ("asks-new", "asks-gone", "asks-hw", "asks-conf", "foreign", "cut", "musl-path", "musl-usual"):
        files[f"t/{name}"] = ((parts / name).read_bytes(), 0o755, ROOT)
    asks, origin = (parts / "asks-new").read_bytes(), (parts / "origin").read_bytes()
    files |= {"t/setuid": (asks, 0o4755, ROOT), "t/setgid": (asks, 0o2755, (0, 33)), "t/capable": (asks, 0o755, ROOT)}
    files |= {"opt/bin/origin": (origin, 0o755, ROOT), "opt/bin/setuid-origin": (origin, 0o4755, ROOT)}
    files["opt/bin/musl-origin"] = ((parts / "musl-origin").read_bytes(), 0o755, ROOT)
    libraries = {
        "opt/lib/libtw.so": "new/libtw.so",
        "usr/lib/libtw.so": "old/libtw.so",
        "opt/lib/libgone.so": "new/libgone.so",
        "opt/lib/libhalf.so": "libhalf.so",
        "opt/lib/libusual.so": "new/libusual.so",
        "opt/conf/libconf.so": "new/libconf.so",
        "usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2/libhw.so": "new/libhw.so",
        "usr/lib/x86_64-linux-musl/libpath.so": "new/libpath.so",
        "usr/local/lib/libusual.so": "new/libusual.so",
    }
    files |= {path: ((parts / source).read_bytes(), 0o644, ROOT) for path, source in libraries.items()}
    files["etc/ld.so.conf.d/opt.conf"] = (b"/opt/conf\n", 0o644, ROOT)
    for name, line in SCRIPTS.items():
        files[f"t/{name}"] = (line + b'\nexec "$@"\n', 0o711 if name == "unreadable.sh" else 0o755, ROOT)
    return files


def files_of_bare(engine: Any, base: str, parts: Path) -> Files:
    """Return a root as a distroless image has it: loader and C library, no cache, no passwd, no shell."""
    names = {"lib/x86_64-linux-gnu/libc.so.6": 0o755, "lib64/ld-linux-x86-64.so.2": 0o755}
    with image_files(engine, base, labels=LABELS) as files:
        found = {name: files.read(f"/{name}") for name in names}
    files_: Files = {name: (content, names[name], ROOT) for name, content in found.items() if content is not None}
    assert files_.keys() == names.keys()
    return files_ | {name: ((parts / name).read_bytes(), 0o755, ROOT) for name in ("app", "asks-gone")}


def cache_with(folder: Path, library: bytes) -> bytes:
    """Return what ldconfig writes for a root that has a library in a folder of ld.so.conf.d."""
    for place in ("etc/ld.so.conf.d", "opt/conf"):
        (folder / place).mkdir(parents=True)
    (folder / "etc/ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\n")
    (folder / "etc/ld.so.conf.d/opt.conf").write_text("/opt/conf\n")
    (folder / "opt/conf/libconf.so").write_bytes(library)
    subprocess.run(["/sbin/ldconfig", "-r", str(folder)], check=True, stderr=subprocess.DEVNULL)
    return (folder / "etc/ld.so.cache").read_bytes()


@pytest.fixture(scope="session")
def musl_base(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of a base with Debian's musl beside glibc: the real loader and its path file."""
    recipe = BaseSettings(bootstrap=BootstrapSettings(suite="bookworm", packages=("musl",)))
    scratch = tmp_path_factory.mktemp("musl")
    made = prepare_bases(
        engine, (MUSL,), {MUSL: recipe}, toolchain=None, scratch=scratch, environment=os.environ, emit=lambda _: None
    )
    return made[MUSL].image_id


@pytest.fixture(scope="session")
def images(
    engine: Any, slim_base: str, musl_base: str, parts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Make the images: bases of the product with layers of their own, and two on nothing."""
    folder = tmp_path_factory.mktemp("layers")
    static: Files = {name: ((parts / name).read_bytes(), 0o755, ROOT) for name in ("static", "app")}
    conf = cache_with(folder / "root", (parts / "new/libconf.so").read_bytes())
    main = tar_of(folder / "main.tar", files_of_slim(parts), LINKS)

    def extra(name: str, files: Mapping[str, bytes]) -> Layer:
        return tar_of(folder / name, {path: (content, 0o644, ROOT) for path, content in files.items()}, {})

    made = {
        SLIM: load(engine, slim_base, main),
        CONFIGURED: load(engine, slim_base, main, extra("conf.tar", {"etc/ld.so.cache": conf})),
        PRELOADS: load(
            engine, slim_base, main,
            extra("pre.tar", {"etc/ld.so.preload": b"# early\n/t/no-such.so /opt/lib/libgone.so\n"}),
        ),
        PRELOADS_HALF: load(
            engine, slim_base, main, extra("half.tar", {"etc/ld.so.preload": b"/opt/lib/libhalf.so\n"})
        ),
        SCRATCH: load(engine, None, tar_of(folder / "static.tar", static, {})),
        BARE: load(engine, None, tar_of(folder / "bare.tar", files_of_bare(engine, slim_base, parts), {})),
        MUSL: load(engine, musl_base, main),
    }  # fmt: skip
    yield made
    for image in made.values():
        engine.remove_image(image)


def load(engine: Any, base: str | None, *layers: Layer) -> str:
    """Load an image of a base and layers, and return its id."""
    parents = engine.image(base).layers if base else ()
    config = {
        "architecture": engine.version.architecture,
        "config": {"Labels": {"io.twinbuild.test": f"loading-{os.getpid()}"}},
        "os": "linux",
        "rootfs": {"diff_ids": [*parents, *(layer.diff_id for layer in layers)], "type": "layers"},
    }
    with tempfile.TemporaryDirectory() as folder:
        below = layers_to_send(engine, base, Path(folder)) if base else {}
        known = [below[diff_id] for diff_id in parents if below]
        sent = archive(json.dumps(config).encode(), [*known, *layers], parents=() if below else parents)
        return str(engine.load(sent))


def really_runs(api: Any, image: str, case: Case) -> bool:
    """Return whether the engine can start the image in this way so that its program prints its line."""
    # With its default capabilities runc 1.3 also starts what only root may execute (measured on 28.5). Without any, as
    # this tool runs images, all engines agree.
    rights = api.create_host_config(cap_drop=["ALL"]) if case.user else None
    container = api.create_container(
        image,
        host_config=rights,
        entrypoint=list(case.entrypoint) or None,
        command=list(case.command) or None,
        user=case.user or None,
        working_dir=case.working_directory or None,
        environment=dict(case.environment),
        labels=LABELS,
        network_disabled=True,
    )["Id"]
    try:
        api.start(container)
        api.wait(container, timeout=30)
        return TOKEN in api.logs(container)
    except APIError:
        return False
    finally:
        api.remove_container(container, v=True, force=True)


def judged(engine: Any, image: str, case: Case) -> CheckResult:
    """Judge the image as if its configuration were the case's."""
    started = time.monotonic()
    configuration = replace(
        engine.image(image),
        entrypoint=case.entrypoint,
        command=case.command,
        user=case.user,
        working_directory=case.working_directory,
        environment=dict(case.environment),
    )
    with image_files(engine, image, labels=LABELS) as files:
        facts = read_loadable(files, configuration, binary=case.binary)
    # Whether it can be started is asked here; that it is not the image's own program is so by design.
    launcher = facts.entry[-1].found.path if facts.entry else None
    return judge(facts, launcher=launcher, seconds=time.monotonic() - started)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reading_and_running_agree(case: Case, engine: Any, images: dict[str, str]) -> None:
    """A start succeeds exactly when the check passes, and it is refused for the right reason."""
    image = images[case.image]
    result = judged(engine, image, case)
    assert result.cause == case.cause, result
    assert really_runs(engine.api, image, case) == (result.status is Status.PASSED), result


def test_few_requests_are_enough(engine: Any, images: dict[str, str]) -> None:
    """A script, its shell, the program, the loader and libraries, for a user by name: each request costs time."""
    configuration = replace(engine.image(images[SLIM]), entrypoint=("/t/good.sh",), command=(APP,), user="www-data")
    asked: list[str] = []

    class Counted:
        def __init__(self, files: Any) -> None:
            self._files = files

        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(self._files, name)

    with image_files(engine, images[SLIM], labels=LABELS) as files:
        facts = read_loadable(Counted(files), configuration, binary=APP)
    assert judge(facts).status is Status.PASSED
    assert len(asked) <= 32, asked
    assert asked.count("read") <= 8, asked
