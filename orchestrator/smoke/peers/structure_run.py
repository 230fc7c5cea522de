"""Holding an image against a file of container-structure-test: files and metadata read, commands run under a limit.

Meanings are those of the peer's docker driver (read at 63ee63e): `$NAME` in commands and paths comes from the image's
ENV before any shell sees it, the exit code always counts, a path is the link itself and not what it leads to.
"""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.engine.containers import ContainerRequest, RunningContainer, StartFailedError
from orchestrator.engine.files import STAND_INS, image_files
from orchestrator.engine.lines import Stream
from orchestrator.smoke.peers.file import go_regex
from orchestrator.smoke.static_program import static_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.engine.docker import Engine
    from orchestrator.engine.files import ContainerFiles, Entry
    from orchestrator.engine.image_facts import ImageFacts
    from orchestrator.smoke.peers.file import KeyPath, PeerFile
    from orchestrator.smoke.peers.structure import (
        CommandTest,
        FileContentTest,
        FileExistenceTest,
        LicenseTest,
        MetadataTest,
        StructureTests,
        Variable,
    )
    from orchestrator.smoke.transcript import Expectation

_COMMAND_SECONDS = 30.0
_NEVER_ENDED = f"`{{}}` did not end within {_COMMAND_SECONDS:g} s"
_WAITS = "/run/.twinbuild/waits"
_AT_ONCE = 2
_MOST_OUTPUT = 4 * 1024**2
_SHOWN = 200
_MEMORY, _PIDS, _CPUS = 1024**3, 256, 2.0
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_FORBIDDEN_LICENCES = ("AGPL", "WTFPL")
_EXECUTABLE = {"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}


def structure_results(
    engine: Engine, image: ImageFacts, file: PeerFile[StructureTests], *, labels: Mapping[str, str]
) -> tuple[Expectation, ...]:
    """Return what an image makes of each test of a file.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    tests, metadata = file.tests, file.tests.metadata_test
    found: list[tuple[KeyPath, str, str | None]] = []
    with image_files(engine, image.id, labels=labels) as files:
        for number, existence in enumerate(tests.file_existence_tests):
            problem = _existence(existence, files, image.environment)
            found.append((("fileExistenceTests", number), existence.name, problem))
        for number, content in enumerate(tests.file_content_tests):
            found.append((("fileContentTests", number), content.name, _content(content, files)))
        for number, licence in enumerate(tests.license_tests):
            found.append((("licenseTests", number), "licenses", _licence(licence, files)))
    for path, name, problem in _metadata(metadata, image) if metadata else ():
        found.append((("metadataTest", *path), name, problem))

    def run(numbered: tuple[int, CommandTest]) -> tuple[KeyPath, str, str | None]:
        number, test = numbered
        return ("commandTests", number), test.name, _command(engine, image, test, tests, labels)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found += pool.map(run, enumerate(tests.command_tests))
    found.sort(key=lambda each: file.place(each[0]))
    return tuple(file.expectation(path, f"{path[0]}: {name}", problem) for path, name, problem in found)


def _command(
    engine: Engine, image: ImageFacts, test: CommandTest, tests: StructureTests, labels: Mapping[str, str]
) -> str | None:
    # The peer writes the file's own variables into a layer first, so commands and later values may name them.
    known = dict(image.environment)
    for variable in tests.global_env_vars:
        known[variable.key] = _expanded(variable.value, known)
    own = {variable.key: _expanded(variable.value, known) for variable in test.env_vars}
    request = ContainerRequest(
        image_id=image.id,
        entrypoint=(_expanded(test.command, known),),
        command=[_expanded(word, known) for word in test.args],
        environment={**known, **own},
        network="none",
        read_only=False,
        writable={},
        memory=_MEMORY,
        pids=_PIDS,
        cpus=_CPUS,
        labels=labels,
        confined=False,
        capabilities=tests.container_run_options.capabilities,
        user=tests.container_run_options.user or None,
    )
    if test.setup:
        return _command_after(engine, image, test, request, known)
    said: dict[Stream, bytes] = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def take(stream: Stream, chunk: bytes) -> None:
        said[stream] = (said[stream] + chunk)[:_MOST_OUTPUT]

    with RunningContainer(engine, request) as container:
        try:
            container.start(take)
        except StartFailedError as error:
            return f"`{test.command}` could not be started: {error}"
        if not container.wait(_COMMAND_SECONDS):
            return _NEVER_ENDED.format(test.command)
        code = container.end().exit_code
    output, errors = (said[stream].decode(errors="replace") for stream in (Stream.STDOUT, Stream.STDERR))
    return _fault(test, code, output, errors)


def _command_after(
    engine: Engine, image: ImageFacts, test: CommandTest, request: ContainerRequest, known: Mapping[str, str]
) -> str | None:
    """Run a command after those that prepare it, all in one container, whose first program only waits.

    The peer makes an image after each of them; a killed run would leave those behind.
    """
    waiting = static_program("neighbour.c", image)
    if waiting is None:
        return "cannot be judged: its `setup` takes a C compiler here (`cc -static`), and an image for this processor"
    own = replace(request, entrypoint=(_WAITS,), command=(), programs={_WAITS: waiting})
    command = (*(request.entrypoint or ()), *(request.command or ()))
    before = ""
    with RunningContainer(engine, own) as container:
        try:
            container.start(lambda _stream, _chunk: None)
        except StartFailedError as error:
            return f"`{test.command}` could not be prepared: {error}"
        for setup in test.setup:
            words = [_expanded(word, known) for word in setup]
            prepared = container.insight.run(words, timeout=_COMMAND_SECONDS)
            if prepared is None or prepared.exit_code:
                # As with the peer this does not fail the test by itself, but often is why it fails.
                how = "did not end" if prepared is None else f"ended with exit code {prepared.exit_code}"
                before += f"; before it, `{' '.join(words)}` {how}"
        done = container.insight.run(command, timeout=_COMMAND_SECONDS)
    if done is None:
        return _NEVER_ENDED.format(test.command) + before
    fault = _fault(test, done.exit_code, done.stdout, done.stderr)
    return fault and fault + before


def _fault(test: CommandTest, code: int, output: str, errors: str) -> str | None:
    faults = (
        *_texts("standard output", output, test.expected_output, test.excluded_output),
        *_texts("standard error", errors, test.expected_error, test.excluded_error),
    )
    if code != test.exit_code:
        return f"it ended with exit code {code}, expected {test.exit_code}: {(errors or output).strip()[-_SHOWN:]!r}"
    return next(iter(faults), None)


def _texts(what: str, text: str, expected: Sequence[str], excluded: Sequence[str]) -> Iterator[str]:
    for pattern in expected:
        if not go_regex(pattern).search(text):
            yield f"{what} does not match {pattern!r}: it is {text.strip()[:_SHOWN]!r}"
    for pattern in excluded:
        match = go_regex(pattern).search(text)
        if match:
            yield f"{what} matches {pattern!r}, which is excluded: {match[0][:_SHOWN]!r}"


def _existence(test: FileExistenceTest, files: ContainerFiles, variables: Mapping[str, str]) -> str | None:
    path = _expanded(test.path, variables)
    if path in STAND_INS:
        return f"cannot be judged: the engine puts {path} into every container"
    entry = files.entry(path)
    if entry is None or not test.should_exist:
        there = "is not there" if entry is None else "is there"
        return None if (entry is not None) is test.should_exist else f"{path} {there}"
    mode, wanted = go_mode(entry), _EXECUTABLE.get(test.is_executable_by, 0)
    faults = {
        f"has the mode {mode}, expected {test.permissions}": test.permissions not in {"", mode},
        f"belongs to user {entry.uid}, expected {test.uid}": test.uid not in {None, entry.uid},
        f"belongs to group {entry.gid}, expected {test.gid}": test.gid not in {None, entry.gid},
        f"has the mode {mode}, expected it to be executable by {test.is_executable_by}": wanted
        and not entry.mode & wanted,
    }
    return next((f"{path} {fault}" for fault, holds in faults.items() if holds), None)


def go_mode(entry: Entry) -> str:
    """Return a mode as Go writes it (`fs.FileMode.String`)."""
    letters = [
        ("d", stat.S_ISDIR(entry.mode)),
        ("L", stat.S_ISLNK(entry.mode)),
        ("D", stat.S_ISBLK(entry.mode) or stat.S_ISCHR(entry.mode)),
        ("p", stat.S_ISFIFO(entry.mode)),
        ("u", entry.mode & stat.S_ISUID),
        ("g", entry.mode & stat.S_ISGID),
        ("c", stat.S_ISCHR(entry.mode)),
        ("t", entry.mode & stat.S_ISVTX),
    ]
    kind = "".join(letter for letter, holds in letters if holds) or "-"
    return kind + stat.filemode(entry.mode & 0o777)[1:]


def _content(test: FileContentTest, files: ContainerFiles) -> str | None:
    content = files.read(test.path)
    if content is None:
        return f"{test.path} is not there, or is no regular file"
    text = content.decode(errors="replace")
    return next(_texts(test.path, text, test.expected_contents, test.excluded_contents), None)


def _licence(test: LicenseTest, files: ContainerFiles) -> str | None:
    texts = {path: files.read(path) for path in test.files}
    if test.debian:
        found = files.walk("/usr/share/doc")
        texts |= {f"/usr/share/doc/{name}": text for name, text in found.items() if name.endswith("/copyright")}
        if not found:
            return "/usr/share/doc is not there, so nothing can be judged"
    for path, content in texts.items():
        if content is None:
            return f"{path} is not there"
        for word in _FORBIDDEN_LICENCES:
            if word.encode() in content:
                return f"{path} names {word}"
    return None


def _metadata(test: MetadataTest, image: ImageFacts) -> Iterator[tuple[KeyPath, str, str | None]]:
    for key, wanted, there in (("envVars", test.env_vars, image.environment), ("labels", test.labels, image.labels)):
        for number, variable in enumerate(wanted):
            yield (key, number), f"{key} {variable.key}", _variable(variable, there)
    for number, variable in enumerate(test.unbound_env_vars):
        problem = f"it is set, to {image.environment[variable.key]!r}" if variable.key in image.environment else None
        yield ("unboundEnvVars", number), f"unboundEnvVars {variable.key}", problem
    lists = (("entrypoint", test.entrypoint, image.entrypoint), ("cmd", test.cmd, image.command))
    for key, words, found in lists:
        if words is not None:
            problem = None if tuple(words) == found else f"it is {list(found)}, expected {list(words)}"
            yield (key,), key, problem
    ports = {port.removesuffix("/tcp") for port in image.ports}
    for key, names, there_are, should in (
        ("exposedPorts", test.exposed_ports, ports, True),
        ("unexposedPorts", test.unexposed_ports, ports, False),
        ("volumes", test.volumes, set(image.volumes), True),
        ("unmountedVolumes", test.unmounted_volumes, set(image.volumes), False),
    ):
        for number, name in enumerate(names):
            holds = (name.removesuffix("/tcp") in there_are) is should
            known = ", ".join(sorted(there_are)) or "none"
            yield (key, number), f"{key} {name}", None if holds else f"the image declares {known}"
    for key, text, value in (("workdir", test.workdir, image.working_directory), ("user", test.user, image.user)):
        if text:
            yield (key,), key, None if text == value else f"it is {value!r}, expected {text!r}"


def _variable(wanted: Variable, there: Mapping[str, str]) -> str | None:
    found = there.get(wanted.key)
    if found is None:
        return "it is not set"
    holds = bool(go_regex(wanted.value).search(found)) if wanted.is_regex else found == wanted.value
    return None if holds else f"it is {found[:_SHOWN]!r}, expected {wanted.value!r}"


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), text)
