"""A program that reads what its image brings: the host's run has it not, and that is no fault of the image."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

READS = """\
fn main() {
    println!("hello from the real program");
    print!("{}", std::fs::read_to_string("static/page").expect("no page"));
}
"""


def brings(project: Any, lines: str) -> None:
    """Let the program read a page below WORKDIR, and the shipped stage have more lines."""
    text = (project.folder / "Dockerfile").read_text(encoding="utf-8")
    project.write(
        {
            "src/main.rs": READS,
            "static/page": "the page\n",
            "Dockerfile": text.replace("ENTRYPOINT", f"WORKDIR /srv/site\n{lines}ENTRYPOINT"),
        }
    )


def test_a_page_that_the_image_alone_has(hello: Any) -> None:
    """Both programs are the same bytes, so the image passes, and the check says what the host's run lacked."""
    brings(hello, "COPY static static\n")
    run = hello.build()
    assert run.exit_code == 0, run.stdout
    check = run.check("behaviour")
    assert check["status"] == "passed"
    assert "local ends with exit code 101, the image with 0" in check["message"]
    assert hello.build().check("behaviour")["remembered"]


def test_a_page_that_the_image_lacks(hello: Any) -> None:
    """The other way round, as ever: it is refused."""
    brings(hello, "")
    run = hello.build()
    assert run.exit_code == 1, run.stdout
    assert run.check("smoke")["status"] == "failed"


def test_a_page_that_the_plan_gives_to_both(hello: Any) -> None:
    """The host's program is started in the image's WORKDIR, too, though this machine has no such folder."""
    brings(hello, "COPY static static\n")
    spec = (hello.folder / "buildspec.yaml").read_text(encoding="utf-8")
    hello.write({"buildspec.yaml": spec.replace("smoke: {", 'smoke: {files: {/srv/site/static/page: "given\\n"}, ')})
    run = hello.build()
    assert run.exit_code == 0, run.stdout
    assert run.check("behaviour")["message"].startswith("both print 2 lines")
