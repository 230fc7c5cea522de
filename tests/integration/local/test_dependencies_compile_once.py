"""What the host has compiled of the dependencies is not compiled again in the image."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.archive import load_files
from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project, Run

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_MANIFEST = """\
[package]
name = "hello"
version = "0.1.0"
edition = "2021"

[dependencies]
itoa = "1"
paste = "1"
psm = "=0.1.21"
"""
_MAIN = """\
paste::paste! {
    fn [<which _ program>]() -> &'static str {
        "the real program"
    }
}

fn main() {
    println!("hello from {}", which_program());
    // Assembly code, which a build script has the C compiler make; of such crates one that takes little time.
    let here = psm::stack_pointer() as usize;
    println!("{}", itoa::Buffer::new().format(u32::from(here > 0)));
}
"""
_DOCKERFILE = """\
FROM rust:1.95-bookworm AS builder
WORKDIR /app
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release --locked
COPY src src
RUN cargo build --release --locked && ! find $CARGO_HOME/registry/src -newermt 2010-01-01 -type f | grep .
FROM debian:bookworm-slim
COPY --from=builder /app/target/release/hello /usr/local/bin/hello
CMD ["hello"]
"""
_CRATES = ("itoa", "paste", "psm")


def prepare(project: Project) -> str:
    """Write the project, and return its manifest, which no other test has: offers are found by it."""
    manifest = f"{_MANIFEST}# {project.tag}\n"
    project.write({"Cargo.toml": manifest, "src/main.rs": _MAIN, "Dockerfile": _DOCKERFILE})
    subprocess.run(["cargo", "generate-lockfile"], cwd=project.folder, check=True, env=os.environ, capture_output=True)
    return manifest


def compiled_in_image(project: Project) -> list[str]:
    """Return which of the dependencies the last build's image compiled."""
    log = (project.workspace / "runs/latest/logs/image.log").read_text()
    return [crate for crate in _CRATES if f"Compiling {crate} v" in log]


def compiled_on_host(run: Run) -> set[str]:
    """Return which of the dependencies the host compiled."""
    return {package.partition(" ")[0] for package in run.record["local"]["compiled"]} & set(_CRATES)


def test_dependencies_compile_once(hello: Project) -> None:
    """Handed over at the first build, after which the layer stays; `--independent` takes none.

    Nor does cargo unpack an archive in a step: that is done once, for all.
    """
    prepare(hello)
    first = hello.build()
    assert first.exit_code == 0, first.stderr
    assert compiled_in_image(hello) == []
    calls = first.record["calls"]
    assert [call["handed"] for call in calls] == ["plain native", ""], "the second call finds the first one's folder"
    programs = {program["sha256"] for program in first.record["programs"]}
    assert len(programs) == 1

    hello.write({"src/main.rs": _MAIN.replace("the real program", "the real program, changed")})
    changed = hello.build()
    assert changed.exit_code == 1, "another greeting than the spec expects"
    assert changed.check("stub-free")["status"] == "passed"
    states = {
        step["location"]["line"]: step["state"]
        for step in changed.record["steps"]
        if step["lane"] == "image" and step["location"]
    }
    assert (states[4], states[6]) == ("cached", "done")

    hello.write({"src/main.rs": _MAIN})
    alone = hello.build("--independent")
    assert alone.exit_code == 0, alone.stderr
    assert compiled_in_image(hello) == list(_CRATES)
    assert {program["sha256"] for program in alone.record["programs"]} == programs, "the same, whoever compiled it"
    assert "twinbuild.local/dependencies:" in hello.invoke("clean", "--spec", "buildspec.yaml", "--store").stdout


def test_a_damaged_artifact_is_left_out(hello: Project) -> None:
    """One bit of an rlib fell on the host between two builds: cargo does not see it, the handover does."""
    manifest = prepare(hello)
    assert hello.build().exit_code == 0
    (rlib,) = hello.workspace.glob("target/release/deps/libitoa-*.rlib")
    content = bytearray(rlib.read_bytes())
    content[len(content) // 2] ^= 1
    stamps = rlib.stat()
    rlib.write_bytes(content)
    os.utime(rlib, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    # Another manifest asks for another offer, made of what lies there.
    hello.write({"Cargo.toml": f"{manifest}# another\n"})
    run = hello.build()
    assert run.exit_code == 0, run.record["failure"] or run.record["verdict"]
    # Taken out of the offer; or, should cargo see for itself that something is amiss, compiled anew on the host.
    anew = any(package.startswith("itoa ") for package in run.record["local"]["compiled"])
    assert anew or "itoa" in compiled_in_image(hello), run.record["local"]
    assert {"paste", "psm"}.isdisjoint(compiled_in_image(hello))
    # The host's own program was linked before the bit fell.
    assert run.exit_code == 0, run.stderr
    cleaned = hello.invoke("clean", "--spec", "buildspec.yaml", "--store")
    assert cleaned.stdout.count("twinbuild.local/dependencies:") == 2
    assert hello.workspace.exists()


def test_a_damaged_artifact_that_the_host_links_is_named(hello: Project) -> None:
    """The image has the sound one, from the offer: refused, and not for what the bytes look like; `clean` mends it."""
    prepare(hello)
    assert hello.build().exit_code == 0
    (rlib,) = hello.workspace.glob("target/release/deps/libitoa-*.rlib")
    content, digits = rlib.read_bytes(), b"9596979899"
    assert digits in content, "the table of digits, which is part of every program that prints numbers"
    stamps = rlib.stat()
    rlib.write_bytes(content.replace(digits, b"9596979898"))
    os.utime(rlib, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    hello.write({"src/main.rs": f"{_MAIN}\n#[no_mangle]\npub static MORE: u8 = 1;\n"})
    run = hello.build()
    assert (run.exit_code, run.cause) == (1, "damaged-artifact"), run.record["failure"] or run.record["verdict"]
    assert run.record["verdict"]["message"].count(f"release/deps/{rlib.name}") == 1
    assert "invoke clean" in run.record["verdict"]["repair"]
    hello.invoke("clean", "--spec", "buildspec.yaml", "--store")
    hello.invoke("clean", "--spec", "buildspec.yaml")
    assert hello.build().exit_code == 0
    hello.invoke("clean", "--spec", "buildspec.yaml", "--store")


def test_a_damaged_offer_is_not_used(hello: Project, engine: Engine, tmp_path: Path) -> None:
    """One bit fell in what the engine holds: the shim sees it, says so, and the image compiles for itself."""
    prepare(hello)
    assert hello.build().exit_code == 0
    (offer,) = known_offers(hello)
    saved = tmp_path / "offer.tar"
    saved.write_bytes(b"".join(engine.save(offer)))
    with tarfile.open(saved) as image:
        (layer,) = json.loads(image.extractfile("manifest.json").read())[0]["Layers"]
        with tarfile.open(fileobj=io.BytesIO(image.extractfile(layer).read())) as content:
            members = [member for member in content if member.isfile() or member.islnk()]
            files = [(member.name, bytearray(content.extractfile(member).read()), member.mode) for member in members]
    assert any(member.islnk() for member in members), "the two names of a build script are of one file"
    (rlib,) = [content for name, content, _ in files if "/libitoa-" in name and name.endswith(".rlib")]
    rlib[len(rlib) // 2] ^= 1
    assert engine.remove_image(offer)
    load_files(
        engine, offer, [(name, bytes(content), mode) for name, content, mode in files], scratch=tmp_path,
        mtime=int(members[0].mtime),
    )  # fmt: skip
    # Of another context, as the witness of an image is remembered by its content.
    hello.write({"src/main.rs": f"{_MAIN}// again\n"})
    run = hello.build()
    assert run.exit_code == 0, run.stderr
    assert "damaged" in run.record["calls"][0]["handed"]
    assert compiled_in_image(hello) == list(_CRATES)
    shutil.rmtree(hello.workspace / "target")
    cold = hello.build()
    assert cold.exit_code == 0, cold.stderr
    assert compiled_on_host(cold) == set(_CRATES), "nor does the host take it back"
    hello.invoke("clean", "--spec", "buildspec.yaml", "--store")


_GREETING = """fn main() {
    println!("cargo::rerun-if-env-changed=FLAVOUR");
    println!("cargo::rustc-env=TASTE={}", std::env::var("FLAVOUR").unwrap_or_default());
}
"""


def test_a_variable_that_a_build_script_reads(hello: Project, tmp_path: Path) -> None:
    """The offer made under another value is not used; the new one is compiled once, and the old one is still there."""
    folder = tmp_path / "greeting"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(f'[package]\nname = "greeting"\nversion = "0.2.0"\n# {hello.tag}\n')
    (folder / "build.rs").write_text(_GREETING)
    (folder / "src/lib.rs").write_text('pub const TASTE: &str = env!("TASTE");\n')
    named = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **named})
    manifest = (
        f'[package]\nname = "hello"\nversion = "0.1.0"\n[dependencies]\ngreeting = {{ git = "{folder.as_uri()}" }}\n'
    )
    dockerfile = _DOCKERFILE.replace("WORKDIR /app\n", "WORKDIR /app\nENV FLAVOUR=sweet\n")
    main = 'fn main() {\n    println!("hello from the real program");\n    println!("{}", greeting::TASTE);\n}\n'
    hello.write({"Cargo.toml": manifest, "src/main.rs": main, "Dockerfile": dockerfile})
    subprocess.run(["cargo", "generate-lockfile"], cwd=hello.folder, check=True, env=os.environ, capture_output=True)
    tastes, offers = [], []
    for value in ("sweet", "sour", "sweet"):
        hello.write({"Dockerfile": dockerfile.replace("sweet", value)})
        run = hello.build()
        assert run.exit_code == 0, run.stderr
        tastes.append(
            next(line["text"] for line in run.record["transcripts"][1]["head"] if line["text"] in {"sweet", "sour"})
        )
        log = (hello.workspace / "runs/latest/logs/image.log").read_text()
        assert "Compiling greeting v" not in log, "the image takes what the host has compiled under this very value"
        offers.append(known_offers(hello)[0])
    assert tastes == ["sweet", "sour", "sweet"]
    assert offers[0] != offers[1]
    hello.invoke("clean", "--spec", "buildspec.yaml", "--store")


def test_a_limit_bounds_what_is_kept(hello: Project) -> None:
    """Less than one artifact: nothing is handed over, the image compiles, and the engine keeps nothing of it."""
    prepare(hello)
    spec = (hello.folder / "buildspec.yaml").read_text()
    hello.write({"buildspec.yaml": spec.replace("toolchain: {", "toolchain: {share_limit: 1KiB, ")})
    run = hello.build()
    assert run.exit_code == 0, run.stderr
    assert compiled_in_image(hello) == list(_CRATES)
    assert known_offers(hello) == []


def test_a_removed_target_is_filled_from_the_offer(hello: Project) -> None:
    """Only the project is compiled then; not where it is told otherwise, nor what this workspace did not compile."""
    prepare(hello)
    first = hello.build()
    assert first.exit_code == 0, first.stderr
    for how in ("as ever", "as another checkout", "--independent"):
        shutil.rmtree(hello.workspace / "target")
        if how == "as another checkout":
            # It finds the offer by the same tag.
            (hello.workspace / "memo/handover/sums.json").unlink()
        again = hello.build(*([how] if how.startswith("--") else []))
        assert again.exit_code == 0, again.stderr
        assert compiled_on_host(again) == (set() if how == "as ever" else set(_CRATES))
        programs = [{each["sha256"] for each in run.record["programs"]} for run in (first, again)]
        assert programs[0] == programs[1]
    hello.invoke("clean", "--spec", "buildspec.yaml", "--store")


def known_offers(project: Project) -> list[str]:
    """Return the tags of a project's offers, the newest first."""
    known = Workspace.open(project.workspace).recall("handover", "offers")
    return [str(each) for each in known] if isinstance(known, list) else []
