"""`python -m tests.engines …`: other engines than this machine's, for tests and for a look.

run 28.5 -- COMMAND …    start it, run a command with its address in DOCKER_HOST, and stop it
run 28.5                 the same, with a shell
list                     the engines that are known
remove 28.5              remove its images and its Debian system from the cache
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tests.engines.place import cache
from tests.engines.release import RELEASES
from tests.engines.running import describe, remove, running


def main() -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.engines")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="the engines that are known, and where they are kept")
    for verb, text in (("run", "run a command with an engine's address in DOCKER_HOST"), ("remove", "forget one")):
        verbs.add_parser(verb, help=text).add_argument("engine", choices=RELEASES)
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    chosen, command = parser.parse_args(words[:cut]), words[cut + 1 :]
    if chosen.verb == "list":
        for release in RELEASES.values():
            print(f"{release.name:16} Debian {release.suite:8} {' '.join(release.features)}")  # noqa: T201 - the answer
        print(f"kept in {cache(os.environ)}")  # noqa: T201 - same
        return 0
    release = RELEASES[chosen.engine]
    if chosen.verb == "remove":
        remove(release, os.environ)
        return 0
    with running(release, os.environ) as host:
        sys.stderr.write(f"engine {release.name} at {host}: {describe(host)}\n")
        asked = command or [os.environ.get("SHELL", "/bin/sh")]
        return subprocess.run(asked, env={**os.environ, "DOCKER_HOST": host}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
