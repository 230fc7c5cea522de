"""What the image starts is held against what it is for: an older program in PATH is no longer taken for the new one."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

OLD = """\
RUN echo 'fn main() { println!("hello from the real program"); }' >/old.rs && rustc -O -o /old /old.rs
"""


def start(project: Any, copied_to: str, command: str) -> None:
    """Let the image hold an older program as well, and start something."""
    dockerfile = (project.folder / "Dockerfile").read_text(encoding="utf-8")
    builder, shipped, rest = dockerfile.partition("\nFROM debian")
    rest = rest.replace('ENTRYPOINT ["/usr/local/bin/hello"]', f"COPY --from=builder /old {copied_to}\n{command}")
    project.write({"Dockerfile": builder + OLD + shipped + rest})


def test_an_older_program_that_comes_first_in_path_is_refused(hello: Any, engine: Any) -> None:
    """It prints what the host's program prints; nothing but the path tells them apart."""
    start(hello, "/usr/local/sbin/hello", 'CMD ["hello"]')
    run = hello.build()
    assert (run.exit_code, run.cause) == (1, "starts-another-program"), run.stdout
    assert {check["id"]: check["status"] for check in run.record["checks"]} == {
        "stub-free": "passed",
        "parity": "passed",
        "loadable": "failed",
        "smoke": "passed",
        "behaviour": "passed",
    }
    text = (hello.folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert text[run.record["verdict"]["location"]["line"] - 1] == 'CMD ["hello"]'
    assert engine.image(hello.tag) is None


@pytest.mark.parametrize(
    "command",
    [
        # A copy under another name, the program behind another one, and a shell's text.
        'RUN cp /usr/local/bin/hello /opt/hello\nENTRYPOINT ["/opt/hello"]',
        'ENTRYPOINT ["/usr/bin/env", "hello"]',
        'ENTRYPOINT ["/usr/bin/env", "--", "/usr/local/bin/hello"]',
        "CMD hello",
        "CMD cd / && exec hello",
    ],
)
def test_what_starts_the_program_is_not_taken_for_another(hello: Any, command: str) -> None:
    """Said only where it is sure."""
    start(hello, "/opt/old", command)
    run = hello.build()
    assert run.exit_code == 0, run.stdout


def test_a_launcher_is_told_in_the_spec(hello: Any) -> None:
    """For an init that knows by itself what to start."""
    start(hello, "/opt/init", 'ENTRYPOINT ["/opt/init"]')
    spec = (hello.folder / "buildspec.yaml").read_text(encoding="utf-8")
    hello.write({"buildspec.yaml": spec.replace("binary: /usr", "launcher: /opt/init, binary: /usr")})
    run = hello.build()
    assert run.exit_code == 0, run.stdout
