"""Holding a running container against a gossfile, with nothing of goss's inside it."""

from __future__ import annotations

import hashlib
import posixpath
import re
import stat
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrator.smoke.peers.goss import (
    CommandResource,
    FileResource,
    GroupResource,
    HttpResource,
    MatchingResource,
    PackageResource,
    PortResource,
    ProcessResource,
    UserResource,
)
from orchestrator.smoke.peers.matching import Lines, mismatch
from orchestrator.smoke.probes import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.files import ContainerFiles, Entry
    from orchestrator.smoke.container import ContainerTarget
    from orchestrator.smoke.peers.file import PeerFile
    from orchestrator.smoke.peers.goss import GossTests
    from orchestrator.smoke.transcript import Expectation

Found = tuple[str, str | None]
"""An attribute of a resource, and what is wrong with it."""

_KINDS = ((stat.S_ISDIR, "directory"), (stat.S_ISLNK, "symlink"), (stat.S_ISREG, "file"))
_COMM = 15
"""Characters that the kernel keeps of a program's name."""


def goss_results(target: ContainerTarget, file: PeerFile[GossTests]) -> tuple[Expectation, ...]:
    """Return what a running container makes of each resource, one answer for each of its attributes.

    Raises:
        EngineUnreachableError: the engine went away.
    """
    left = file.tests.not_judged()
    view = _View(target)
    results = []
    for kind, name, resource in file.tests.resources():
        reason = left.get((kind, name))
        if reason is not None:
            results.append(file.expectation((kind, name), f"{kind} {name}", reason, judged=False))
            continue
        for attribute, problem in view.judged(name, resource):
            results.append(file.expectation((kind, name, attribute), f"{kind} {name}: {attribute}", problem))
    return tuple(results)


class _View:
    """The container as resources are asked of it; files that several of them need are read once."""

    def __init__(self, target: ContainerTarget) -> None:
        self._target = target
        self._files: ContainerFiles = target.container.files
        self._read: dict[str, str | None] = {}

    def judged(self, name: str, resource: Any) -> Iterator[Found]:
        """Yield each attribute that the resource states."""
        match resource:
            case FileResource():
                yield from self._file(resource.path or name, resource)
            case UserResource():
                yield from self._user(resource.username or name, resource)
            case GroupResource():
                yield from self._group(resource.groupname or name, resource)
            case PackageResource():
                yield from self._package(resource.name or name, resource)
            case ProcessResource():
                yield from self._process(resource.comm or name, resource)
            case PortResource():
                yield from self._port(resource.port or name, resource)
            case HttpResource():
                yield from self._http(resource.url or name, resource)
            case CommandResource():
                yield from self._command(resource.exec or name, resource)
            case MatchingResource():
                content = Lines(str(resource.content)) if resource.as_reader else resource.content
                yield "matches", mismatch(content, resource.matches)

    def _file(self, path: str, resource: FileResource) -> Iterator[Found]:
        entry = self._files.entry(path)
        yield "exists", mismatch(entry is not None, resource.exists)
        if entry is None or not resource.exists:
            return
        facts = {
            "mode": f"{stat.S_IMODE(entry.mode):04o}",
            "size": entry.size,
            "owner": self._name("/etc/passwd", entry.uid),
            "uid": entry.uid,
            "group": self._name("/etc/group", entry.gid),
            "gid": entry.gid,
            "linked_to": entry.link,
            "filetype": next((kind for test, kind in _KINDS if test(entry.mode)), "other"),
        }
        for field, fact in facts.items():
            expected = getattr(resource, field)
            if expected is not None:
                if field == "mode" and isinstance(expected, int | str):
                    expected = f"{expected!s:0>4}"
                yield field.replace("_", "-"), mismatch(fact, expected)
        yield from self._content(path, entry, resource)

    def _content(self, path: str, entry: Entry, resource: FileResource) -> Iterator[Found]:
        fields = ("contents", "contains", "md5", "sha256", "sha512")
        stated = [(field, getattr(resource, field)) for field in fields if getattr(resource, field) is not None]
        content = self._files.read(path) if stated and not stat.S_ISDIR(entry.mode) else None
        for field, expected in stated:
            if content is None:
                yield field, f"{path} is no file that can be read"
            elif field in {"contents", "contains"}:
                yield field, mismatch(Lines(content.decode(errors="replace")), expected)
            else:
                yield field, mismatch(hashlib.new(field, content, usedforsecurity=False).hexdigest(), expected)

    def _user(self, name: str, resource: UserResource) -> Iterator[Found]:
        line = next((parts for parts in self._lines("/etc/passwd") if parts[0] == name), None)
        yield "exists", mismatch(line is not None, resource.exists)
        if line is None or not resource.exists:
            return
        uid, gid, home, shell = line[2], line[3], line[5], line[6]
        groups = [parts[0] for parts in self._lines("/etc/group") if parts[2] == gid or name in parts[3].split(",")]
        facts = {"uid": int(uid), "gid": int(gid), "groups": groups, "home": home, "shell": shell}
        yield from _stated(resource, facts)

    def _group(self, name: str, resource: GroupResource) -> Iterator[Found]:
        line = next((parts for parts in self._lines("/etc/group") if parts[0] == name), None)
        yield "exists", mismatch(line is not None, resource.exists)
        if line is not None and resource.exists:
            yield from _stated(resource, {"gid": int(line[2])})

    def _package(self, name: str, resource: PackageResource) -> Iterator[Found]:
        packages = self._packages()
        if packages is None:
            yield "installed", "cannot be judged: the image has no list of dpkg's or apk's"
            return
        yield "installed", mismatch(name in packages, resource.installed)
        if name in packages and resource.installed:
            yield from _stated(resource, {"versions": [packages[name]]})

    def _process(self, name: str, resource: ProcessResource) -> Iterator[Found]:
        running = {posixpath.basename(process.command.split()[0])[:_COMM] for process in self._processes()}
        yield "running", mismatch(name[:_COMM] in running, resource.running)

    def _port(self, port: str, resource: PortResource) -> Iterator[Found]:
        number = int(port.rpartition(":")[2])
        try:
            self._target.exchange(number, b"", timeout=1.0)
        except ConnectionRefusedError:
            yield "listening", mismatch(found=False, expected=resource.listening)
        except OSError as error:
            yield "listening", f"cannot be judged: {error}"
        else:
            yield "listening", mismatch(found=True, expected=resource.listening)

    def _http(self, url: str, resource: HttpResource) -> Iterator[Found]:
        parts = urlsplit(url)
        request = HttpRequest.model_validate(
            {
                "port": parts.port or 80,
                "path": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                "method": resource.method,
                "request_headers": dict(re.split(r":\s*", line, maxsplit=1) for line in resource.request_headers),
                "request_body": resource.request_body,
            }
        )
        try:
            answer = request.ask(self._target, timeout=resource.timeout / 1000)
        except OSError as error:
            yield "status", f"no answer: {error or type(error).__name__}"
            return
        yield "status", mismatch(answer.status, resource.status)
        headers = "\n".join(f"{name.title()}: {value}" for name, value in answer.headers.items())
        yield from _stated(resource, {"headers": Lines(headers), "body": Lines(answer.body)})

    def _command(self, command: str | tuple[str, ...], resource: CommandResource) -> Iterator[Found]:
        if isinstance(command, str) and self._files.stat("/bin/sh") is None:
            yield "exit-status", "cannot be judged: the image has no `sh`; write `exec` as a list of words"
            return
        words = ["sh", "-c", command] if isinstance(command, str) else list(command)
        done = self._target.container.insight.run(words, timeout=resource.timeout / 1000)
        if done is None:
            yield "exit-status", f"it did not end within {resource.timeout / 1000:g} s, or could not be started"
            return
        yield "exit-status", mismatch(done.exit_code, resource.exit_status)
        yield from _stated(resource, {"stdout": Lines(done.stdout), "stderr": Lines(done.stderr)})

    def _processes(self) -> Iterator[Any]:
        return (process for process in self._target.container.insight.processes() if process.command.split())

    def _name(self, path: str, number: int) -> str:
        return next((parts[0] for parts in self._lines(path) if parts[2] == str(number)), str(number))

    def _lines(self, path: str) -> list[list[str]]:
        """Return the fields of each line of a file like /etc/passwd."""
        least = 7 if path.endswith("passwd") else 4
        lines = [line.split(":") for line in (self._text(path) or "").splitlines()]
        return [parts for parts in lines if len(parts) >= least and parts[2].isdecimal()]

    def _packages(self) -> dict[str, str] | None:
        """Return the version of each installed package by its name; None where nothing lists them."""
        status = self._text("/var/lib/dpkg/status")
        if status is not None:
            blocks = [dict(re.findall(r"(?m)^(Package|Version|Status): (.*)$", part)) for part in status.split("\n\n")]
            known = [block for block in blocks if "Package" in block]
            return {
                block["Package"]: block.get("Version", "")
                for block in known
                if block.get("Status", "").endswith(" installed")
            }
        installed = self._text("/lib/apk/db/installed")
        if installed is None:
            return None
        return dict(re.findall(r"(?m)^P:(.*)\nV:(.*)$", installed))

    def _text(self, path: str) -> str | None:
        if path not in self._read:
            content = self._files.read(path)
            self._read[path] = None if content is None else content.decode(errors="replace")
        return self._read[path]


def _stated(resource: Any, facts: dict[str, Any]) -> Iterator[Found]:
    """Yield the attributes that a resource states something about. An empty list states nothing."""
    for field, fact in facts.items():
        expected = getattr(resource, field)
        if expected is not None and expected != []:
            yield field, mismatch(fact, expected)
