"""The build on the host: what it reads, what it leaves alone, and what it says when it fails."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Any

import pytest

from orchestrator.build.local import LocalBuild
from orchestrator.build.place import PlaceKind
from orchestrator.errors import LocalBuildFailedError, SpecInvalidError, ToolMissingError

pytestmark = pytest.mark.cargo


def output(build: LocalBuild) -> str:
    return subprocess.run([build.artifact.path], check=True, capture_output=True, text=True).stdout.strip()


def package(name: str, more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}'


def lock_of(needed: str, more: str = "") -> str:
    """A lock file of a package that needs another one."""
    return (
        f'version = 4\n\n[[package]]\nname = "demo"\nversion = "0.1.0"\ndependencies = [\n "{needed}",\n]\n\n'
        f'[[package]]\nname = "{needed}"\n{more}'
    )


@pytest.mark.usefixtures("namespaces")
def test_a_program_is_built_at_the_paths_of_the_image(crate: Any) -> None:
    """It knows only these paths, the user's folders get nothing, and a second build has nothing to do."""
    (crate.folder / "target").mkdir()
    before = sorted(path.name for path in crate.folder.rglob("*"))
    built = crate.build()
    assert built.place.kind is PlaceKind.NAMESPACE
    assert output(built) == "/app src/main.rs"
    assert str(crate.folder).encode() not in built.artifact.path.read_bytes()
    assert str(crate.workspace.root).encode() not in built.artifact.path.read_bytes()
    assert built.compiled == ("demo 0.1.0",)
    assert built.inputs == ("src/main.rs",)
    assert sorted(path.name for path in crate.folder.rglob("*")) == before
    os.utime(crate.folder / "src/main.rs")
    again = crate.build()
    assert (again.compiled, again.fresh) == ((), ("demo 0.1.0",))
    assert again.artifact == built.artifact


@pytest.mark.usefixtures("namespaces")
def test_a_change_within_one_second_is_compiled(crate: Any) -> None:
    """Time stamps follow content, so cargo's rule sees every change, also one that is taken back."""
    digests = []
    for word in ("one", "two", "one"):
        crate.write({"src/main.rs": f'fn main() {{ println!("{word}"); }}\n'})
        built = crate.build()
        assert output(built) == word
        digests.append(built.artifact.sha256)
    assert digests[0] == digests[2] != digests[1]


@pytest.mark.usefixtures("namespaces")
def test_the_remapped_program_is_the_same_where_no_path_is_asked_for(crate: Any) -> None:
    """Without bubblewrap the compiler is told to write the image's paths: for plain Rust the bytes are the same."""
    plain = 'fn main() { let v: Vec<u32> = std::env::args().map(|a| a.len() as u32).collect(); println!("{:?}", v); }\n'
    crate.write({"src/main.rs": plain, "Cargo.toml": package("demo", "[profile.release]\ndebug = 1\n")})
    inside = crate.build()
    crate.without("bwrap")
    crate.workspace = type(crate.workspace).open(crate.workspace.root.parent / "other")
    remapped = crate.build()
    assert remapped.place.kind is PlaceKind.REMAP
    assert remapped.place.reason == "bubblewrap is not installed"
    assert any(flag.startswith("--remap-path-prefix=") for flag in remapped.flags)
    assert str(crate.workspace.root).encode() not in remapped.artifact.path.read_bytes()
    assert remapped.artifact.sha256 == inside.artifact.sha256


def test_the_remapped_program_keeps_the_paths_that_code_asks_for(crate: Any) -> None:
    """`env!("CARGO_MANIFEST_DIR")` is no path of the compiler's, so no flag reaches it."""
    crate.without("bwrap")
    manifest, file = output(crate.build()).split(" ")
    assert manifest == str(crate.workspace.worktree)
    assert file == "src/main.rs"


@pytest.mark.parametrize("bubblewrap", [True, False])
def test_the_projects_flags_stay_and_the_users_do_not_count(crate: Any, bubblewrap: bool) -> None:  # noqa: FBT001
    """`.cargo/config.toml` of the project is in force; that of the home, of folders above and of variables is not."""
    if not bubblewrap:
        crate.without("bwrap")
    home = crate.workspace.root.parent / "home"
    (home / ".cargo").mkdir(parents=True)
    for place in (home / ".cargo/config.toml", crate.folder.parent / ".cargo/config.toml"):
        place.parent.mkdir(exist_ok=True)
        place.write_text('[build]\nrustflags = ["--cfg", "users"]\ntarget-dir = "/nonexistent/target"\n')
    crate.environment |= {"CARGO_HOME": str(home / ".cargo"), "RUSTFLAGS": "--cfg users"}
    crate.write(
        {
            ".cargo/config.toml": '[target.\'cfg(unix)\']\nrustflags = ["--cfg", "projects"]\n',
            "Cargo.toml": package("demo", '[lints.rust]\nunexpected_cfgs = "allow"\n'),
            "src/main.rs": 'fn main() { println!("{} {}", cfg!(projects), cfg!(users)); }\n',
        }
    )
    built = crate.build()
    assert output(built) == "true false"
    assert built.flags[:2] == ("--cfg", "projects")


@pytest.mark.usefixtures("namespaces")
def test_variables_of_the_image_reach_the_build(crate: Any) -> None:
    """What RUN steps see, the host's build sees; nothing of the caller's does."""
    crate.environment["OF_THE_USER"] = "x"
    crate.write(
        {"src/main.rs": 'fn main() { println!("{:?} {:?}", option_env!("FACT"), option_env!("OF_THE_USER")); }\n'}
    )
    assert output(crate.build(variables={"FACT": "yes", "RUSTFLAGS": "-C debuginfo=0"})) == 'Some("yes") None'


@pytest.mark.parametrize("bubblewrap", [True, False])
def test_a_compile_error_is_shown_as_cargo_shows_it(crate: Any, bubblewrap: bool) -> None:  # noqa: FBT001 - a table
    """The place is the user's file, line and column; every error is there, none of the tool's paths is."""
    if not bubblewrap:
        crate.without("bwrap")
    crate.write({"src/main.rs": 'mod part;\nfn main() {\n    let x: u32 = "text";\n}\n', "src/part.rs": "fn f( {}\n"})
    with pytest.raises(LocalBuildFailedError, match="the program does not compile on the host") as caught:
        crate.build()
    assert str(caught.value.location) == "src/part.rs:1:10"
    crate.write({"src/part.rs": "\n"})
    with pytest.raises(LocalBuildFailedError) as caught:
        crate.build()
    assert str(caught.value.location) == "src/main.rs:3:18"
    text = "\n".join(caught.value.detail)
    assert "error[E0308]: mismatched types" in text
    assert "--> src/main.rs:3:18" in text
    assert "\x1b" not in text
    assert any("error[E0308]" in line for line in crate.said)
    crate.write({"src/main.rs": "fn main() {}\n"})
    crate.build()


@pytest.mark.usefixtures("namespaces")
def test_a_build_script_may_write_into_its_package(crate: Any) -> None:
    """The copy is there for that: the snapshot that the image build reads holds still."""
    crate.write(
        {
            "Cargo.toml": package("demo", 'build = "build.rs"\n'),
            "build.rs": 'fn main() { std::fs::write("src/generated.rs", "pub const N: u32 = 7;").unwrap(); }\n',
            "src/main.rs": 'mod generated;\nfn main() { println!("{}", generated::N); }\n',
        }
    )
    built = crate.build()
    assert output(built) == "7"
    assert not (crate.workspace.source / "src/generated.rs").exists()
    assert not (crate.folder / "src/generated.rs").exists()
    assert crate.build().artifact.sha256 == built.artifact.sha256


@pytest.mark.usefixtures("namespaces")
def test_path_dependencies_beside_the_workspace(crate: Any) -> None:
    """They lie where the image has them: beside the package, at the same distance."""
    shared = {"shared/Cargo.toml": package("shared", "[workspace]\n"), "shared/src/lib.rs": "pub fn n() -> u32 { 5 }\n"}
    (crate.folder / "Cargo.toml").unlink()
    crate.write(
        shared
        | {
            "app/Cargo.toml": package("demo", '[dependencies]\nshared = { path = "../shared" }\n[workspace]\n'),
            "app/Cargo.lock": lock_of("shared", 'version = "0.1.0"\n'),
            "app/src/main.rs": 'fn main() { println!("{} {}", shared::n(), env!("CARGO_MANIFEST_DIR")); }\n',
        }
    )
    built = crate.build(at="/src/app", manifest="app/Cargo.toml")
    assert output(built) == "5 /src/app"
    assert built.inputs == ("app/src/main.rs", "shared/src/lib.rs")


@pytest.mark.usefixtures("namespaces")
def test_vendored_crates_are_used(crate: Any) -> None:
    """A registry that the project brings itself needs no network and no registry in the cargo home."""
    registry = 'version = "1.0.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n'
    registry += f'checksum = "{"0" * 64}"\n'
    crate.write(
        {
            "Cargo.toml": package("demo", '[dependencies]\ntiny = "1"\n'),
            "Cargo.lock": lock_of("tiny", registry),
            ".cargo/config.toml": '[source.crates-io]\nreplace-with = "own"\n[source.own]\ndirectory = "vendor"\n',
            "vendor/tiny/Cargo.toml": '[package]\nname = "tiny"\nversion = "1.0.0"\nedition = "2021"\n',
            "vendor/tiny/src/lib.rs": "pub fn n() -> u32 { 11 }\n",
            "vendor/tiny/.cargo-checksum.json": '{"files": {}, "package": "%s"}' % ("0" * 64),
            "src/main.rs": 'fn main() { println!("{}", tiny::n()); }\n',
        }
    )
    built = crate.build()
    assert output(built) == "11"
    assert set(built.compiled) == {"tiny 1.0.0", "demo 0.1.0"}


def test_a_missing_lock_file_is_told_with_the_command(crate: Any) -> None:
    """Nothing would fix the crates."""
    (crate.folder / "Cargo.lock").unlink()
    with pytest.raises(LocalBuildFailedError, match=r"the project has no Cargo\.lock") as caught:
        crate.build()
    assert str(caught.value.location) == "Cargo.toml"
    assert "cargo generate-lockfile --manifest-path Cargo.toml" in str(caught.value.repair)


def test_a_lock_file_that_is_out_of_date_is_told(crate: Any) -> None:
    """Cargo's own words, in front of them what is wrong; found by the build where no crate had to be fetched."""
    crate.write(
        {
            "Cargo.toml": package("demo", '[dependencies]\npart = { path = "part" }\n'),
            "part/Cargo.toml": package("part"),
            "part/src/lib.rs": "",
        }
    )
    with pytest.raises(LocalBuildFailedError, match=r"Cargo\.lock does not fit the manifests") as caught:
        crate.build()
    assert str(caught.value.location) == "Cargo.lock"
    assert caught.value.repair == "cargo update --workspace --manifest-path Cargo.toml, and commit the file"


@pytest.mark.usefixtures("namespaces")
def test_profiles(crate: Any) -> None:
    """`dev` lies in the folder `debug`; a profile of the project's own in its own."""
    crate.write(
        {
            "Cargo.toml": package("demo", '[profile.small]\ninherits = "release"\nopt-level = "s"\n'),
            "src/main.rs": 'fn main() { println!("{}", cfg!(debug_assertions)); }\n',
        }
    )
    assert output(crate.build(profile="dev")) == "true"
    small = crate.build(profile="small")
    assert output(small) == "false"
    assert "/small/" in small.artifact.origin
    with pytest.raises(LocalBuildFailedError, match="could not build the program") as caught:
        crate.build(profile="smal")
    assert any("profile `smal` is not defined" in line for line in caught.value.detail)


def test_a_toolchain_that_is_not_installed_is_named_with_its_file(crate: Any) -> None:
    """Of two choice files the older form wins, as for rustup; nothing is downloaded."""
    crate.write({"rust-toolchain": "1.61.0\n", "rust-toolchain.toml": '[toolchain]\nchannel = "stable"\n'})
    began = time.monotonic()
    with pytest.raises(ToolMissingError, match=r"the Rust toolchain 1\.61\.0 is not installed") as caught:
        crate.build()
    assert caught.value.repair == "rustup toolchain install 1.61.0"
    assert str(caught.value.location) == "rust-toolchain"
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("namespaces")
def test_a_missing_linker_names_the_package(crate: Any) -> None:
    """Not rustc's page of flags, but what to install."""
    crate.write({".cargo/config.toml": '[build]\nrustflags = ["-Clinker=surely-no-linker"]\n'})
    with pytest.raises(ToolMissingError, match="surely-no-linker is needed") as caught:
        crate.build()
    assert str(caught.value.repair).endswith("surely-no-linker")


def test_manifests_that_do_not_fit_the_spec(crate: Any) -> None:
    """No such file, package or program; several to choose from; a manifest that cargo refuses."""
    for settings, said in (
        ({"manifest": "Cargo.tml"}, "names Cargo.tml, which is no file"),
        ({"package": "dmo"}, "`toolchain.package` is 'dmo', which cargo does not know; did you mean demo?"),
        ({"binary": "dem"}, "`toolchain.binary` is 'dem', which cargo does not know; did you mean demo?"),
    ):
        with pytest.raises(SpecInvalidError, match=re.escape(said)):
            crate.build(**settings)
    crate.write({"Cargo.toml": "[package\n"})
    with pytest.raises(SpecInvalidError, match="cargo does not understand the manifest") as caught:
        crate.build()
    assert str(caught.value.location) == "Cargo.toml"
    assert str(crate.workspace.root) not in "\n".join(caught.value.detail)
    crate.write(
        {
            "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\n',
            **{f"{name}/Cargo.toml": package(name) for name in "ab"},
            **{f"{name}/src/main.rs": "fn main() {}" for name in "ab"},
        }
    )
    with pytest.raises(SpecInvalidError, match="is a workspace of 2 packages and none is named") as caught:
        crate.build()
    assert str(caught.value.repair).endswith("a, b")
