"""`--fix` writes the invalidation that is missing, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.flow.lint import fix, lint

ROOT = Path(__file__).resolve().parents[3]
CASES = sorted(place.parent for place in (ROOT / "tests" / "backends").glob("*/Dockerfile"))
HAZARDS = {
    "stub-not-invalidated",
    "stub-partly-invalidated",
    "clean-other-profile",
    "crate-name-mixup",
    "removal-matches-nothing",
    "final-file-removed",
    "invalidated-elsewhere",
}
TOUCH = "find . -path ./target -prune -o -name '*.rs' -exec touch {} +"
PRIME = """FROM rust AS builder
WORKDIR /app
COPY Cargo.toml ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release
COPY src src
"""


def fixed(folder: Path, text: str | bytes) -> bytes:
    """Return a Dockerfile as `--fix --write` leaves it."""
    place = folder / "Dockerfile"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    made = fix([str(place)], None, write=True)
    assert made.written == (str(place),)
    assert not {finding.rule for finding in made.report.findings} & HAZARDS
    return place.read_bytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_corpus(case: Path, tmp_path: Path) -> None:
    """What is certain in the corpus is repaired, no rule finds it any more, and every other line stays as it was."""
    shutil.copytree(case, tmp_path / "case")
    place = tmp_path / "case" / "Dockerfile"
    before = place.read_text(encoding="utf-8").splitlines()
    found = {finding.rule for finding in lint([str(place)], None).findings}
    made = fix([str(place)], None, write=True)
    assert not {finding.rule for finding in made.report.findings} & HAZARDS
    if not found & HAZARDS and "sources-backdated" not in found:
        assert made.diff == ""
    after = place.read_text(encoding="utf-8").splitlines()
    kept = [line for line in before if line in after]
    assert len(before) - len(kept) <= 1


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("RUN cargo build --release\n", f"RUN {TOUCH} \\\n    && cargo build --release\n"),
        (
            "RUN --network=none true && \\\n  # why\n  cargo build --release && ls\n",
            f"RUN --network=none true && \\\n  # why\n  {TOUCH} \\\n  && cargo build --release && ls\n",
        ),
        (
            "RUN <<EOF\nset -e\n  cargo build --release\nEOF\n",
            f"RUN <<EOF\nset -e\n  {TOUCH}\n  cargo build --release\nEOF\n",
        ),
        (
            "RUN sh -e <<EOF\n  cargo build --release\nEOF\n",
            f"RUN sh -e <<EOF\n  {TOUCH}\n  cargo build --release\nEOF\n",
        ),
        ('RUN ["cargo", "build", "--release"]\n', f"RUN {TOUCH} \\\n    && cargo build --release\n"),
        ('RUN ["sh", "-c", "cargo build --release"]\n', f'RUN ["sh", "-c", "{TOUCH} && cargo build --release"]\n'),
        ("RUN A=1 cargo build --release\n", f"RUN {TOUCH} \\\n    && A=1 cargo build --release\n"),
        ("RUN echo é; cargo build --release\n", f"RUN echo é; {TOUCH} \\\n    && cargo build --release\n"),
    ],
)
def test_forms(tmp_path: Path, build: str, expected: str) -> None:
    """Shell form, continued lines with comments, here-documents and exec forms each keep their shape."""
    assert fixed(tmp_path, PRIME + build).decode() == PRIME + expected


def test_bytes_are_kept(tmp_path: Path) -> None:
    """Line ends and the mark at a file's beginning stay as they were; so does the file's mode."""
    text = b"\xef\xbb\xbf" + (PRIME + "RUN cargo build --release\n").replace("\n", "\r\n").encode()
    (tmp_path / "Dockerfile").touch(mode=0o600)
    after = fixed(tmp_path, text)
    assert after.startswith(b"\xef\xbb\xbfFROM")
    assert after.count(b"\r\n") == after.count(b"\n")
    assert (tmp_path / "Dockerfile").stat().st_mode & 0o777 == 0o600


def test_diff_comes_first(tmp_path: Path) -> None:
    """Without `--write` the file stays, and the diff says what would change."""
    place = tmp_path / "Dockerfile"
    place.write_text(PRIME + "RUN cargo build --release\n", encoding="utf-8")
    made = fix([str(place)], None, write=False)
    assert "-RUN cargo build --release\n" in made.diff
    assert f"+RUN {TOUCH} \\\n" in made.diff
    assert made.written == ()
    assert made.report.exit_code == 1
    assert place.read_text(encoding="utf-8").endswith("\nRUN cargo build --release\n")


def test_members_outside_the_build_folder(tmp_path: Path) -> None:
    """A crate beside the workspace is named; a workspace in `/` is not walked as a whole."""
    text = PRIME.replace("mkdir src", "mkdir src /shared /shared/src && : > /shared/src/lib.rs")
    after = fixed(
        tmp_path, text + "COPY shared/src /shared/src\nRUN touch src/main.rs && cargo build --release\n"
    ).decode()
    assert "find /shared " in after
    root = fixed(tmp_path, PRIME.replace("/app", "/") + "RUN cargo build --release\n").decode()
    assert "find /src " in root


def test_left_to_a_person(tmp_path: Path) -> None:
    """Where a command cannot simply be put before the build, the build is named instead."""
    place = tmp_path / "Dockerfile"
    place.write_text(PRIME + "RUN yes | cargo build --release\n", encoding="utf-8")
    made = fix([str(place)], None, write=True)
    assert (made.diff, made.written) == ("", ())
    assert "reads another command's output" in made.left[0]


def test_scripts_are_repaired_too(tmp_path: Path) -> None:
    """A build in a script that is copied and run gets its invalidation there; the Dockerfile stays."""
    files = {
        "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\n',
        "src/main.rs": "fn main() {}\n",
        "build.sh": "#!/bin/sh\nset -eu\nif true; then\n    cargo build --release\nfi\n",
        "Dockerfile": PRIME.replace("COPY src", "COPY build.sh ./\nCOPY src") + "RUN ./build.sh\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = fix([str(tmp_path / "Dockerfile")], None, write=True)
    assert [Path(name).name for name in made.written] == ["build.sh"]
    assert (tmp_path / "build.sh").read_text(encoding="utf-8") == files["build.sh"].replace(
        "    cargo", f"    {TOUCH}\n    cargo"
    )
    assert (tmp_path / "Dockerfile").read_text(encoding="utf-8") == files["Dockerfile"]
    assert made.report.exit_code == 0


def test_in_a_makefile(tmp_path: Path) -> None:
    """A build in a Makefile gets its invalidation there, before the command, whatever variable it stands in."""
    makefile = "B = cargo build --release\n.PHONY: prime build\nbuild:\n\t@$(B)\nprime:\n\tcargo build --release\n"
    files = {
        "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\n',
        "src/main.rs": "fn main() {}\n",
        "Makefile": makefile,
        "Dockerfile": PRIME.replace("COPY src", "COPY Makefile ./\nCOPY src") + "RUN make build\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = fix([str(tmp_path / "Dockerfile")], None, write=True)
    assert [Path(name).name for name in made.written] == ["Makefile"]
    assert (tmp_path / "Makefile").read_text(encoding="utf-8") == makefile.replace("\t@$(B)", f"\t@{TOUCH} && $(B)")
