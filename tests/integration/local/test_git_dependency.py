"""A dependency from a git repository: fetched on the host, and at hand in the image where its URL leads nowhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.workspace import Workspace

if TYPE_CHECKING:
    from orchestrator.engine.docker import Engine
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_MAIN = 'fn main() {\n    println!("hello from {}", greeting::WHOM);\n    println!("{}", greeting::place());\n}\n'
_LIBRARY = """\
pub const WHOM: &str = "the real program";
pub fn place() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), " ", file!())
}
"""


def _repository(folder: Path, *, library: str = _LIBRARY, script: str = "") -> str:
    """Make a repository with one crate and return its revision."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "greeting"\nversion = "0.2.0"\nedition = "2021"\n')
    (folder / "src/lib.rs").write_text(library)
    if script:
        (folder / "build.rs").write_text(script)
    (folder / "src/link.rs").symlink_to("lib.rs")
    named = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **named})
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def _depend(hello: Project, repository: Path, revision: str) -> None:
    url = repository.as_uri()
    manifest = (hello.folder / "Cargo.toml").read_text()
    hello.write(
        {
            "Cargo.toml": f'{manifest}\n[dependencies]\ngreeting = {{ git = "{url}", rev = "{revision}" }}\n',
            "Cargo.lock": (
                f'version = 4\n\n[[package]]\nname = "greeting"\nversion = "0.2.0"\n'
                f'source = "git+{url}?rev={revision}#{revision}"\n\n'
                '[[package]]\nname = "hello"\nversion = "0.1.0"\ndependencies = [\n "greeting",\n]\n'
            ),
            "src/main.rs": _MAIN,
        }
    )


def test_a_git_dependency_needs_no_network_in_the_image(hello: Project, engine: Engine, tmp_path: Path) -> None:
    """The repository is a folder of this machine, so no step of the image could reach it; the bytes are equal."""
    _depend(hello, tmp_path / "greeting", _repository(tmp_path / "greeting"))
    made = hello.build()
    assert made.exit_code == 0, made.stderr
    local, _, image = made.record["programs"]
    assert local["sha256"] == image["sha256"]
    own = Workspace.open(hello.workspace).recall("images", "own")
    (crates,) = [tag for tag in (own if isinstance(own, list) else []) if tag.endswith("-git")]
    assert engine.remove_image(crates)
    assert "greeting 0.2.0" in made.record["local"]["compiled"]


def test_a_variable_that_a_dependencys_script_reads_without_saying_so(hello: Project, tmp_path: Path) -> None:
    """Cargo would take what the script made of the first value, on both sides; and nothing would tell."""
    script = (
        "use std::{env, fs};\n"
        'fn main() {\n    let place = env::var("OUT_DIR").unwrap() + "/place";\n'
        '    fs::write(place, env::var("WHERE_TO").unwrap_or_default()).unwrap();\n}\n'
    )
    library = _LIBRARY.replace(
        'concat!(env!("CARGO_MANIFEST_DIR"), " ", file!())', 'include_str!(concat!(env!("OUT_DIR"), "/place"))'
    )
    _depend(hello, tmp_path / "greeting", _repository(tmp_path / "greeting", library=library, script=script))
    dockerfile, spec = ((hello.folder / name).read_text() for name in ("Dockerfile", "buildspec.yaml"))
    hello.write({"Dockerfile": dockerfile.replace("RUN touch", "ARG WHERE_TO\nRUN touch", 1)})
    assert "ARG WHERE_TO" in (hello.folder / "Dockerfile").read_text()
    for value in ("first", "second", "first"):
        hello.write({"buildspec.yaml": f"{spec}inputs: {{WHERE_TO: {value}}}\n"})
        made = hello.build()
        assert made.exit_code == 0, made.record["failure"] or made.record["verdict"]
        local, _, image = made.record["programs"]
        assert local["sha256"] == image["sha256"]
        assert value in [line["text"] for line in made.record["transcripts"][1]["head"]]
