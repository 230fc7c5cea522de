"""What may be handed to the image build of the dependencies that the host has compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.source.file import FileKind, SourceFile
from orchestrator.toolchains.cargo import awaited
from orchestrator.toolchains.cargo.handover import _units
from orchestrator.toolchains.cargo.identity import CargoToolchain
from orchestrator.toolchains.cargo.messages import CargoReport, DependencyArtifact, ScriptRun
from orchestrator.toolchains.cargo.offer_key import handover_key, keep_environment, keyed_by_environment
from orchestrator.workspace import Workspace

_HASH = "0123456789abcdef"
_OTHER = "fedcba9876543210"


def write(target: Path, *paths: str, content: bytes = b"x") -> None:
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)


def library(target: Path, package: str, *, fingerprint: bool = True) -> DependencyArtifact:
    """Lay out what cargo keeps of a library, and return what it tells of it."""
    name = package.partition(" ")[0]
    files = [f"release/deps/lib{name.replace('-', '_')}-{_HASH}.{kind}" for kind in ("rlib", "rmeta")]
    write(target, *files, f"release/deps/{name.replace('-', '_')}-{_HASH}.d")
    if fingerprint:
        write(target, f"release/.fingerprint/{name}-{_HASH}/lib-{name}.json")
    return DependencyArtifact(
        package=package, kind="lib", files=tuple(str(target / file) for file in files), fresh=False
    )


def script(target: Path, package: str, *, said: bytes = b"", libraries: tuple[str, ...] = ()) -> ScriptRun:
    """Lay out what a build script left, and return what cargo tells of it."""
    name = package.partition(" ")[0]
    write(target, f"release/build/{name}-{_OTHER}/output", content=said)
    write(target, f"release/build/{name}-{_OTHER}/out/made.a")
    write(target, f"release/.fingerprint/{name}-{_OTHER}/run-build-script-build-script-build.json")
    folder = str(target / f"release/build/{name}-{_OTHER}/out")
    return ScriptRun(package=package, folder=folder, libraries=libraries, searched=(folder,) if libraries else ())


def test_a_library_goes_with_its_fingerprint(tmp_path: Path) -> None:
    """All of it, under its paths below the target directory."""
    report = CargoReport(dependencies=[library(tmp_path, "serde-json 1.0.0")])
    (unit,) = _units(report, Path, tmp_path)
    assert sorted(unit.files) == [
        f"release/.fingerprint/serde-json-{_HASH}/lib-serde-json.json",
        f"release/deps/libserde_json-{_HASH}.rlib",
        f"release/deps/libserde_json-{_HASH}.rmeta",
        f"release/deps/serde_json-{_HASH}.d",
    ]
    assert (unit.native, unit.fresh) == (False, False)


def test_a_library_without_a_fingerprint_stays(tmp_path: Path) -> None:
    """Cargo had not written it yet, or killed itself before."""
    report = CargoReport(dependencies=[library(tmp_path, "serde 1.0.0", fingerprint=False)])
    assert list(_units(report, Path, tmp_path)) == []


@pytest.mark.parametrize(
    ("said", "libraries", "native"),
    [
        (b"cargo:rustc-cfg=fast\n", (), False),
        (b'running: "cc" "-O3"\n', ("static=zstd",), True),
        (b"cargo:rerun-if-changed=configure.rs\ncargo:rustc-cfg=fast\n", (), False),
        (b"cargo::rerun-if-changed=c/cmake\n", ("static=blake3",), True),
        (
            b'cargo:warning=Compiler version doesn\'t include clang or GCC: "cc" "--version"\nrunning: "cc" "-O3"\n',
            ("static=zstd",),
            True,
        ),
    ],
)
def test_what_a_build_script_made_goes_too(
    tmp_path: Path,
    said: bytes,
    libraries: tuple[str, ...],
    native: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """With its crate, both apart from the others where C had a part in it."""
    report = CargoReport(
        dependencies=[library(tmp_path, "zstd-sys 2.0.0")],
        scripts=[script(tmp_path, "zstd-sys 2.0.0", said=said, libraries=libraries)],
    )
    units = list(_units(report, Path, tmp_path))
    assert len(units) == 2
    assert {unit.native for unit in units} == {native}


@pytest.mark.parametrize(
    ("said", "libraries"),
    [
        (b'running: "cmake" "/src"\n', ("static=z",)),
        (b'cargo:rerun-if-changed=cmake\nrunning: "cmake" "/src"\n', ("static=z",)),
        (b"cargo:rerun-if-changed=/usr/bin/protoc\n", ("static=z",)),
        (b"", ("z",)),
        (b"", ("dylib=ssl",)),
        (b'running: "c++" "-O3"\n', ("static=snappy",)),
    ],
)
def test_what_hangs_on_other_programs_stays(tmp_path: Path, said: bytes, libraries: tuple[str, ...]) -> None:
    """A library of the system's, cmake, C++: nobody compares those."""
    report = CargoReport(
        dependencies=[library(tmp_path, "z-sys 1.0.0"), library(tmp_path, "itoa 1.0.0")],
        scripts=[script(tmp_path, "z-sys 1.0.0", said=said, libraries=libraries)],
    )
    assert {unit.package for unit in _units(report, Path, tmp_path)} == {"itoa 1.0.0"}


def test_a_folder_searched_elsewhere_stays(tmp_path: Path) -> None:
    """A build script that points the linker at the system found something there."""
    run = script(tmp_path, "z-sys 1.0.0")
    elsewhere = ScriptRun(package=run.package, folder=run.folder, libraries=("static=z",), searched=("/usr/lib",))
    report = CargoReport(dependencies=[library(tmp_path, "z-sys 1.0.0")], scripts=[elsewhere])
    assert list(_units(report, Path, tmp_path)) == []


def _key(**changed: object) -> str:
    toolchain = CargoToolchain(
        cargo=Path("/c"), sysroot=Path("/s"), version="1.95.0", commit="a" * 40, host="x", verbose="rustc 1.95.0"
    )
    facts = {
        "words": ("build", "--release"),
        "files": (_file("Cargo.toml", "1"), _file("src/main.rs", "2")),
        "variables": {"RUSTFLAGS": "-g", "SOURCE_DIGEST": "abc"},
        "folders": ("/app", "/usr/local/cargo"),
        "namespaces": True,
    }
    given = {**facts, **changed}
    return handover_key(toolchain, given.pop("words"), given.pop("files"), **given)  # type: ignore[arg-type]


def _file(path: str, sha256: str) -> SourceFile:
    return SourceFile(path=path, sha256=sha256, size=1, kind=FileKind.FILE)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"files": (_file("Cargo.toml", "1"), _file("src/main.rs", "another"))}, True),
        ({"variables": {"RUSTFLAGS": "-g", "SOURCE_DIGEST": "another"}}, True),
        ({"files": (_file("Cargo.toml", "another"), _file("src/main.rs", "2"))}, False),
        ({"files": (_file("Cargo.toml", "1"), _file(".cargo/config.toml", "3"))}, False),
        ({"variables": {"RUSTFLAGS": "-O"}}, False),
        ({"words": ("build", "--profile=dist")}, False),
        ({"folders": ("/src", "/usr/local/cargo")}, False),
        ({"namespaces": False}, False),
    ],
)
def test_the_tag_follows_what_dependencies_compile_by(changed: dict[str, object], *, same: bool) -> None:
    """Not the sources of the project: the dependency layer stays cached when they change."""
    assert (_key(**changed) == _key()) is same


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("serde v1.0.2", "serde 1.0.2"),
        ("paste v1.0.15 (proc-macro)", "paste 1.0.15"),
        ("tool v0.1.0 (https://example.org/tool?rev=1#abcdef12)", "tool 0.1.0"),
        ("backend v0.1.0 (/build)", None),
        ("derive v0.1.0 (proc-macro) (/build/derive)", None),
    ],
)
def test_which_packages_are_awaited(line: str, label: str | None) -> None:
    """Those from elsewhere, as `cargo tree` prints them."""
    assert awaited._label(line) == label


def test_the_tag_follows_what_build_scripts_name(tmp_path: Path) -> None:
    """A script that reads a variable has its name in it, whether or not it declares that."""
    workspace, target = Workspace.open(tmp_path / "workspace"), tmp_path / "target"
    report = CargoReport(scripts=[script(target, "itoa 1.0.0", said=b"cargo:rustc-cfg=x\n")])
    (folder,) = target.glob("**/build/itoa-*")
    compiled = folder.with_name("itoa-0123") / "build-script-build"
    compiled.parent.mkdir()
    compiled.write_bytes(b"\x7fELF...FLAVOUR...")
    before = {"FLAVOUR": "sweet", "OTHER": "1"}
    keep_environment("offer:k", report, outside=Path, variables=before, workspace=workspace)
    assert keyed_by_environment("offer:k", {**before, "OTHER": "2"}, workspace) == "offer:k"
    assert keyed_by_environment("offer:k", {**before, "FLAVOUR": "sour"}, workspace) != "offer:k"


def test_the_tag_follows_what_build_scripts_read(tmp_path: Path) -> None:
    """Once they have said which variables that is, in either form; back at the first value it is the first tag."""
    workspace, target = Workspace.open(tmp_path / "workspace"), tmp_path / "target"
    said = b"cargo:rerun-if-env-changed=FLAVOUR\nwarning\ncargo::rerun-if-env-changed=SHAPE\ncargo:rustc-cfg=x\n"
    report = CargoReport(scripts=[script(target, "itoa 1.0.0", said=said)])
    before = {"FLAVOUR": "sweet", "OTHER": "1"}
    assert keyed_by_environment("offer:k", before, workspace) == "offer:k", "nothing is known yet"
    keep_environment("offer:k", report, outside=Path, variables=before, workspace=workspace)
    assert keyed_by_environment("offer:k", {**before, "OTHER": "2"}, workspace) == "offer:k"
    tags = {
        keyed_by_environment("offer:k", now, workspace)
        for now in ({"FLAVOUR": "sour"}, {"FLAVOUR": "sweet", "SHAPE": "round"}, {}, before)
    }
    assert len(tags) == 4
    assert "offer:k" in tags
