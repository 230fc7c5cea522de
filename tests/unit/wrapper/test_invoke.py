"""The `invoke` file at the root, under several shells, on machines that lack this and that.

The machine is a PATH that holds links to the needed tools and nothing else; the package that gets installed is a
stand-in of one file, which tells its arguments, so no network is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
TOOLS = ("cat", "cmp", "cp", "dirname", "flock", "id", "mv", "pwd", "readlink", "rm", "sleep")
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"]}
TELL = "import json, os, sys\nprint(json.dumps([sys.argv[1:], os.getcwd(), sys.executable]))\n"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """A shell's command."""
    command = list(SHELLS[request.param])
    found = shutil.which(command[0])
    if found is None:
        pytest.skip(f"{command[0]} is not installed")
    return [found, *command[1:]]


def wheel(folder: Path, name: str, body: str) -> str:
    """Write a wheel of one module and return its line for a lock file."""
    place = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as out:
        out.writestr(f"{name}/__init__.py", "")
        out.writestr(f"{name}/__main__.py", body)
        out.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        out.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return f"{name} @ {place.as_uri()} --hash=sha256:{hashlib.sha256(place.read_bytes()).hexdigest()}\n"


class Machine:
    """A copy of the repository's needed files, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.path, self.home = folder / "the repository", folder / "bin", folder / "home"
        for made in (self.root, self.path, self.home):
            made.mkdir()
        self.log = folder / "log"
        shutil.copy(ROOT / "invoke", self.root)
        (self.root / "start.py").write_text(TELL)
        (self.root / "requirements.lock").write_text(wheel(folder, "invoke", ""))
        (self.root / "requirements-dev.lock").write_text(wheel(folder, "checker", ""))
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or "/nonexistent")
        (self.path / "python3").symlink_to(PYTHON)

    def stub(self, *names: str, does: str = "") -> None:
        """Put a program there that writes down its call."""
        for name in names:
            place = self.path / name
            place.unlink(missing_ok=True)
            place.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.log}"\n{does}\n')
            place.chmod(0o755)

    def calls(self) -> list[str]:
        """Return which stubs were called."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(
        self, shell: list[str], *arguments: str, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Call the file."""
        return subprocess.run(
            [*shell, str(self.root / "invoke"), *arguments],
            cwd=cwd or self.root,
            env={"PATH": str(self.path), "HOME": str(self.home), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def act_as(machine: Machine, shell: list[str], user: str) -> None:
    """Let the file believe that a user calls it."""
    machine.stub("id", does=f"echo {user}")
    said = subprocess.run(
        [*shell, "-c", "id -u"], env={"PATH": str(machine.path)}, capture_output=True, text=True, check=True
    )
    if said.stdout.strip() != user:
        pytest.skip("this shell has an `id` of its own, which tells the truth")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that is made once; `venv` takes seconds."""
    machine = Machine(tmp_path_factory.mktemp("installed"))
    done = machine.run(["/bin/sh"], "--list", DOCKER_HOST="x")
    assert done.returncode == 0, done.stderr
    assert "making .venv with Python 3." in done.stderr
    assert "installing Python packages from requirements.lock (hashes checked)" in done.stderr
    return machine.root


@pytest.fixture
def machine(tmp_path: Path, installed: Path) -> Machine:
    """A machine whose environment is there, in a place that it was not made for; tests leave it as it is."""
    made = Machine(tmp_path)
    (made.root / ".venv").symlink_to(installed / ".venv")
    shutil.copy(installed / "requirements.lock", made.root)
    return made


@pytest.fixture
def spoiled(machine: Machine, installed: Path) -> Machine:
    """The same with an environment of its own, for tests that change it."""
    (machine.root / ".venv").unlink()
    shutil.copytree(installed / ".venv", machine.root / ".venv", symlinks=True)
    return machine


def test_arguments_pass_through_from_anywhere(machine: Machine, shell: list[str], tmp_path: Path) -> None:
    """Blanks, quotes, stars and empty words arrive as they are; the working directory is the caller's."""
    words = ["spec", "--spec", "a b/c*.yaml", "", "it's", '"', "$HOME", "\\", "-x"]
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "json.py").write_text("raise SystemExit('a module of the working directory was imported')\n")
    done = machine.run(shell, *words, cwd=elsewhere, CDPATH="/")
    assert (done.returncode, done.stderr) == (0, "")
    arguments, directory, python = json.loads(done.stdout)
    assert arguments == ["--write-pyc", "--search-root", str(machine.root), *words]
    assert directory == str(elsewhere)
    assert python == str(machine.root / ".venv/bin/python")


def test_it_may_be_called_through_links(machine: Machine, shell: list[str], tmp_path: Path) -> None:
    """A link in a folder of the PATH, absolute or relative, leads to the repository."""
    (tmp_path / "one").symlink_to(machine.root / "invoke")
    (tmp_path / "two").symlink_to("one")
    done = subprocess.run(
        [*shell, "two", "--list"],
        cwd=tmp_path,
        env={"PATH": str(machine.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)[0] == ["--write-pyc", "--search-root", str(machine.root), "--list"]


def test_tasks_that_need_nothing_get_nothing(machine: Machine, shell: list[str]) -> None:
    """Without engine, compiler and cargo: the list, the spec, the doctor, and help for any task."""
    for words in (["--list"], ["spec"], ["doctor"], ["show"], ["clean"], ["build", "--help"], ["--help=build"], []):
        done = machine.run(shell, *words)
        assert (done.returncode, done.stderr) == (0, ""), words


def test_a_missing_python_is_told(machine: Machine, shell: list[str]) -> None:
    """None, one that is too old, and a named one that is not there: each with what was found."""
    (machine.root / ".venv").unlink()
    (machine.path / "python3").unlink()
    done = machine.run(shell, "build")
    assert done.returncode == 6
    assert "needs Python 3.11 or newer, found: no python3. Install one, or name it: PYTHON=" in done.stderr
    machine.stub("python3", does='[ "$1" = --version ] && echo Python 3.9.2 || exit 1')
    assert "found: Python 3.9.2." in machine.run(shell, "build").stderr
    (machine.path / "python3.11").symlink_to(PYTHON)
    done = machine.run(shell, "build", PYTHON="/no/where/python3")
    assert done.returncode == 6
    assert "found: no /no/where/python3" in done.stderr
    assert not (machine.root / ".venv").exists()


@pytest.mark.parametrize("user", ["0", "1000"])
def test_missing_tools_are_named_with_the_command(machine: Machine, shell: list[str], user: str) -> None:
    """All of them at once; root installs nothing where that is forbidden, and others cannot."""
    act_as(machine, shell, user)
    machine.stub("apt-get", "apt-cache", "cargo")
    forbidden = {"INVOKE_NO_INSTALL": "1"} if user == "0" else {}
    done = machine.run(shell, "build", DOCKER_HOST="unix:///x", **forbidden)
    wanted = "gcc libc6-dev git mmdebstrap"
    assert done.returncode == 6
    assert done.stderr == (
        f"invoke: missing: {wanted}. Install with: sudo apt-get install -y --no-install-recommends {wanted}\n"
    )
    assert [call for call in machine.calls() if call.startswith("apt")] == []
    machine.stub("cc", "git", "mmdebstrap")
    (machine.path / "cargo").unlink()
    done = machine.run(shell, "test", DOCKER_HOST="unix:///x", **forbidden)
    assert done.returncode == 6
    assert "missing: cargo. Install with: curl" in done.stderr


def test_root_installs_what_is_missing_and_says_so_first(machine: Machine, shell: list[str]) -> None:
    """The words come before the deed, and only what is missing is installed."""
    act_as(machine, shell, "0")
    machine.stub("git", "cargo")
    machine.stub("apt-get", does='echo "apt-get speaks" >&2')
    done = machine.run(shell, "build", DOCKER_HOST="unix:///x")
    assert done.returncode == 0
    said, spoke = done.stderr.partition("apt-get speaks")[::2]
    assert (
        "installing from Debian packages: gcc libc6-dev mmdebstrap bubblewrap (INVOKE_NO_INSTALL=1 forbids this)"
        in said
    )
    assert spoke
    assert machine.calls()[-1] == ("apt-get -qq install -y --no-install-recommends gcc libc6-dev mmdebstrap bubblewrap")


def test_a_failed_installation_is_no_verdict(machine: Machine, shell: list[str]) -> None:
    """Neither apt's exit code nor pip's may look like a refusal (1)."""
    act_as(machine, shell, "0")
    machine.stub("cargo", "git")
    machine.stub("apt-get", does="exit 100")
    done = machine.run(shell, "build", DOCKER_HOST="unix:///x")
    assert done.returncode == 6
    assert "could not install: gcc" in done.stderr
    lock = (machine.root / "requirements.lock").read_text()
    (machine.root / "requirements.lock").write_text(lock.replace("sha256:", "sha256:0"))
    done = machine.run(shell, "--list")
    assert done.returncode == 6
    assert "could not install the Python packages of requirements.lock" in done.stderr


def test_cargo_of_the_home_folder_is_found(machine: Machine, shell: list[str]) -> None:
    """Shells that read no profile do not have it on the PATH."""
    machine.stub("cc", "git", "mmdebstrap", "bwrap")
    (machine.home / ".cargo/bin").mkdir(parents=True)
    (machine.home / ".cargo/bin/cargo").write_text("#!/bin/sh\n")
    (machine.home / ".cargo/bin/cargo").chmod(0o755)
    done = machine.run(shell, "build", DOCKER_HOST="unix:///x")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_killed_installation_is_done_again(spoiled: Machine, shell: list[str]) -> None:
    """The copy of the lock comes last: without it the packages are installed again, and only once."""
    (spoiled.root / ".venv/requirements.lock").unlink()
    (spoiled.root / ".venv/requirements.lock.new").write_text("half")
    assert "installing Python packages" in spoiled.run(shell, "--list").stderr
    assert spoiled.run(shell, "--list").stderr == ""


@pytest.mark.parametrize("damage", ["no pip", "no python"])
def test_half_an_environment_is_made_anew(spoiled: Machine, shell: list[str], damage: str) -> None:
    """Killed before pip was there, or made for a Python that is gone since: `venv --clear` is called."""
    venv, whole = spoiled.root / ".venv", spoiled.root.parent / "whole"
    shutil.copytree(venv, whole, symlinks=True)
    if damage == "no pip":
        for pip in venv.glob("lib/python3*/site-packages/pip"):
            shutil.rmtree(pip)
        (venv / "requirements.lock").unlink()
    else:
        for python in venv.glob("bin/python*"):
            python.unlink()
        (venv / "bin/python").symlink_to("/gone/python3")
    # Making one takes many seconds, and is done for real by the fixture; here only the call counts.
    makes = f'[ "$1 $2 $3" = "-m venv --clear" ] && {{ rm -r "$4"; cp -a "{whole}" "$4"; rm "$4"/*.lock; }}; exit 0'
    spoiled.stub("python3", does=makes)
    done = spoiled.run(shell, "--list")
    assert (done.returncode, "making .venv" in done.stderr) == (0, True), done.stderr
    assert f"python3 -m venv --clear {venv}" in spoiled.calls()
    assert json.loads(done.stdout)[0][-1] == "--list"
    assert spoiled.run(shell, "--list").stderr == ""


def test_tests_get_the_development_packages(spoiled: Machine, shell: list[str]) -> None:
    """Only they need them, the shell of small images, and make."""
    spoiled.stub("cc", "git", "mmdebstrap", "bwrap", "cargo", "busybox", "make")
    assert spoiled.run(shell, "build", DOCKER_HOST="unix:///x").stderr == ""
    assert "packages from requirements-dev.lock" in spoiled.run(shell, "test", DOCKER_HOST="unix:///x").stderr
    assert spoiled.run(shell, "test", DOCKER_HOST="unix:///x").stderr == ""


def test_a_changed_lock_is_installed(spoiled: Machine, shell: list[str], tmp_path: Path) -> None:
    """Contents count, not times."""
    os.utime(spoiled.root / "requirements.lock")
    assert spoiled.run(shell, "--list").stderr == ""
    (spoiled.root / "requirements.lock").write_text(wheel(tmp_path, "other", ""))
    assert "installing Python packages" in spoiled.run(shell, "--list").stderr


def test_the_file_is_clean() -> None:
    """Shellcheck has nothing to say."""
    checker = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([checker, "--shell=sh", ROOT / "invoke"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_two_first_calls_at_once(tmp_path: Path) -> None:
    """One makes the environment, the other waits for it; both do what they were called for."""
    machine = Machine(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(machine.run, ["/bin/sh"], "--list", DOCKER_HOST="x") for _ in range(2)]
        done = [call.result() for call in calls]
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    said = [each.stderr.splitlines()[0] for each in done]
    assert sum("making .venv with" in each for each in said) == 1
    assert "invoke: waiting for another call, which is making .venv" in said


def test_a_failure_to_install_keeps_its_exit_code(tmp_path: Path) -> None:
    """Inside the lock as well."""
    machine = Machine(tmp_path)
    lock = machine.root / "requirements.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0")[:-2] + "\n")
    done = machine.run(["/bin/sh"], "--list", DOCKER_HOST="x")
    assert done.returncode == 6, done.stderr
    assert "could not install the Python packages of requirements.lock" in done.stderr
