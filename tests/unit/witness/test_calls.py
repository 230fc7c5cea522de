"""What the shim witnesses of a call, whatever the names, the tools and the way in which cargo is called."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.witness.step import MANIFEST, PRINTS, STUB, Step, made_step

pytestmark = pytest.mark.cargo

ODD = (
    "a b.txt",
    "line\nend.txt",
    "back\\slash.txt",
    "-dash.txt",
    "tab\there.txt",
    "return\r.txt",
    "\udcff.txt",
    "*[x]?",
)


def small(step: Step, text: str = "truth") -> None:
    step.write({"Cargo.toml": MANIFEST.format(name="app"), "src/main.rs": PRINTS.format(text=text)})


def test_file_names(any_step: Step) -> None:
    """Blanks, line ends, backslashes, bytes that are no UTF-8: each is witnessed under its own name, and refreshed."""
    small(any_step)
    any_step.write({f"assets/{name}": name.encode(errors="surrogateescape") for name in ODD})
    (any_step.project / "assets/link").symlink_to("a b.txt")
    any_step.write({
        "build.rs": 'fn main() { println!("cargo:rerun-if-changed=assets"); println!("cargo:rustc-env=ASSET={}", '
        'std::fs::read_to_string("assets/line\\nend.txt").unwrap().len()); }\n',
        "src/main.rs": 'fn main() { println!("{}", env!("ASSET")); }\n',
    })  # fmt: skip
    any_step.run("cargo", "build")
    sources = any_step.calls()[0].sources
    expected = {f"assets/{name}": digest(name.encode(errors="surrogateescape")) for name in ODD}
    expected["assets/link"] = digest(b"a b.txt")
    assert {path: sources.get(path) for path in expected} == expected
    any_step.write({"assets/line\nend.txt": "other"})
    any_step.run("cargo", "build")
    assert any_step.output() == "5"
    assert any_step.calls()[-1].sources["assets/line\nend.txt"] == digest(b"other")
    assert any_step.calls()[-1].refreshed


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_path_crates_beside_the_workspace(any_step: Step) -> None:
    """Found from manifest to manifest, in whichever table; their stubs are replaced and their sources witnessed."""
    any_step.write({
        "app/Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nmiddle = { path = "../middle" }\n',
        "app/src/main.rs": 'fn main() { println!("{}", middle::say()); }\n',
        "middle/Cargo.toml": MANIFEST.format(name="middle") + "[dependencies.far]\npath = '../libs/far'\n",
        "middle/src/lib.rs": "pub fn say() -> &'static str { far::say() }\n",
        "libs/far/Cargo.toml": MANIFEST.format(name="far"),
        "libs/far/src/lib.rs": "pub fn say() -> &'static str { \"\" }\n",
        "libs/other/Cargo.toml": MANIFEST.format(name="other"),
        "libs/other/src/lib.rs": "",
    })  # fmt: skip
    any_step.run("cargo", "build", cwd=any_step.project / "app")
    any_step.write({"libs/far/src/lib.rs": 'pub fn say() -> &\'static str { "truth" }\n'})
    any_step.run("cargo", "build", cwd=any_step.project / "app")
    assert any_step.output("app/target/debug/app") == "truth"
    sources = any_step.calls()[-1].sources
    assert sources["../libs/far/src/lib.rs"] == digest((any_step.project / "libs/far/src/lib.rs").read_bytes())
    assert {"src/main.rs", "../middle/src/lib.rs"} <= sources.keys()
    assert "../libs/other/src/lib.rs" not in sources


@pytest.mark.parametrize("tool", ["sha256sum", "find", "xargs", "awk", "sort", "touch", "sed", "grep", "cp"])
def test_a_tool_that_is_missing(step: Step, tool: str) -> None:
    """Cargo runs all the same; the call is not witnessed, and the reason is said."""
    small(step)
    without(step, tool)
    step.run("cargo", "build")
    assert step.output() == "truth"
    call = step.calls()[-1]
    assert call.unwitnessed == f"{tool} is missing"
    assert (call.exit_code, call.refreshed, dict(call.made), dict(call.sources)) == (0, False, {}, {})


def test_without_digests_every_file_counts_as_new(step: Step) -> None:
    """A stub does not survive for want of sha256sum."""
    without(step, "sha256sum")
    small(step, "")
    step.run("cargo", "build")
    small(step)
    step.run("cargo", "build")
    assert step.output() == "truth"


def without(step: Step, tool: str) -> None:
    """Let PATH hold all programs of the system but one."""
    place = step.folder / "programs"
    place.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != tool:
            (place / program.name).symlink_to(program)
    step.path = f"{step.path.partition(':')[0]}:{place}"


@pytest.mark.parametrize(("tool", "refused"), [("xargs", "-0"), ("find", "-print0"), ("sha256sum", "/")])
def test_a_tool_that_cannot_do_what_is_needed(step: Step, tool: str, refused: str) -> None:
    """As in small systems: cargo runs, the call is not witnessed."""
    small(step)
    place = step.folder / "limited"
    place.mkdir()
    (place / tool).write_text(
        f'#!/bin/sh\nfor word; do case $word in {refused}*) echo "{tool}: $word: unknown" >&2; exit 1 ;; esac; done\n'
        f'exec /usr/bin/{tool} "$@"\n'
    )
    (place / tool).chmod(0o755)
    step.path = f"{place}:{step.path}"
    step.run("cargo", "build")
    assert step.output() == "truth"
    assert "cannot do what is needed" in step.calls()[-1].unwitnessed


def test_ways_to_call_cargo(step: Step) -> None:
    """Through make, a script, a time limit, an alias, subcommands: each leads to one witnessed call."""
    small(step)
    step.write({
        "Makefile": "all:\n\tcargo build --quiet\n",
        "build.sh": "for word in build; do cargo $word; done\n",
        ".cargo/config.toml": '[alias]\ncompile = "build --quiet"\n',
        "bin/cargo-again": '#!/bin/sh\nshift\nexec "${CARGO:-cargo}" "$@"\n',
        "bin/cargo-by-name": '#!/bin/sh\nshift\nexec cargo "$@"\n',
    })  # fmt: skip
    for name in ("again", "by-name"):
        (step.project / f"bin/cargo-{name}").chmod(0o755)
    step.path = f"{step.path}:{step.project}/bin"
    ways = (
        ["make"],
        ["sh", "build.sh"],
        ["timeout", "60", "cargo", "build"],
        ["cargo", "compile"],
        ["cargo", "again", "build"],
        ["cargo", "by-name", "build"],
        ["cargo", "run"],
        ["cargo", "rustc", "--bin", "app"],
        ["cargo", "-q", "--config", "build.incremental=false", "b"],
    )
    for number, way in enumerate(ways, start=1):
        step.run(*way)
        assert len(step.calls()) == number, way
    assert all(call.refreshed and not call.unwitnessed for call in step.calls())
    for bystander in (["--version"], ["metadata", "--format-version=1"], ["tree"], ["--list"], ["help"]):
        step.run("cargo", *bystander)
    assert len(step.calls()) == len(ways)


def test_a_cargo_that_is_called_by_its_path(step: Step) -> None:
    """PATH leads to none; a subcommand that calls it again finds the same one, and a missing file fails as always."""
    small(step)
    step.write({"bin/cargo-again": '#!/bin/sh\nshift\nexec "$CARGO" "$@"\n'})
    (step.project / "bin/cargo-again").chmod(0o755)
    folder, *others = step.path.split(":") if step.shell != "busybox" else step.path.split(":")[1:]
    own = step.folder / "own"
    own.mkdir()
    (own / "cargo").symlink_to(f"{folder}/cargo")
    (own / "other").symlink_to(f"{folder}/cargo")
    (step.folder / "rust").mkdir()
    (step.folder / "rust/rustc").symlink_to(f"{folder}/rustc")
    applets = [str(step.tools / "applets")] if step.shell == "busybox" else []
    step.path = ":".join((*applets, str(step.folder / "rust"), *others, str(step.project / "bin")))
    at = f"{step.tools}/at"
    step.run(at, f"{own}/cargo", "build")
    assert step.output() == "truth"
    step.run(at, "../own/cargo", "again", "build")
    assert [(call.refreshed, call.unwitnessed, call.arguments) for call in step.calls()] == [(True, "", ("build",))] * 2
    assert "cargo" in step.run(at, f"{own}/cargo", "--version")
    step.run(at, f"{own}/other", "build")
    assert len(step.calls()) == 2
    assert "not found" in step.run("sh", "-c", f"{at} {own}/none/cargo build; test $? = 127")
    assert "not found in PATH" in step.run("sh", "-c", "cargo build; test $? = 127")


def test_a_named_toolchain(step: Step) -> None:
    """`cargo +stable` needs rustup's cargo, and is asked with the same words about the workspace."""
    rustup = shutil.which("rustup")
    if rustup is None:
        pytest.skip("rustup is not installed")
    small(step)
    step.path = f"{Path(rustup).parent}:/usr/bin:/bin"
    home = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    step.run("cargo", "+stable", "build", RUSTUP_HOME=home)
    assert step.calls()[-1].arguments == ("+stable", "build")
    assert step.sha256() in step.calls()[-1].made.values()


def test_what_is_told_of_a_call_that_fails(step: Step) -> None:
    """Its exit code goes through and is witnessed, with arguments that hold line ends cut to one line."""
    small(step)
    step.write({"src/main.rs": "fn main() { no }"})
    done = step.run("sh", "-c", 'cargo rustc -- --cfg "a\nb"; echo "exit $?"')
    assert "exit 101" in done
    call = step.calls()[-1]
    assert call.exit_code == 101
    assert call.arguments == ("rustc", "--", "--cfg", "a")
    assert call.directory == str(step.project)
    assert "release:" in call.rustc


def test_a_program_that_was_only_copied_was_not_made(tmp_path: Path) -> None:
    """`cargo install` gives a stale program a new time stamp; that is no proof that it was compiled."""
    step = made_step(tmp_path, "sh", guard="observe")
    small(step, "stub")
    step.run("cargo", "build")
    small(step)
    step.run("cargo", "install", "--debug", "--path", ".", "--root", str(tmp_path / "installed"))
    assert step.output("../installed/bin/app") == "stub"
    call = step.calls()[-1]
    assert step.sha256("../installed/bin/app") not in call.made.values()
    assert call.kept[str(tmp_path / "installed/bin/app")] == step.sha256("../installed/bin/app")


def test_an_installed_program_that_was_compiled_was_made(step: Step) -> None:
    """The copy equals an artifact of the call."""
    small(step)
    step.run("cargo", "install", "--debug", "--path", ".", "--root", str(step.folder / "installed"))
    assert step.calls()[-1].made[str(step.folder / "installed/bin/app")] == step.sha256("../installed/bin/app")


def test_a_witness_folder_that_cannot_be_written(step: Step) -> None:
    """The next one is taken; with none at all, cargo runs and nothing is witnessed."""
    small(step)
    (step.folder / "file").write_text("")
    (step.tools / "folders").write_text(f"{step.folder}/file/x\n{step.witness}\n")
    step.run("cargo", "build")
    assert len(step.calls()) == 1
    (step.tools / "folders").write_text(f"{step.folder}/file/x\n")
    step.run("cargo", "build")
    assert len(step.calls()) == 1


def test_a_call_that_is_killed(step: Step) -> None:
    """It is not witnessed, leaves no scratch files, and the next call is right."""
    small(step, "")
    step.run("cargo", "build")
    step.write({"build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(30)); }\n"})
    small(step)
    step.run("timeout", "2", "cargo", "build", check=False)
    assert len(step.calls()) == 1
    (step.project / "build.rs").unlink()
    step.run("cargo", "build")
    assert step.output() == "truth"
    left = [place.read_text() for place in Path("/dev").glob("shm/.twinbuild.*/roots")]
    assert not [text for text in left if str(step.project) in text]


def test_programs_in_folders_that_are_called_like_cargos_own(step: Step) -> None:
    """A target directory named `build` or `deps` hides nothing."""
    small(step)
    for name in ("build", "deps"):
        step.run("cargo", "build", "--target-dir", name)
        assert step.sha256(f"{name}/debug/app") in step.calls()[-1].made.values()


def test_nested_workspaces_and_a_manifest_elsewhere(step: Step) -> None:
    """The workspace that cargo finds is the one that is witnessed, from whichever folder it is called."""
    small(step)
    step.write({
        "Cargo.toml": MANIFEST.format(name="app") + '[workspace]\nexclude = ["inner"]\n',
        "inner/Cargo.toml": '[workspace]\nmembers = ["deep/app"]\nresolver = "2"\n',
        "inner/deep/app/Cargo.toml": MANIFEST.format(name="app"),
        "inner/deep/app/src/main.rs": STUB,
    })  # fmt: skip
    step.run("cargo", "build", "--manifest-path=inner/deep/app/Cargo.toml")
    step.write({"inner/deep/app/src/main.rs": PRINTS.format(text="inner")})
    step.run("cargo", "build", cwd=step.project / "inner/deep")
    assert step.output("inner/target/debug/app") == "inner"
    call = step.calls()[-1]
    assert call.workspace == str(step.project / "inner")
    assert set(call.sources) == {"Cargo.toml", "Cargo.lock", "deep/app/Cargo.toml", "deep/app/src/main.rs"}


def test_no_cargo_at_all(step: Step) -> None:
    """The error is the shell's own, in substance."""
    small(step)
    step.path = "/nonexistent:/usr/bin:/bin"
    if subprocess.run(["sh", "-c", "PATH=/usr/bin:/bin command -v cargo"], check=False, capture_output=True).stdout:
        pytest.skip("the system has a cargo of its own")
    assert "cargo: not found" in step.run("sh", "-c", "cargo build; test $? = 127")
