"""Ten builds of the same sources under changed circumstances: one program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.cargo

_MAIN = 'fn main() { println!("{} {} {}", env!("CARGO_MANIFEST_DIR"), env!("SEEN"), file!()); }\n'
_BUILD = """\
fn main() {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let vars: Vec<String> = ["TZ", "LANG", "LC_ALL", "USER", "LOGNAME", "HOME", "PWD"]
        .iter()
        .map(|name| format!("{}={}", name, std::env::var(name).unwrap_or_default()))
        .collect();
    let here = std::env::current_dir().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    println!("cargo:warning=clock {}", now.as_secs());
    println!("cargo:rustc-env=SEEN={} {} {}", host.trim(), vars.join(" "), here.display());
}
"""
_ONE = """\
import os, re, sys, threading
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from conftest import Crate
from orchestrator.build.probe_build import Circumstances, build_under
from orchestrator.workspace import Workspace
place = Path(sys.argv[1])
crate = Crate(folder=place / "project", workspace=Workspace.open(place / "workspace"), environment=dict(os.environ))
built = build_under(
    Circumstances(clock=int(sys.argv[3])),
    crate.plan(fetch=False, variables={{"CARGO_BUILD_JOBS": sys.argv[2]}}),
    workspace=crate.workspace,
    log=place / "log",
    environment=crate.environment,
    emit=lambda event: crate.said.append(getattr(event, "text", "")),
    cancel=threading.Event(),
)
(clock,) = re.findall(r"clock ([0-9]+)", " ".join(crate.said))
print(built.place.kind.value, built.artifact.sha256, clock)
"""
_FIRST_CLOCK, _YEARS = 10**9, 4 * 365 * 86400
"""The clock of the first run (September 2001), and what each is later than the one before."""

_NAMES = ("a", "deep/er/still", "with space", "\u00fcn\u00ef")


@pytest.mark.usefixtures("namespaces")
def test_ten_runs_give_one_program(crate: Any, tmp_path: Path) -> None:
    """Directory, user, TZ, locale, umask, -j, host name, clock and the files' times change; a build script asks."""
    files = {name: (crate.folder / name).read_text() for name in ("Cargo.toml", "Cargo.lock")}
    files |= {"src/main.rs": _MAIN, "build.rs": _BUILD}
    script = _ONE.format(root=str(Path(__file__).resolve().parents[3]), here=str(Path(__file__).parent))
    said = []
    for number in range(10):
        place = tmp_path / f"{number}" / _NAMES[number % len(_NAMES)]
        for name, content in files.items():
            (place / "project" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "project" / name).write_text(content)
            os.utime(place / "project" / name, (10**9 + number * 10**7,) * 2)
        changed = {
            "TZ": ("UTC", "Asia/Tokyo", "America/St_Johns")[number % 3],
            "LANG": ("C", "C.UTF-8", "tr_TR.UTF-8")[number % 3],
            "USER": f"user{number}",
            "LOGNAME": f"user{number}",
            "PYTHONUTF8": "1",
        }
        # Odd runs are another user's: root of a user namespace, without root's rights.
        user = ["--map-root-user"] if number % 2 or os.getuid() else []
        shell = f'hostname host-{number}; umask {("022", "077", "002")[number % 3]}; exec "$@"'
        done = subprocess.run(
            [
                "unshare",
                "--uts",
                *user,
                "sh",
                "-c",
                shell,
                "sh",
                sys.executable,
                "-c",
                script,
                place,
                f"{1 + number % 4}",
                f"{_FIRST_CLOCK + number * _YEARS}",
            ],
            env={**os.environ, **changed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.split())
    assert {kind for kind, _, _ in said} == {"namespace"}
    assert [int(clock) for _, _, clock in said] == [_FIRST_CLOCK + number * _YEARS for number in range(10)]
    assert len({digest for _, digest, _ in said}) == 1
