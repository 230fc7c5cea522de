"""Whether an image can start, read from root file systems that the tests lay out with this machine's own libraries."""

from __future__ import annotations

import json
import stat
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.binary.loading import (
    Form,
    LoadFacts,
    Presence,
    ProgramFacts,
    load_facts_from_json,
    load_facts_to_json,
)
from orchestrator.binary.loading.read import read_loadable

APP = "/usr/local/bin/app"
LOADER = "/lib64/ld-linux-x86-64.so.2"
HOST = Path("/lib/x86_64-linux-gnu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image's configuration."""

    entrypoint: tuple[str, ...] = (APP,)
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = ""
    user: str = ""
    architecture: str = "amd64"


def read(tree: Any, image: Image | None = None, **more: Any) -> LoadFacts:
    return read_loadable(tree, image or Image(), binary=more.pop("binary", APP), **more)


def entry(tree: Any, image: Image | None = None) -> ProgramFacts:
    return read(tree, image).entry[0]


def build(folder: Path, name: str, source: str, *flags: str) -> Path:
    subprocess.run(["gcc", "-x", "c", "-", "-o", name, *flags], input=source.encode(), check=True, cwd=folder)
    return folder / name


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `libinner.so`, `libouter.so` that needs it, and programs that need `libouter.so`."""
    folder = tmp_path_factory.mktemp("parts")
    build(folder, "libinner.so", "int inner(void) { return 1; }", "-shared", "-fPIC")
    outer = ("-shared", "-fPIC", "-L.", "-Wl,--no-as-needed", "-linner")
    build(folder, "libouter.so", "int inner(void); int outer(void) { return inner(); }", *outer)
    main = "int outer(void); int main(void) { return outer(); }"
    link = ("-L.", "-louter", "-Wl,-rpath-link,.")
    build(folder, "plain", main, *link)
    build(folder, "rpath", main, *link, "-Wl,--disable-new-dtags,-rpath,/opt/lib")
    build(folder, "runpath", main, *link, "-Wl,--enable-new-dtags,-rpath,/opt/lib")
    build(folder, "origin", main, *link, "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib")
    build(folder, "static", "int main(void) { return 0; }", "-static", "-nostartfiles", "-Wl,-e,main")
    return folder


def with_libraries(tree: Any, parts: Path, folder: str) -> None:
    for name in ("libinner.so", "libouter.so"):
        tree.add(f"{folder}/{name}", parts / name)


# --- entrypoint -----------------------------------------------------------------------------------------------------


def test_a_program_with_all_its_libraries_loads(glibc_tree: Any, c_program: Path) -> None:
    """Loader over two links, the C library in a built-in folder: nothing is missing."""
    glibc_tree.add(APP, c_program)
    facts = read(glibc_tree)
    program = facts.entry[0]
    assert (program.form, program.machine, program.bits, program.damage) == (Form.ELF, 62, 64, None)
    assert program.loader is not None
    assert program.loader.real == "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    assert program.resolved == ("/lib/x86_64-linux-gnu/libc.so.6",)
    assert (program.libraries, program.gaps) == ((), ())
    assert program.execute is not None
    assert program.execute.allowed
    assert facts.binary.found == program.found


def test_nothing_is_read_twice(glibc_tree: Any, c_program: Path) -> None:
    """Each file costs a request to the engine, so it is asked for once; a local copy of the program not at all."""
    glibc_tree.add(APP, c_program)
    glibc_tree.add("/usr/bin/other", c_program)
    read(glibc_tree, Image(entrypoint=("/usr/bin/other",), user="1000"), program=c_program)
    assert len(glibc_tree.reads) == len(set(glibc_tree.reads))
    assert len(glibc_tree.stats) == len(set(glibc_tree.stats))
    assert APP not in glibc_tree.reads


@pytest.mark.parametrize(
    ("image", "command"),
    [
        (Image(entrypoint=("/e",), command=("a",)), ("/e", "a")),
        (Image(entrypoint=(), command=("/c", "b")), ("/c", "b")),
        (Image(entrypoint=(), command=()), ()),
    ],
)
def test_entrypoint_and_command_are_joined(tree: Any, image: Image, command: tuple[str, ...]) -> None:
    """As the engine joins them."""
    assert read(tree, image).command == command


def test_arguments_replace_the_command(tree: Any) -> None:
    """What the spec gives for the run takes the place of CMD."""
    assert read(tree, Image(command=("a",)), arguments=("b",)).command == (APP, "b")


def test_a_word_without_slash_is_searched_in_path(tree: Any, parts: Path) -> None:
    """Folders and files that nobody may execute are passed over."""
    tree.add("/a/app/inside", b"")
    tree.add("/b/app", b"#!/bin/sh", mode=0o644)
    tree.add("/c/app", parts / "static")
    image = Image(entrypoint=("app",), environment={"PATH": "/a:/b:relative:/c"})
    assert entry(tree, image).found.path == "/c/app"
    without = replace(image, environment={"PATH": "/a:/b"})
    assert entry(tree, without).found.path == "/a/app"
    assert entry(tree, replace(image, environment={})).found.presence is Presence.MISSING
    assert "/usr/local/bin/app" in entry(tree, replace(image, environment={})).tried


def test_a_relative_path_starts_at_the_working_directory(tree: Any, parts: Path) -> None:
    """A slash makes it a path."""
    tree.add("/srv/bin/app", parts / "static")
    image = Image(entrypoint=("bin/app",), working_directory="/srv")
    assert entry(tree, image).found.presence is Presence.FILE


def test_links_are_followed_to_their_end(tree: Any, parts: Path) -> None:
    """Over several hops and links of folders; a loop and a dangling one are told."""
    tree.add("/opt/app-1.2/bin/app", parts / "static")
    tree.link("/opt/app", "app-1.2")
    tree.link(APP, "/opt/app/bin/app")
    tree.link("/first", "second")
    tree.link("/second", "usr/local/bin/app")
    tree.link("/gone", "/nowhere/app")
    tree.link("/loop", "loop")
    assert entry(tree, Image(entrypoint=("/first",))).found.real == "/opt/app-1.2/bin/app"
    dangling = entry(tree, Image(entrypoint=("/gone",))).found
    assert (dangling.presence, dangling.real) == (Presence.DANGLING, "/nowhere/app")
    assert entry(tree, Image(entrypoint=("/loop",))).found.presence is Presence.MISSING


def test_a_directory_is_no_program(tree: Any) -> None:
    """COPY of a folder to the program's path."""
    tree.add(f"{APP}/app", b"")
    assert entry(tree).found.presence is Presence.DIRECTORY


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("exec /usr/local/bin/app --flag=1", "/usr/local/bin/app"),
        ("/usr/local/bin/app", "/usr/local/bin/app"),
        ("app serve", "app"),
        ("cd /srv && app", None),
        ("app $PORT", None),
        ("echo hi", None),
        ("VALUE=1 app", None),
    ],
)
def test_a_plain_shell_text_names_its_program(tree: Any, text: str, word: str | None) -> None:
    """The shell is looked at in any case; the program in the text where only one reading is possible."""
    programs = read(tree, Image(entrypoint=("/bin/sh", "-c", text))).entry
    assert [program.word for program in programs] == ["/bin/sh", *([word] if word else [])]


# --- users ----------------------------------------------------------------------------------------------------------

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nbroken line\n"
GROUP = b"root:x:0:\nstaff:x:50:app,other\napps:x:1001:\n"


@pytest.mark.parametrize(
    ("user", "mode", "owner", "allowed"),
    [
        ("", 0o700, (1000, 1000), True),
        ("", 0o644, (0, 0), False),
        ("app", 0o755, (0, 0), True),
        ("app", 0o644, (1000, 0), False),
        ("app", 0o700, (0, 0), False),
        ("app", 0o700, (1000, 0), True),
        ("1000", 0o700, (1000, 0), True),
        ("app", 0o750, (0, 1001), True),
        ("app", 0o750, (0, 50), True),
        ("app:root", 0o750, (0, 50), False),
        ("app:50", 0o750, (0, 50), True),
        ("4711", 0o755, (0, 0), True),
        ("4711:50", 0o750, (0, 50), True),
        ("app", 0o071, (1000, 0), False),
    ],
)
def test_the_execute_bit_counts_for_the_images_user(
    tree: Any, *, user: str, mode: int, owner: tuple[int, int], allowed: bool
) -> None:
    """Owner, group and others as the kernel takes them, by the image's own passwd and group files."""
    tree.add("/etc/passwd", PASSWD)
    tree.add("/etc/group", GROUP)
    tree.add(APP, b"#!/bin/sh\n", mode=mode)
    tree.owners[APP] = owner
    access = entry(tree, Image(user=user)).execute
    assert access is not None
    assert access.allowed is allowed
    assert allowed or (access.blocker, access.mode) == (APP, mode)


def test_a_folder_on_the_way_may_shut_the_program_off(tree: Any) -> None:
    """Search permission on every folder, as in a build below /root."""
    tree.add("/root/bin/app", b"#!/bin/sh\n")
    (tree.root / "root").chmod(0o700)
    access = entry(tree, Image(entrypoint=("/root/bin/app",), user="1000")).execute
    assert access is not None
    assert (access.allowed, access.blocker) == (False, "/root")
    assert entry(tree, Image(entrypoint=("/root/bin/app",))).execute is not None


@pytest.mark.parametrize(
    ("user", "known"), [("nobody-here", False), ("app:nogroup", False), ("4711", True), ("", True)]
)
def test_an_unknown_user_is_told(tree: Any, *, user: str, known: bool) -> None:
    """A name must be in the image's passwd; a number need not."""
    tree.add("/etc/passwd", PASSWD)
    tree.add("/etc/group", GROUP)
    assert read(tree, Image(user=user)).user_known is known


# --- scripts --------------------------------------------------------------------------------------------------------


def test_a_script_leads_to_its_interpreter(glibc_tree: Any, c_program: Path) -> None:
    """Interpreter, its loader and its libraries are looked at like any program."""
    glibc_tree.add("/usr/bin/shell", c_program)
    glibc_tree.link("/bin", "usr/bin")
    glibc_tree.add(APP, b'#! /bin/shell -e\nexec "$@"\n')
    program = entry(glibc_tree)
    assert (program.form, program.shebang) == (Form.SCRIPT, " /bin/shell -e")
    (interpreter,) = program.interpreter
    assert interpreter.word == "/bin/shell"
    assert interpreter.resolved == ("/lib/x86_64-linux-gnu/libc.so.6",)
    assert f"what the script {APP} starts" in read(glibc_tree).not_judged


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"#!/usr/bin/env python3", ["/usr/bin/env", "python3"]),
        (b"#!/usr/bin/env -S python3 -u", ["/usr/bin/env", "python3"]),
        (b"#!/usr/bin/env python3 -u", ["/usr/bin/env", "python3 -u"]),
        (b"#!/usr/bin/env -i sh", ["/usr/bin/env"]),
        (b"#!/usr/bin/env A=1", ["/usr/bin/env"]),
        (b"#!/bin/sh\r", ["/bin/sh\r"]),
        (b"#!\t/bin/sh\t-e", ["/bin/sh"]),
        (b"#!", []),
    ],
)
def test_the_first_line_is_split_as_the_kernel_does(tree: Any, line: bytes, words: list[str]) -> None:
    """One interpreter, one argument; a carriage return is part of the name; env gets its argument whole."""
    tree.add(APP, line + b"\necho hi\n")
    assert [program.word for program in entry(tree).interpreter] == words


def test_scripts_that_run_each_other_end(tree: Any) -> None:
    """The kernel stops after a few; so does this."""
    tree.add(APP, f"#!{APP}\n".encode())
    depth, program = 0, entry(tree)
    while program.interpreter:
        depth, program = depth + 1, program.interpreter[0]
    assert depth == 4


@pytest.mark.parametrize(
    ("content", "form"), [(b"", Form.EMPTY), (b"echo hi\n", Form.OTHER), (b"\xef\xbb\xbf#!/bin/sh", Form.OTHER)]
)
def test_a_file_that_the_kernel_does_not_take(tree: Any, content: bytes, form: Form) -> None:
    """Empty, no `#!`, or a byte order mark before it."""
    tree.add(APP, content)
    assert entry(tree).form is form


# --- libraries ------------------------------------------------------------------------------------------------------


def test_a_static_program_needs_nothing(tree: Any, parts: Path) -> None:
    """On scratch it is enough."""
    tree.add(APP, parts / "static")
    program = entry(tree)
    assert (program.form, program.loader, program.libraries) == (Form.ELF, None, ())


def test_a_missing_loader_is_told(tree: Any, c_program: Path) -> None:
    """A glibc program in an image without glibc."""
    tree.add(APP, c_program)
    program = entry(tree)
    assert program.loader is not None
    assert (program.loader.path, program.loader.presence) == (LOADER, Presence.MISSING)


def test_a_missing_library_names_who_asks_and_where_it_was_sought(glibc_tree: Any, parts: Path) -> None:
    """The chain: the program asks for the outer library, which asks for the inner one."""
    glibc_tree.add(APP, parts / "plain")
    (missing,) = entry(glibc_tree).libraries
    assert (missing.name, missing.needed_by) == ("libouter.so", APP)
    assert missing.searched == (
        "/etc/ld.so.cache",
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib",
        "/usr/lib",
    )
    glibc_tree.add("/usr/lib/libouter.so", parts / "libouter.so")
    (missing,) = entry(glibc_tree).libraries
    assert (missing.name, missing.needed_by) == ("libinner.so", "/lib/libouter.so")


def test_usr_local_lib_is_no_built_in_folder(glibc_tree: Any, parts: Path) -> None:
    """Without ldconfig a library there is not found; with LD_LIBRARY_PATH it is."""
    glibc_tree.add(APP, parts / "plain")
    with_libraries(glibc_tree, parts, "/usr/local/lib")
    assert entry(glibc_tree).libraries
    image = Image(environment={"LD_LIBRARY_PATH": "/usr/local/lib"})
    assert entry(glibc_tree, image).libraries == ()


def test_the_cache_decides_and_not_its_configuration(glibc_tree: Any, parts: Path) -> None:
    """ld.so.conf means nothing before ldconfig has run."""
    glibc_tree.add(APP, parts / "plain")
    with_libraries(glibc_tree, parts, "/usr/local/lib")
    glibc_tree.add("/etc/ld.so.conf", b"/usr/local/lib\n")
    assert entry(glibc_tree).libraries
    subprocess.run(["ldconfig", "-X", "-r", str(glibc_tree.root)], check=True)
    assert entry(glibc_tree).libraries == ()
    (glibc_tree.root / "usr/local/lib/libouter.so").unlink()
    (missing,) = entry(glibc_tree).libraries
    assert missing.name == "libouter.so", "a cached name whose file is gone is no library"


def test_rpath_is_inherited_and_runpath_is_not(glibc_tree: Any, parts: Path) -> None:
    """DT_RPATH of the program serves its libraries too, DT_RUNPATH only the program itself."""
    with_libraries(glibc_tree, parts, "/opt/lib")
    glibc_tree.add(APP, parts / "rpath")
    assert entry(glibc_tree).libraries == ()
    glibc_tree.add(APP, parts / "runpath")
    (missing,) = entry(glibc_tree).libraries
    assert (missing.name, missing.needed_by) == ("libinner.so", "/opt/lib/libouter.so")


def test_origin_is_where_the_file_really_lies(glibc_tree: Any, parts: Path) -> None:
    """Links to the program, and of its folder, do not move $ORIGIN."""
    glibc_tree.add("/srv/app-1/bin/app", parts / "origin")
    with_libraries(glibc_tree, parts, "/srv/app-1/lib")
    glibc_tree.link("/srv/app", "app-1")
    glibc_tree.link(APP, "/srv/app/bin/app")
    assert entry(glibc_tree).libraries == ()


def test_a_library_for_another_processor_is_passed_over(glibc_tree: Any, parts: Path) -> None:
    """The search goes on; when nothing else is found, the file is named."""
    foreign = bytearray((parts / "libouter.so").read_bytes())
    foreign[18:20] = struct.pack("<H", 183)
    glibc_tree.add(APP, parts / "plain")
    glibc_tree.add("/usr/lib/x86_64-linux-gnu/libouter.so", bytes(foreign))
    (missing,) = entry(glibc_tree).libraries
    assert missing.passed_over[0] == "/lib/x86_64-linux-gnu/libouter.so"
    with_libraries(glibc_tree, parts, "/usr/lib")
    assert entry(glibc_tree).libraries == ()


def test_a_library_in_a_hardware_folder_counts(glibc_tree: Any, parts: Path) -> None:
    """`glibc-hwcaps/x86-64-v3` is searched as well."""
    glibc_tree.add(APP, parts / "plain")
    with_libraries(glibc_tree, parts, "/usr/lib/glibc-hwcaps/x86-64-v3")
    assert entry(glibc_tree).libraries == ()


def test_a_symbol_version_that_the_library_lacks_is_told(glibc_tree: Any, tmp_path: Path) -> None:
    """A builder newer than the runtime image: here a C library that knows other versions than the program asks for."""
    scripts = {"old": "TW_1.0 { global: f; };", "new": "TW_1.0 { }; TW_2.0 { global: f; } TW_1.0;"}
    for name, script in scripts.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "map").write_text(script)
        flags = ("-shared", "-fPIC", "-Wl,--version-script=map", "-Wl,-soname,libtw.so")
        build(folder, "libtw.so", "int f(void) { return 1; }", *flags)
    program = build(tmp_path / "new", "app", "int f(void); int main(void) { return f(); }", "-L.", "-ltw")
    glibc_tree.add(APP, program)
    glibc_tree.add("/usr/lib/libtw.so", tmp_path / "new/libtw.so")
    assert entry(glibc_tree).gaps == ()
    glibc_tree.add("/usr/lib/libtw.so", tmp_path / "old/libtw.so")
    (gap,) = entry(glibc_tree).gaps
    assert (gap.version, gap.library, gap.needed_by, gap.newest) == ("TW_2.0", "/lib/libtw.so", APP, "TW_1.0")


def test_a_library_without_versions_is_no_gap(glibc_tree: Any, tmp_path: Path) -> None:
    """The loader only warns; whether it fits cannot be judged."""
    (tmp_path / "map").write_text("TW_1.0 { global: f; };")
    library = ("-shared", "-fPIC", "-Wl,-soname,libtw.so")
    build(tmp_path, "libtw.so", "int f(void) { return 1; }", *library, "-Wl,--version-script=map")
    program = build(tmp_path, "app", "int f(void); int main(void) { return f(); }", "-L.", "-ltw")
    glibc_tree.add(APP, program)
    glibc_tree.add("/usr/lib/libtw.so", build(tmp_path, "bare.so", "int f(void) { return 1; }", *library))
    facts = read(glibc_tree)
    assert facts.entry[0].gaps == ()
    assert any("/lib/libtw.so" in text for text in facts.not_judged)


def test_musl_serves_its_own_names_and_searches_its_own_way(tree: Any, parts: Path, tmp_path: Path) -> None:
    """The loader is the C library; a path file replaces the built-in folders. Told by the loader's text."""
    loader = (parts / "libinner.so").read_bytes() + b"\x00musl libc (x86_64)\x00"
    program = build(
        tmp_path,
        "app",
        "int outer(void); int main(void) { return outer(); }",
        f"-L{parts}",
        "-louter",
        f"-Wl,-rpath-link,{parts}",
        "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1",
    )
    tree.add(APP, program)
    tree.add("/lib/ld-musl-x86_64.so.1", loader)
    with_libraries(tree, parts, "/usr/local/lib")
    assert entry(tree).libraries == (), "libc.so.6 is musl itself, /usr/local/lib is built in"
    tree.add("/etc/ld-musl-x86_64.path", b"/srv/lib\n/usr/lib:/opt/lib")
    (missing,) = entry(tree).libraries
    assert missing.searched == ("/srv/lib", "/usr/lib", "/opt/lib")


def test_a_foreign_loader_ends_the_search(glibc_tree: Any, c_program: Path) -> None:
    """A userland for another processor: told by the loader's own header, nothing else is looked at."""
    loader = bytearray((HOST / "ld-linux-x86-64.so.2").read_bytes())
    loader[18:20] = struct.pack("<H", 183)
    glibc_tree.add("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", bytes(loader))
    glibc_tree.add(APP, c_program)
    program = entry(glibc_tree)
    assert (program.machine, program.loader_machine, program.resolved) == (62, 183, ())


def test_a_truncated_program_is_damaged(glibc_tree: Any, c_program: Path) -> None:
    """A half-copied program starts and dies without a word; here it is told."""
    content = c_program.read_bytes()
    glibc_tree.add(APP, content[: len(content) // 2])
    assert "cut off" in (entry(glibc_tree).damage or "")


def test_facts_survive_json(glibc_tree: Any, parts: Path) -> None:
    """What is remembered is what was read, links and libraries included."""
    glibc_tree.add(APP, parts / "plain")
    glibc_tree.add("/start", f"#!{APP}\n".encode())
    facts = read(glibc_tree, Image(entrypoint=("/start",), command=("x",), user="1000"))
    value = json.loads(json.dumps(load_facts_to_json(facts)))
    assert load_facts_from_json(value) == facts
    assert load_facts_from_json({**value, "version": 0}) is None
    assert load_facts_from_json({"version": 1}) is None


def test_the_double_tells_links_as_the_engine_does(tree: Any) -> None:
    """The folder that stands in for an image keeps links inside of it."""
    tree.add("/usr/lib/x", b"1")
    tree.link("/lib", "usr/lib")
    tree.link("/up", "../../../lib/x")
    said = tree.stat("/up")
    assert stat.S_ISLNK(said.mode)
    assert said.link_target == "/usr/lib/x"
    assert tree.stat("/lib/x").link_target is None
