"""What an image's command line gives the program, as the host's program is to be given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from orchestrator.binary.loading.launch import words_after

APP = "/usr/local/bin/app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image's configuration."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = ""
    user: str = ""
    architecture: str = "amd64"


SHELL = ("/bin/sh", "-c")


@pytest.mark.parametrize(
    ("image", "arguments", "given"),
    [
        (Image(entrypoint=(APP,)), ("--version",), ("--version",)),
        (Image(entrypoint=(APP,), command=("serve",)), None, ("serve",)),
        (Image(entrypoint=(APP,), command=("serve",)), (), ()),
        (Image(entrypoint=(APP, "--quiet"), command=("serve",)), ("check",), ("--quiet", "check")),
        (Image(command=(APP, "serve")), None, ("serve",)),
        (Image(command=("app", "serve")), None, ("serve",)),
        (Image(command=("app", "serve"), environment={"PATH": "/bin:/opt/bin"}), None, ()),
        (Image(command=("./app", "serve"), working_directory="/usr/local/bin"), None, ("serve",)),
        (Image(entrypoint=("/usr/bin/tini", "--"), command=("app", "serve", "app")), None, ("serve", "app")),
        (Image(entrypoint=("/entrypoint.sh",), command=("--port", "80")), None, ("--port", "80")),
        (Image(entrypoint=("/entrypoint.sh",), command=(APP, "--port")), None, ("--port",)),
        (Image(command=(*SHELL, "exec app serve --port 80")), None, ("serve", "--port", "80")),
        (Image(command=(*SHELL, "cd /srv && app serve")), None, ()),
        (Image(entrypoint=(*SHELL, "app serve"), command=("more",)), None, ("serve",)),
        (Image(entrypoint=("/entrypoint.sh",), command=(*SHELL, "app $MODE")), None, ()),
        (Image(), None, ()),
    ],
)  # fmt: skip
def test_the_program_is_given_what_stands_behind_it(
    image: Image, arguments: tuple[str, ...] | None, given: tuple[str, ...]
) -> None:
    """By its path, its name in PATH, or its path in WORKDIR; a script passes on what it is given."""
    assert words_after(image, arguments, APP) == given
