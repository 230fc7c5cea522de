"""Loadability judged by reading, held against what really happens when the engine starts the same image."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tarfile
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import APIError

from orchestrator.binary.loading import read_loadable
from orchestrator.engine.files import image_files
from orchestrator.gate.checks.loadable import judge
from orchestrator.verdict import CheckResult, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

LABELS = {"io.twinbuild.test": "1"}
TOKEN = b"it runs\n"
SLIM, SCRATCH = "slim", "scratch"
ROOT = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to start one of the two images.

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
)

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
        for library in ("libtw.so", "libgone.so"):
            flags = ("-shared", "-fPIC", "-Wl,--version-script=map", f"-Wl,-soname,{library}")
            compile_c(folder / name / library, "int f(void) { return 0; }", *flags)
    asks = '#include <stdio.h>\nint f(void);\nint main(void) { puts("it runs"); return f(); }\n'
    compile_c(folder / "asks-new", asks, f"-L{folder / 'new'}", "-ltw")
    compile_c(folder / "asks-gone", asks, f"-L{folder / 'new'}", "-lgone")
    compile_c(folder / "origin", asks, f"-L{folder / 'new'}", "-ltw", "-Wl,-rpath,$ORIGIN/../lib")
    content = bytearray((folder / "app").read_bytes())
    (folder / "cut").write_bytes(content[: len(content) // 3])
    content[18:20] = struct.pack("<H", 183)
    (folder / "foreign").write_bytes(content)
    return folder


def archive(files: dict[str, tuple[bytes, int, tuple[int, int]]]) -> bytes:
    """Return files (content, mode, owner and group) and the links as a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, (content, mode, owner) in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.uid, member.gid = len(content), mode, *owner
            tar.addfile(member, io.BytesIO(content))
        for path, target in LINKS.items():
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return out.getvalue()


def files_of_slim(parts: Path) -> dict[str, tuple[bytes, int, tuple[int, int]]]:
    app = (parts / "app").read_bytes()
    files = dict.fromkeys(("usr/local/bin/app", "opt/app-1/app", "root/app"), (app, 0o755, ROOT))
    files |= {"t/plain": (app, 0o644, ROOT), "t/owned": (app, 0o700, (33, 33)), "t/grouped": (app, 0o050, (0, 33))}
    for name in ("asks-new", "asks-gone", "foreign", "cut"):
        files[f"t/{name}"] = ((parts / name).read_bytes(), 0o755, ROOT)
    files["opt/bin/origin"] = ((parts / "origin").read_bytes(), 0o755, ROOT)
    files["opt/lib/libtw.so"] = ((parts / "new/libtw.so").read_bytes(), 0o644, ROOT)
    files["usr/lib/libtw.so"] = ((parts / "old/libtw.so").read_bytes(), 0o644, ROOT)
    for name, line in SCRIPTS.items():
        files[f"t/{name}"] = (line + b'\nexec "$@"\n', 0o711 if name == "unreadable.sh" else 0o755, ROOT)
    return files


@pytest.fixture(scope="session")
def images(engine: Any, slim_base: str, parts: Path) -> Iterator[dict[str, str]]:
    """Make one image on the slim base and one on nothing, with every file that a case needs."""
    api, repository, version = engine.api, "twinbuild-x/loading", str(os.getpid())
    tag = f"{repository}:{version}"
    api.import_image_from_data(archive(scratch_files(parts)), repository=repository, tag=version)
    container = api.create_container(slim_base, command=["/nothing"], labels=LABELS)["Id"]
    slim = None
    try:
        api.put_archive(container, "/", archive(files_of_slim(parts)))
        clean = {"Entrypoint": None, "Cmd": None, "User": "", "WorkingDir": "", "Labels": LABELS}
        slim = api.commit(container, conf=clean)["Id"]
        yield {SLIM: slim, SCRATCH: tag}
    finally:
        api.remove_container(container, v=True, force=True)
        if slim is not None:
            api.remove_image(slim, force=True)
        api.remove_image(tag, force=True)


def scratch_files(parts: Path) -> dict[str, tuple[bytes, int, tuple[int, int]]]:
    return {name: ((parts / name).read_bytes(), 0o755, ROOT) for name in ("static", "app")}


def really_runs(api: Any, image: str, case: Case) -> bool:
    """Return whether the engine can start the image in this way so that its program prints its line."""
    container = api.create_container(
        image,
        entrypoint=list(case.entrypoint) or None,
        command=list(case.command) or None,
        user=case.user or None,
        working_dir=case.working_directory or None,
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
    )
    with image_files(engine, image, labels=LABELS) as files:
        facts = read_loadable(files, configuration, binary=case.binary)
    return judge(facts, seconds=time.monotonic() - started)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reading_and_running_agree(case: Case, engine: Any, images: dict[str, str]) -> None:
    """A start succeeds exactly when the check passes, and it is refused for the right reason."""
    image = images[case.image]
    result = judged(engine, image, case)
    assert result.cause == case.cause, result
    assert really_runs(engine.api, image, case) == (result.status is Status.PASSED), result


def test_reading_takes_about_a_second_at_most(engine: Any, images: dict[str, str]) -> None:
    """A script, its shell, the program, the loader and libraries, for a user by name: seven files to read."""
    case = Case(name="timed", entrypoint=("/t/good.sh",), command=(APP,), user="www-data")
    result = judged(engine, images[SLIM], case)
    assert result.status is Status.PASSED
    assert result.seconds < 2.0, "0.7 s on an idle machine of two cores; the rest is room for a busy one"
