"""`invoke compare`, `inspect` and `explain` as a person runs them: files, images, exit codes, one screen."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest

ROOT = Path(__file__).resolve().parents[3]
SCREEN = 60  # lines that a screen of today shows


def invoke(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-P", str(ROOT / "start.py"), "--write-pyc", "--search-root", str(ROOT), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TWINBUILD_WORKSPACE": str(cwd / "workspace")},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def programs(laboratory: Any, recipe: Any) -> tuple[Path, Path, Path]:
    """Return a program, the same one built from another cargo home, and its stub."""
    made = [recipe(), recipe(home="a-home-with-a-longer-name"), recipe(main="fn main() {}")]
    return tuple(laboratory.build(one) for one in made)  # type: ignore[return-value]


@pytest.mark.cargo
def test_the_screen_that_ends_the_investigation(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """A program against its stub: one screen with rung, cause and repair, and exit code 1."""
    local, _, stub = programs
    done = invoke("compare", str(local), str(stub), "--own", "backend,library", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) < SCREEN
    assert "foreign (accepted: identical)" in done.stdout
    assert "stub (certain): the image's program has" in " ".join(done.stdout.split())
    assert "REFUSED" in done.stdout


@pytest.mark.cargo
def test_a_rung_can_be_accepted(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """`--accept paths` lets a pair pass that differs by source folders alone; JSON says all of it."""
    local, moved, _ = programs
    assert invoke("compare", str(local), str(moved), cwd=tmp_path).returncode == 1
    written = tmp_path / "found.md", tmp_path / "found.html"
    files = ("--markdown", str(written[0]), "--html", str(written[1]))
    done = invoke("compare", str(local), str(moved), "--accept", "paths", "--json", *files, cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (done.returncode, said["accepted"], said["rung"]) == (0, True, "paths")
    assert said["causes"][0]["cause"] == "paths"
    assert said["causes"][0]["repair"]
    text = written[0].read_text(encoding="utf-8")
    assert "accepted: <code>paths</code>" in text
    assert "**Cause:** <code>paths</code> (" in text
    assert b"paths" in written[1].read_bytes()
    assert {aspect["name"] for aspect in said["aspects"]} >= {"code", "data", "strings", "sections", "hardening"}
    assert said["local"]["size"] == local.stat().st_size


@pytest.mark.cargo
def test_a_comparison_is_written_as_a_page(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """`--html FILE` writes one page beside the screen, with both programs as pictures; the exit code stays."""
    local, moved, stub = programs
    done = invoke(
        "compare", str(local), str(stub), "--own", "backend,library", "--html", "made/page.html", cwd=tmp_path
    )
    page = (tmp_path / "made/page.html").read_text(encoding="utf-8")
    assert (done.returncode, "REFUSED" in done.stdout) == (1, True)
    assert page.count('class="map"') == 2
    assert all(f">{name}<" in page for name in (".text", "core", "stub", "foreign"))
    assert "<title>foreign, refused: " in page
    page = tmp_path / "moved.html"
    assert (
        invoke("compare", str(local), str(moved), "--html", str(page), "--accept", "paths", cwd=tmp_path).returncode
        == 0
    )
    assert "Accepted" in page.read_text(encoding="utf-8")
    assert invoke("compare", str(local), str(stub), "--html", "/proc/none/page.html", cwd=tmp_path).returncode == 3


@pytest.mark.cargo
def test_an_identical_pair_is_not_taken_apart(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Equal bytes are the answer: neither LIEF nor capstone nor the engine's library is loaded."""
    local, copy = programs[0], tmp_path / "copy"
    shutil.copy(local, copy)
    code = (
        "import os, sys; from orchestrator.flow.compare import compare_programs;"
        "found = compare_programs(sys.argv[1], sys.argv[2], accept='identical', own=(), environment=os.environ);"
        "assert found.accepted and found.comparison.difference is None;"
        "sys.exit(bool({'lief', 'capstone', 'docker'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(local), str(copy)], cwd=ROOT, check=False).returncode == 0
    done = invoke("compare", str(local), str(copy), cwd=tmp_path)
    assert done.returncode == 0
    assert "ACCEPTED" in done.stdout
    assert "cause" not in done.stdout


@pytest.mark.cargo
def test_a_stub_on_both_sides_is_named(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Nothing differs, and that is what is wrong; wherever it is written down."""
    stub = str(programs[2])
    written = tmp_path / "found.md", tmp_path / "found.html"
    files = ("--markdown", str(written[0]), "--html", str(written[1]))
    done = invoke("compare", stub, stub, cwd=tmp_path)
    assert done.returncode == 0
    assert "stub (likely): both are the same placeholder: `backend::main` takes" in " ".join(done.stdout.split())
    done = invoke("compare", stub, stub, "--json", *files, cwd=tmp_path)
    (cause,) = json.loads(done.stdout)["causes"]
    assert (cause["cause"], cause["likelihood"]) == ("stub", "likely")
    assert all("the same placeholder" in path.read_text(encoding="utf-8") for path in written)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare", "/nowhere/local", "/nowhere/image"), "there is no file /nowhere/local"),
        (("compare", sys.executable, "."), "is a folder"),
        (("compare", sys.executable, sys.executable, "--accept", "perfect"), "there is no rung 'perfect'"),
        (("compare", sys.executable, ""), "a program's name is empty"),
        (("compare", sys.executable), "did not receive required positional arguments: 'image'"),
        (("compare", sys.executable, sys.executable, "--strict"), "No idea what '--strict' is"),
        (("inspect", "No Such Thing"), "there is no file No Such Thing"),
        (("explain", "pahts"), "did you mean paths"),
    ],
)
def test_a_mistake_is_explained(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """Exit code 3, what was found, and what to do."""
    done = invoke(*arguments, cwd=tmp_path)
    assert done.returncode == 3
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize("words", [("compare", "--help"), ("--help", "compare"), ("lint", "--help")])
def test_help_is_given_wherever_it_is_asked_for(words: tuple[str, ...], tmp_path: Path) -> None:
    """Behind the task as well, where invoke would miss the words that the task must have."""
    done = invoke(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Options:" in done.stdout
    assert next(word for word in words if word != "--help") in done.stdout.splitlines()[0]


@pytest.mark.cargo
def test_a_misspelt_crate_of_one_s_own_is_told(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Otherwise a stub would be taken for something else; one right name among several is enough."""
    local, _, stub = programs
    done = invoke("compare", str(local), str(stub), "--own", "bakend", cwd=tmp_path)
    assert done.returncode == 3
    assert "holds no function of 'bakend'" in " ".join(done.stderr.split())
    assert "did you mean backend?" in done.stderr
    assert "stub (certain)" in invoke("compare", str(local), str(stub), "--own", "backend,bakend", cwd=tmp_path).stdout


@pytest.mark.cargo
def test_a_program_is_inspected(programs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """What it is, what it needs, whose code it holds; the JSON holds the profile."""
    done = invoke("inspect", str(programs[0]), cwd=tmp_path)
    assert done.returncode == 0
    for words in ("elf x86_64 pie", "libc.so.6", "full-relro", "tinydep 1.2.3", "rustc version"):
        assert words in " ".join(done.stdout.split())
    said = json.loads(invoke("inspect", str(programs[0]), "--json", cwd=tmp_path).stdout)
    assert said["code_by_crate"]["backend"] > 0


def test_a_file_for_another_system_is_inspected(tmp_path: Path) -> None:
    """Foreign and broken files have a screen as well."""
    path = tmp_path / "program.exe"
    path.write_bytes(b"MZ" + bytes(100))
    done = invoke("inspect", str(path), cwd=tmp_path)
    assert done.returncode == 0
    assert "damage" in done.stdout


def test_causes_are_listed_and_explained(tmp_path: Path) -> None:
    """`invoke explain` lists them, with an id it prints the page."""
    assert "edited-after-link" in invoke("explain", cwd=tmp_path).stdout
    assert invoke("explain", "stub", cwd=tmp_path).stdout.startswith("# stub")


@pytest.mark.engine
def test_programs_are_read_out_of_an_image(slim_base: str, tmp_path: Path) -> None:
    """An image is read and never run; a path that it lacks is named, and nothing is left in the engine."""
    inside = f"{slim_base}:/usr/bin/env"
    assert invoke("compare", inside, inside, cwd=tmp_path).returncode == 0
    other = invoke("compare", sys.executable, inside, "--json", cwd=tmp_path)
    assert other.returncode == 1
    assert json.loads(other.stdout)["image"]["origin"] == inside
    assert "pie" in invoke("inspect", inside, cwd=tmp_path).stdout
    missing = invoke("compare", sys.executable, f"{slim_base}:/no/program", cwd=tmp_path)
    assert missing.returncode == 3
    assert "has no file /no/program" in " ".join(missing.stderr.split())
    client, tag = docker.from_env(), "twinbuild-test-started:1"
    text = f'FROM {slim_base}\nENTRYPOINT ["/usr/bin/env"]\n'
    client.images.build(fileobj=io.BytesIO(text.encode()), tag=tag, rm=True)
    try:
        started = invoke("compare", sys.executable, f"{tag}:/no/program", cwd=tmp_path)
        assert "it starts /usr/bin/env" in " ".join(started.stderr.split())
    finally:
        client.images.remove(tag)
        client.close()
    nothing = invoke("inspect", "twinbuild-test-no-such-image:1", cwd=tmp_path)
    assert nothing.returncode == 3
