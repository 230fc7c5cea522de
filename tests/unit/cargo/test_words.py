"""What cargo says and is told: typed messages, failures, dep-info, the lock file, and its command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import LocalBuildFailedError
from orchestrator.toolchains.cargo.command import cargo_words, selection_of
from orchestrator.toolchains.cargo.depinfo import read_depinfo
from orchestrator.toolchains.cargo.failure import (
    absent_tool,
    bus_error,
    disk_full,
    last_words,
    lock_outdated,
    lock_unreadable,
)
from orchestrator.toolchains.cargo.lock import packages_digest, read_lock
from orchestrator.toolchains.cargo.messages import CargoReport, package_label
from orchestrator.toolchains.cargo.outside import folders_outside
from orchestrator.toolchains.cargo.project import CargoProject, Member
from orchestrator.toolchains.cargo.settings import CargoSettings

ARTIFACT = {
    "reason": "compiler-artifact",
    "package_id": "path+file:///app#demo@0.1.0",
    "target": {"kind": ["bin"], "name": "demo"},
    "executable": "/app/target/release/demo",
    "filenames": ["/app/target/release/demo"],
    "fresh": False,
}


def project(**changed: Any) -> CargoProject:
    facts: dict[str, Any] = {
        "root": ".",
        "folder": ".",
        "members": (Member(name="demo", version="0.1.0", folder=".", binaries=("demo",)),),
        "outside": (),
        "package": "demo",
        "binary": "demo",
        "profile_folder": "release",
    }
    return CargoProject(**{**facts, **changed})


def test_artifacts_programs_and_freshness() -> None:
    """A package is fresh if all of it was; a test or an example of the same name is no program."""
    report = CargoReport()
    for changed in (
        {},
        {"fresh": True, "target": {"kind": ["lib"], "name": "demo"}, "executable": None},
        {"package_id": "registry+https://x/index#dep@1.2.3", "fresh": True, "executable": None},
        {"target": {"kind": ["example"], "name": "show"}, "executable": "/app/target/release/examples/show"},
    ):
        assert report.take(json.dumps(ARTIFACT | changed)) is None
    assert report.executables == {"demo": "/app/target/release/demo"}
    assert (report.compiled, report.fresh) == (("demo 0.1.0",), ("dep 1.2.3",))


def test_diagnostics_keep_their_places() -> None:
    """Only errors count; a place in a macro is followed to where the macro is used."""
    inner = {"is_primary": True, "file_name": "/r/macro.rs", "line_start": 1, "column_start": 2}
    outer = {"file_name": "src/main.rs", "line_start": 5, "column_start": 6, "expansion": None}
    said = {
        "level": "error",
        "rendered": "error: x\n\n",
        "message": "x",
        "spans": [inner | {"expansion": {"span": outer}}],
    }
    report = CargoReport()
    line = {"reason": "compiler-message", "manifest_path": "/app/Cargo.toml", "message": said}
    assert report.take(json.dumps(line)) == "error: x"
    assert report.errors[0].spans == (("/r/macro.rs", 1, 2), ("src/main.rs", 5, 6))
    warning = line | {"message": said | {"level": "warning", "rendered": None, "message": "w"}}
    assert report.take(json.dumps(warning)) == "w"
    assert len(report.errors) == 1


@pytest.mark.parametrize("line", ["plain", "{not json", '{"no": "reason"}', "[]", "{}"])
def test_other_lines_are_passed_on(line: str) -> None:
    """A procedural macro may print to the same stream."""
    assert CargoReport().take(line) == line
    assert CargoReport().take("") is None


@pytest.mark.parametrize(
    ("identity", "label"),
    [
        ("path+file:///work/app#0.1.0", "app 0.1.0"),
        ("path+file:///work/app#demo@0.1.0", "demo 0.1.0"),
        ("registry+https://github.com/rust-lang/crates.io-index#serde@1.0.1", "serde 1.0.1"),
        ("git+https://x.org/repo?branch=main#0.3.0", "repo 0.3.0"),
        ("demo 0.1.0 (path+file:///work/app)", "demo 0.1.0"),
    ],
)
def test_package_ids_old_and_new(identity: str, label: str) -> None:
    """As the reference has them, and as cargo wrote them before 1.77."""
    assert package_label(identity) == label


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("error: linker `cc` not found\n  |\n  = note: No such file or directory", "cc"),
        ("error: linker `/usr/bin/x86_64-linux-gnu-gcc` not found", "cc"),
        ('error occurred in cc-rs: failed to find tool "c++": No such file or directory', "c++"),
        ("Is `cmake` installed?", "cmake"),
        ("failed to execute command: No such file or directory (os error 2)\nis `cmake` not installed?", "cmake"),
        ("Could not find `protoc`. If `protoc` is installed, try setting", "protoc"),
        ("The pkg-config command could not be found.", "pkg-config"),
        ("error[E0425]: cannot find value `linker`", None),
    ],
)
def test_a_missing_tool_is_recognised(said: str, tool: str | None) -> None:
    """Recorded words of rustc and of the crates that build C."""
    assert absent_tool(said) == tool


def test_full_disks_and_old_locks_are_recognised() -> None:
    """Recorded words of cargo 1.61 to 1.95."""
    assert disk_full("error: failed to write: No space left on device (os error 28)")
    assert not disk_full("(os error 2)")
    assert bus_error("collect2: fatal error: ld terminated with signal 7 [Bus error], core dumped")
    assert bus_error("error: linking with `rust-lld` failed: signal: 7 (SIGBUS) (core dumped)")
    assert bus_error("process didn't exit successfully: `rustc` (signal: 7, SIGBUS: access to undefined memory)")
    assert not bus_error("collect2: error: ld returned 1 exit status")
    assert lock_outdated("error: cannot update the lock file /app/Cargo.lock because --locked was passed")
    assert lock_outdated("error: the lock file /app/Cargo.lock needs to be updated but --locked was passed")
    missed = (
        "error: no matching package named `serde` found\nlocation searched: crates.io index\nAs a reminder, you're "
    )
    assert lock_outdated(f"{missed}using offline mode (--offline) which can sometimes cause surprising failures")
    assert not lock_outdated("error: no matching package named `beside` found\nlocation searched: /app/beside")
    newer = (
        "error: failed to parse lock file at: /app/Cargo.lock\n\nCaused by:\n  lock file version `99` was found, but "
    )
    newer += "this version of Cargo does not understand this lock file, perhaps Cargo needs to be updated?"
    assert (lock_unreadable(newer), lock_outdated(newer)) == (True, False)
    assert last_words("   Compiling a\nerror: x\nhelp: y\n") == ("error: x", "help: y")
    assert len(last_words("error: x\n" + "more\n" * 500)) == 60


def test_dep_info(tmp_path: Path) -> None:
    """Spaces are escaped, other backslashes are not; only the first rule is the program's."""
    place = tmp_path / "demo.d"
    place.write_text("/t/demo: /a/src/main.rs /a/with\\ space.rs /a/back\\slash.rs\n\n/a/src/main.rs:\n")
    assert read_depinfo(place) == ("/a/src/main.rs", "/a/with space.rs", "/a/back\\slash.rs")
    assert read_depinfo(tmp_path / "none.d") == ()


def test_the_lock_file(tmp_path: Path) -> None:
    """Packages from elsewhere; the project's own and its version are no part of the digest."""
    text = 'version = 4\n[[package]]\nname = "demo"\nversion = "%s"\n[[package]]\nname = "a"\nversion = "1.0.0"\n'
    text += 'source = "registry+https://x"\nchecksum = "00"\n[[package]]\nname = "g"\nversion = "1.0.0"\nsource = "git+https://x"\n'
    (tmp_path / "Cargo.lock").write_text(text % "0.1.0")
    found = read_lock(tmp_path, project())
    assert [(each.name, each.from_registry, each.archive) for each in found] == [
        ("a", True, "a-1.0.0.crate"),
        ("g", False, "g-1.0.0.crate"),
    ]
    (tmp_path / "Cargo.lock").write_text(text % "0.2.0")
    assert packages_digest(read_lock(tmp_path, project())) == packages_digest(found)
    for damage in ("[[package\n", '[[package]]\nsource = "registry+x"\n', "package = 5\n", "package = [1]\n"):
        (tmp_path / "Cargo.lock").write_text(damage)
        with pytest.raises(LocalBuildFailedError, match="cannot be read") as caught:
            read_lock(tmp_path, project())
        assert str(caught.value.location) == "Cargo.lock"


def test_path_dependencies_are_followed(tmp_path: Path) -> None:
    """However deep the table; those that only they need; none outside the tree."""
    for folder, text in {
        "ws": '[workspace.dependencies]\na = {path = "../a"}\n[patch.crates-io]\np = {path = "../p"}\n',
        "ws/m": '[target.\'cfg(unix)\'.build-dependencies]\nb = {path = "../../b"}\n[dependencies]\nx = "1"\n',
        "a": '[dev-dependencies]\nc = {path = "../c"}\nm = {path = "../ws/m"}\n',
        "b": '[dependencies]\nout = {path = "../../out"}\n',
    }.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "Cargo.toml").write_text(text)
    assert folders_outside(tmp_path, "ws", ["ws/m"]) == ("a", "b", "c", "p")
    assert folders_outside(tmp_path, ".", ["ws/m"]) == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "build --release --locked --bin=demo"),
        ({"profile": "dev", "locked": False}, "build --profile=dev --bin=demo"),
        ({"features": ("a", "b"), "default_features": False}, "--features=a,b --no-default-features --bin=demo"),
        ({"package": "demo"}, "build --release --locked --bin=demo"),
    ],
)
def test_the_command_line(settings: dict[str, Any], words: str) -> None:
    """As a person would write it in the package's folder."""
    said = " ".join(cargo_words(CargoSettings(kind="cargo", **settings), project()))
    assert said.endswith(words)
    assert "--package=demo" in cargo_words(CargoSettings(kind="cargo", package="demo"), project(folder="sub"))
    assert "--workspace" in cargo_words(CargoSettings(kind="cargo"), project(), selection=("--workspace",))


@pytest.mark.parametrize(
    ("script", "selection"),
    [
        ("cargo build --release", ()),
        ("cargo build -p demo --release && cp x y", ("--package=demo",)),
        ("cargo +nightly b --workspace --exclude other", ("--workspace", "--exclude=other")),
        ("cargo build --bin other -p other; cargo build -pdemo", ("--package=demo",)),
        ("cargo build -p demo\ncargo build --bin other", ("--package=demo",)),
        ("cargo build \\\n  --package=demo", ("--package=demo",)),
        ("/usr/local/cargo/bin/cargo install --path .", ()),
        ("cargo test", None),
        ("echo 'unclosed", None),
        ("make", None),
    ],
)
def test_how_the_image_selects_packages(script: str, selection: tuple[str, ...] | None) -> None:
    """The last build of this program in the step counts; cargo unifies features over what is selected."""
    assert selection_of(script, program="demo") == selection
