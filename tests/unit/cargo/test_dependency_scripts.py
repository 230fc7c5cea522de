"""What is read of the build scripts of dependencies, as cargo unpacks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.cargo.dependency_scripts import dependency_scripts
from orchestrator.toolchains.cargo.lock import LockedPackage

if TYPE_CHECKING:
    from pathlib import Path

GIT = 'fn main() { std::process::Command::new("git").arg("describe").output().unwrap(); }'
HARMLESS = """fn main() {
    // Command::new("git") would be one.
    println!("{}", std::env::current_dir().unwrap().display());
    std::process::Command::new("uname").output().unwrap();
}"""


def unpacked(home: Path, name: str, script: str, *, manifest: str = 'build = "build.rs"', whole: bool = True) -> None:
    folder = home / "registry/src/index.crates.io-0123456789abcdef" / name
    folder.mkdir(parents=True)
    (folder / "Cargo.toml").write_text(f'[package]\nname = "any"\n{manifest}\n')
    (folder / "build.rs").write_text(script)
    if whole:
        (folder / ".cargo-ok").write_text('{"v":1}')


def locked(name: str, source: str = "registry+https://example.org") -> LockedPackage:
    return LockedPackage(name=name, version="1.2.0", source=source, checksum=None)


def test_what_a_script_asks_is_named_with_its_place(tmp_path: Path) -> None:
    """Of the first home that has the crate whole; what is no build script, or only finds its way, is not named."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    unpacked(ours, "stamp-1.2.0", HARMLESS, whole=False)
    unpacked(theirs, "stamp-1.2.0", f"// the commit\n{GIT}")
    unpacked(ours, "harmless-1.2.0", HARMLESS)
    unpacked(ours, "without-1.2.0", GIT, manifest="build = false")
    unpacked(ours, "torn-1.2.0", GIT, manifest="build = ")
    packages = [locked(name) for name in ("stamp", "harmless", "without", "torn", "elsewhere")]
    read = dependency_scripts([*packages, locked("from-git", "git+https://example.org")], [ours, theirs])
    assert [(each.package, each.file, each.impurity.line) for each in read.found] == [("stamp 1.2.0", "build.rs", 2)]
    assert read.unread == 1
