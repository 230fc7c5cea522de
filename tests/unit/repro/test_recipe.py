"""The shell text for a build without this tool."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from orchestrator.repro.recipe import plain_build

if TYPE_CHECKING:
    from pathlib import Path


def test_the_projects_own_flags_stay_in_force(tmp_path: Path) -> None:
    """They stand before the path prefixes, and a shell hands them over as they are."""
    flags = ('--cfg=feature="loud"', "-Ctarget-cpu=x86-64-v2", "--cfg=cost$HOME`date`\\")
    made = plain_build(flags, {"CFLAGS": '-O2 -DNAME="x"'}, ["build", "--release"], c_code=True, epoch=77)
    assert made.left is None
    assert made.lines[-1] == "cargo build --release"
    script = "\n".join((*made.lines[:-1], 'printf "%s\\n" "$RUSTFLAGS" "$CFLAGS" "$CXXFLAGS" "$SOURCE_DATE_EPOCH"'))
    rustc = tmp_path / "rustc"
    rustc.write_text("#!/bin/sh\necho /sysroot\n")
    rustc.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/home/ann"},
        cwd="/usr",
        capture_output=True,
        text=True,
        check=True,
    )
    rust, c, cxx, epoch = done.stdout.splitlines()
    assert rust.split()[:3] == list(flags)
    assert rust.split()[3:] == [
        "--remap-path-prefix=/usr=/workspace",
        "--remap-path-prefix=/home/ann/.cargo=/cargo",
        "--remap-path-prefix=/sysroot=/rust",
    ]
    prefixes = "-ffile-prefix-map=/usr=/workspace -ffile-prefix-map=/home/ann/.cargo=/cargo"
    assert (c, cxx, epoch) == (f'-O2 -DNAME="x" {prefixes}', prefixes, "77")


def test_what_a_variable_cannot_hold_is_said() -> None:
    """RUSTFLAGS is divided at blanks."""
    made = plain_build(("-Clink-args=-a -b",), {}, ["build"], c_code=False, epoch=0)
    assert made.left is not None
    assert "'-Clink-args=-a -b'" in made.left
    assert not any("CFLAGS" in line for line in made.lines)
