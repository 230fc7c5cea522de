"""`invoke lint`: hazards in Dockerfiles, seen without building; and their repair."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.atomic import write_atomically
from orchestrator.dockerfile.lint import lint_dockerfile
from orchestrator.dockerfile.parse import read_dockerfile
from orchestrator.dockerfile.repair import Repaired, repair
from orchestrator.dockerfile.timeline.beside import context_at, context_beside
from orchestrator.errors import DockerfileInvalidError, NoVerdictError, SpecInvalidError, UsageError
from orchestrator.report.lint_report import Fix, LintedFile, LintReport
from orchestrator.spec.load import load_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.dockerfile.lint import LintResult
    from orchestrator.dockerfile.model import Dockerfile
    from orchestrator.dockerfile.timeline.project import BuildContext
    from orchestrator.spec.load import LoadedSpec

_SKIPPED = frozenset({".git", "target", "node_modules", ".twinbuild", ".venv"})
_BOM = "\ufeff".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A Dockerfile to read, with what the spec says of it where it is the spec's own."""

    path: Path
    context: Path | None = None
    manifest: str | None = None
    arguments: Mapping[str, str] | None = None


def spec_in_force(path: Path, *, paths: Sequence[str], given: bool) -> LoadedSpec | None:
    """Return the spec that tells which Dockerfile, context and crates belong together; None where there is none.

    Args:
        path: of the spec.
        paths: what is to be linted. Where Dockerfiles are named, they can be read without a spec.
        given: whether the user named the spec.

    Raises:
        SpecInvalidError: the spec is needed and is missing or wrong.
    """
    try:
        return load_spec(path)
    except SpecInvalidError:
        if given or not paths:
            raise
        return None


def lint(paths: Sequence[str], spec: LoadedSpec | None) -> LintReport:
    """Lint Dockerfiles.

    Args:
        paths: files and folders; empty: the spec's Dockerfile.
        spec: what is known of that one; others are read with the project beside them, where there is one.

    Raises:
        UsageError: a path is not there, a folder has no Dockerfile, or neither paths nor a spec are given.
        DockerfileInvalidError: the only Dockerfile cannot be read. Among several, the report names it.
    """
    named = list(_named(paths, spec))
    files = [_linted(each, alone=len(named) == 1)[0] for each in named]
    return LintReport(files=tuple(files))


def fix(paths: Sequence[str], spec: LoadedSpec | None, *, write: bool) -> Fix:
    """Put the missing invalidation right before each build that would take stubs as fresh.

    Args:
        paths: as for `lint`.
        spec: same.
        write: whether to change the files; otherwise only the diff is made.

    Raises:
        UsageError: as for `lint`.
        DockerfileInvalidError: same.
    """
    named = list(_named(paths, spec))
    diffs: list[str] = []
    written: list[str] = []
    left: list[str] = []
    for each in named:
        _, result = _linted(each, alone=len(named) == 1)
        if result is None:
            continue
        repaired, unrepaired = repair(result.timeline)
        left += [f"{each.span.location}: {each.reason}" for each in unrepaired]
        for file in repaired:
            place = _place(file, each, result)
            diffs += _diff(file)
            if write:
                _write(place, file)
                written.append(file.file)
    return Fix(diff="".join(diffs), written=tuple(written), left=tuple(left), report=lint(paths, spec))


def _named(paths: Sequence[str], spec: LoadedSpec | None) -> Iterator[_Named]:
    own = _of_spec(spec) if spec is not None else None
    if not paths:
        if own is None:
            raise UsageError("no Dockerfile is named and there is no spec", repair="invoke lint PATH…")
        yield own
        return
    seen: set[Path] = set()
    for text in paths:
        path = Path(text)
        if not path.exists():
            raise UsageError(f"there is no {text}", repair="name Dockerfiles, or folders that hold some")
        found = sorted(_below(path)) if path.is_dir() else [path]
        if not found:
            raise UsageError(
                f"{text} holds no Dockerfile", repair="files called Dockerfile, Dockerfile.*, *.Dockerfile are taken"
            )
        for each in found:
            resolved = each.resolve()
            if resolved not in seen:
                seen.add(resolved)
                yield own if own is not None and own.path.resolve() == resolved else _Named(path=each)


def _of_spec(spec: LoadedSpec) -> _Named:
    source = spec.root / spec.spec.source.root
    path = source / spec.spec.image.dockerfile
    context = source / spec.spec.image.context
    given = {**spec.spec.image.args, **spec.spec.inputs}
    manifest = os.path.relpath(source / spec.spec.toolchain.manifest, context)
    return _Named(
        path=_short(path),
        context=context.resolve(),
        manifest=None if manifest.startswith("..") else Path(manifest).as_posix(),
        # Values with `${…}` are facts of a run, and no run has begun.
        arguments={name: value for name, value in given.items() if "${" not in value},
    )


def _short(path: Path) -> Path:
    """Return a path as a person would type it."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _SKIPPED)
        for name in names:
            lower = name.lower()
            named = lower in {"dockerfile", "containerfile"} or lower.startswith(("dockerfile.", "containerfile."))
            if (named or lower.endswith(".dockerfile")) and not lower.endswith(
                (".dockerignore", ".md", ".py", ".orig")
            ):
                yield Path(root) / name


def _linted(named: _Named, *, alone: bool) -> tuple[LintedFile, LintResult | None]:
    file = named.path.as_posix()
    try:
        dockerfile = read_dockerfile(named.path, file=file, arguments=named.arguments or {})
    except DockerfileInvalidError as error:
        if alone:
            raise
        return LintedFile(file=file, findings=(), ignored=0, sources={}, failure=_failure(error)), None
    result = lint_dockerfile(dockerfile, context=_context(named, dockerfile), arguments=named.arguments or {})
    sources = {file: dockerfile.text, **{name: text.text for name, text in result.timeline.scripts.items()}}
    return LintedFile(file=file, findings=result.findings, ignored=result.ignored, sources=sources), result


def _failure(error: NoVerdictError) -> tuple[int, str]:
    where = f"{error.location}: " if error.location else ""
    return error.exit_code, f"{where}{error.message}"


def _context(named: _Named, dockerfile: Dockerfile) -> BuildContext | None:
    if named.context is None:
        return context_beside(named.path, dockerfile)
    return context_at(named.context, named.path.resolve(), manifest=named.manifest)


def _place(file: Repaired, named: _Named, result: LintResult) -> Path:
    if file.file == named.path.as_posix():
        return named.path
    context = result.timeline.context
    return Path(file.file) if context is None else Path.cwd() / file.file


def _diff(file: Repaired) -> Iterator[str]:
    before, after = file.before.splitlines(keepends=True), file.after.splitlines(keepends=True)
    yield from difflib.unified_diff(before, after, fromfile=file.file, tofile=file.file)


def _write(place: Path, file: Repaired) -> None:
    """Write a repaired file with the line ends, the mark at its beginning and the mode that it had."""
    place = place.resolve()
    old = place.read_bytes()
    text = file.after.replace("\n", "\r\n") if b"\r\n" in old else file.after
    mode = place.stat().st_mode & 0o7777
    write_atomically(place, (_BOM if old.startswith(_BOM) else b"") + text.encode(), mode=mode)
