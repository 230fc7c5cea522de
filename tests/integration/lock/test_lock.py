"""`buildspec.lock` on a real project: written, kept, drifted from, refused."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


def test_what_drifts_from_the_lock_is_said_and_refused_on_demand(hello: Project) -> None:
    """Nothing is built under `--locked` once a package, a compiler or the platform is not as it was locked."""
    lock = hello.folder / "buildspec.lock"

    missing = hello.build("--locked")
    assert (missing.exit_code, missing.cause) == (18, "lock-invalid")

    assert hello.invoke("lock", "--spec", "buildspec.yaml").exit_code == 0
    text = lock.read_text()
    assert re.search(
        r"^  debian:bookworm-slim:\n    image: sha256:[0-9a-f]{64}\n    origin: bootstrap$", text, re.MULTILINE
    )
    assert re.search(r"^      libc6: \S+ sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert text.count("  linker: GNU ld") == 2
    passed = hello.build("--locked")
    assert passed.exit_code == 0, passed.stderr
    assert passed.record["lock"]["drift"] == []
    again = hello.invoke("lock", "--spec", "buildspec.yaml")
    assert "nothing has changed" in again.stdout
    assert lock.read_text() == text

    changed = re.sub(r"^      libc6: \S+ ", "      libc6: 2.0-1 ", text, count=1, flags=re.MULTILINE)
    lock.write_text(changed.replace("GNU ld", "LLD", 1))
    kept = hello.workspace / "drifted.json"
    drifted = hello.invoke("build", "--spec", "buildspec.yaml", "--record", str(kept))
    assert drifted.exit_code == 0, drifted.stderr
    told = {(each["where"], each["what"]): each["locked"] for each in json.loads(kept.read_text())["lock"]["drift"]}
    assert set(told) == {("base debian:bookworm-slim", "libc6"), ("host", "linker")}
    assert told["host", "linker"].startswith("LLD")
    assert "not as locked: base debian:bookworm-slim: libc6 was 2.0-1, is 2." in drifted.stderr
    assert "drift     base debian:bookworm-slim: libc6 was 2.0-1, is 2." in drifted.stdout
    refused = hello.build("--locked")
    assert (refused.exit_code, refused.cause) == (17, "lock-drift")
    assert not [step for step in refused.record["steps"] if step["lane"] in {"local", "image"}]
    assert any("host: linker was LLD" in line for line in refused.record["failure"]["detail"])

    lock.write_text(text.replace("platform: linux/", "platform: linux/not"))
    elsewhere = hello.build("--locked")
    assert (elsewhere.exit_code, elsewhere.cause) == (18, "lock-invalid")
    assert elsewhere.record["failure"]["location"]["line"] == 5
    unheld = hello.invoke("build", "--spec", "buildspec.yaml")
    assert unheld.exit_code == 0, unheld.stderr
    assert "and the engine runs linux/" in unheld.stderr
    assert "it says nothing of this build" in unheld.stderr
    lock.write_text(text.replace("tool:", "tol:"))
    mistaken = hello.build()
    assert (mistaken.exit_code, mistaken.cause) == (18, "lock-invalid")
    assert any("buildspec.lock:4:1: unknown key `tol`" in line for line in mistaken.record["failure"]["detail"])


_STATUS = """\

Package: libodd-dev
Status: install ok installed
Architecture: all
Version: {version}
"""


def test_what_steps_install_is_locked_once_it_is_known(hello: Project) -> None:
    """A package comes by a step of the builder stage's, and is named when it changes; the project's linker is asked."""
    dockerfile = (hello.folder / "Dockerfile").read_text()
    # A stage without a name is asked as well.
    dockerfile = dockerfile.replace(" AS builder", "").replace("--from=builder", "--from=0")
    # As a package manager leaves it: an entry in dpkg's list.
    step = "RUN cat /odd/status >>/var/lib/dpkg/status\n"
    hello.write(
        {
            "Dockerfile": dockerfile.replace(
                "WORKDIR /app\n", f"COPY odd /odd\n{step}WORKDIR /app\nCOPY .cargo .cargo\n", 1
            ),
            ".cargo/config.toml": "[build]\nrustflags = ['-Clink-arg=-fuse-ld=gold']\n",
            "odd/status": _STATUS.format(version="1.0-1"),
        }
    )
    early = hello.invoke("lock", "--spec", "buildspec.yaml")
    assert "is not known before a build" in early.stderr
    first = hello.invoke("build", "--spec", "buildspec.yaml")
    assert first.exit_code == 0, first.stderr
    assert "`invoke lock` adds it" in first.stderr
    assert hello.invoke("lock", "--spec", "buildspec.yaml").exit_code == 0
    text = (hello.folder / "buildspec.lock").read_text()
    assert re.search(r"^builder:\n(?:  .*\n)*?  packages:\n    libodd-dev: 1.0-1$", text, re.MULTILINE), text
    assert text.count("  linker: GNU gold") == 2
    held = hello.build("--locked")
    assert held.exit_code == 0, held.record["failure"]
    assert held.record["lock"]["drift"] == []

    hello.write({"odd/status": _STATUS.format(version="1.0-2")})
    moved = hello.build()
    assert moved.exit_code == 0, moved.stderr
    (change,) = moved.record["lock"]["drift"]
    assert (change["where"], change["what"]) == ("builder", "libodd-dev")
    assert "builder: libodd-dev was 1.0-1, is 1.0-2" in change["text"]
    refused = hello.build("--locked")
    assert (refused.exit_code, refused.cause) == (17, "lock-drift")
    assert any("libodd-dev" in line for line in refused.record["failure"]["detail"])
