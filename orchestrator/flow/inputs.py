"""What a run knows of both builds' inputs: a difference there explains one in the programs."""

from __future__ import annotations

import hashlib
import posixpath
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.build.place import SANDBOX_HOST, PlaceKind
from orchestrator.dockerfile.timeline.read import read_timeline
from orchestrator.inventory.relevant import libraries
from orchestrator.parity.facts import BuildFacts, SideFacts
from orchestrator.toolchains.cargo.command import cargo_words
from orchestrator.toolchains.cargo.config import config_files, read_config
from orchestrator.toolchains.cargo.flags import effective_rustflags
from orchestrator.toolchains.cargo.identity import compiler_facts
from orchestrator.toolchains.cargo.in_force import features_in_force, profile_in_force, profile_of
from orchestrator.toolchains.cargo.native import native_crates
from orchestrator.toolchains.cargo.witness import read_witness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.build.image import ImageBuild
    from orchestrator.build.local import LocalBuild
    from orchestrator.flow.prepare import Prepared
    from orchestrator.inventory.model import SideInventory
    from orchestrator.toolchains.cargo.witness import WitnessedCall
    from orchestrator.workspace import Workspace


def build_facts(
    prepared: Prepared,
    local: LocalBuild,
    image: ImageBuild,
    sides: tuple[SideInventory, SideInventory],
    *,
    workspace: Workspace,
) -> BuildFacts:
    """Return what is known of both builds; of the image's, what the call of cargo that wrote the program tells.

    Which linker the C compiler has is known and not told: rustc may bring its own, and the programs name theirs.
    """
    programs = tuple(name for member in prepared.project.members for name in member.binaries)
    plan, call = prepared.local, _writer(image)
    words = cargo_words(plan.settings, plan.project, selection=plan.selection)
    manifest, files = _settings(prepared)
    config = _read(prepared, files)
    native = native_crates(plan.tree, plan.project.lock, tuple(plan.files), workspace=workspace)
    found = libraries(sides[0].modules, sides[1].modules, native)
    remapped = local.place.kind is PlaceKind.REMAP
    compiled, witnessed = _sources(prepared, local, call)
    here = SideFacts(
        # A container's compiler may be another one.
        rustc=None if local.place.kind is PlaceKind.CONTAINER else _first_line(prepared.toolchain.verbose),
        c_compiler=sides[0].c_compiler if native else None,
        target="",
        rustflags=local.flags,
        profile=profile_in_force(manifest, config, plan.variables, words, profile=plan.settings.profile),
        features=features_in_force(words),
        environment=plan.variables,
        folders={"workspace": posixpath.normpath(str(plan.tree / prepared.project.root) if remapped else plan.root)},
        user=None if remapped else "root",
        host=None if remapped else SANDBOX_HOST,
        epoch=_epoch(plan.variables),
        libraries=found[0],
        sources=compiled,
        configuration=_digests(prepared, files),
    )
    if call is None:
        return BuildFacts(local=here, image=SideFacts(), programs=programs)
    there = _image_side(
        prepared, call, manifest, files, c_compiler=sides[1].c_compiler if native else None, libraries=found[1]
    )
    return BuildFacts(local=here, image=replace(there, sources=witnessed), programs=programs)


def _image_side(
    prepared: Prepared,
    call: WitnessedCall,
    manifest: Mapping[str, Any],
    files: Sequence[Path],
    *,
    c_compiler: str | None,
    libraries: Mapping[str, str],
) -> SideFacts:
    """Return what is known of the call that wrote the image's program; `files` are the project's configuration."""
    variables = _variables(prepared, call)
    reached = _reached(prepared, files, call)
    config = _read(prepared, [file for file in files if file in reached])
    return SideFacts(
        rustc=_first_line(call.rustc),
        c_compiler=c_compiler,
        target=_option(call.arguments, "--target") or variables.get("CARGO_BUILD_TARGET", ""),
        rustflags=effective_rustflags(
            config, variables, host=prepared.toolchain.host, facts=lambda: compiler_facts(prepared.toolchain)
        ),
        profile=profile_in_force(manifest, config, variables, call.arguments, profile=profile_of(call.arguments)),
        features=features_in_force(call.arguments),
        environment=variables,
        folders={"workspace": call.workspace},
        host=SANDBOX_HOST,
        epoch=_epoch(variables),
        libraries=libraries,
        configuration={str(_in_tree(prepared, file)): digest for file, digest in reached.items()},
    )


def _writer(image: ImageBuild) -> WitnessedCall | None:
    """Return the last call that wrote the shipped bytes."""
    if image.shipped is None:
        return None
    calls = [call for call in read_witness(image.witness) if image.shipped.sha256 in call.made.values()]
    return calls[-1] if calls else None


def _settings(prepared: Prepared) -> tuple[Mapping[str, Any], tuple[Path, ...]]:
    """Return the workspace's manifest, and the project's own configuration files of cargo."""
    tree, project = prepared.local.tree.absolute(), prepared.project
    manifest = tomllib.loads((tree / project.root / "Cargo.toml").read_text(encoding="utf-8"))
    return manifest, config_files(tree / project.folder, tree)


def _read(prepared: Prepared, files: Sequence[Path]) -> Mapping[str, Any]:
    return read_config(files, top=prepared.local.tree.absolute())


def _in_tree(prepared: Prepared, file: Path) -> Path:
    return file.relative_to(prepared.local.tree.absolute())


def _digests(prepared: Prepared, files: Sequence[Path]) -> Mapping[str, str]:
    known = {file.path: file.sha256 for file in prepared.local.files}
    paths = (str(_in_tree(prepared, file)) for file in files)
    return {path: known[path] for path in paths if path in known}


def _reached(prepared: Prepared, files: Sequence[Path], call: WitnessedCall) -> Mapping[Path, str]:
    """Return which of the configuration files a call found, with their digests there.

    One that lies above the workspace is in no witness; nor is anything of a call that could not be witnessed.
    """
    here, found = _digests(prepared, files), {}
    for file in files:
        path = str(_in_tree(prepared, file))
        inner = posixpath.relpath(path, prepared.project.root)
        seen = here.get(path) if inner.startswith("../") or not call.sources else call.sources.get(inner)
        if seen is not None:
            found[file] = seen
    return found


def _variables(prepared: Prepared, call: WitnessedCall) -> Mapping[str, str]:
    """Return the variables that a call had: those of its stage, and those that stand before it in its step."""
    timeline = read_timeline(prepared.dockerfile, context=None, arguments=prepared.image.arguments)
    for state in reversed(timeline.states):
        for called in reversed(state.calls):
            if tuple(word.text for word in called.call.command.words[-len(call.arguments) :]) == call.arguments:
                known = called.call.command.environment
                return {**prepared.builder.environment, **{n: text for n, text in known.items() if "\0" not in text}}
    return prepared.builder.environment


def _sources(prepared: Prepared, local: LocalBuild, call: WitnessedCall | None) -> tuple[str | None, str | None]:
    """Return digests over the sources that both sides are known to have had."""
    if call is None:
        return None, None
    root = prepared.project.root
    digests = {file.path: file.sha256 for file in prepared.local.files}
    pairs = [
        (path, digests[path], call.sources[inner])
        for path in local.inputs
        if path in digests and (inner := posixpath.relpath(path, root)) in call.sources
    ]
    if not pairs:
        return None, None
    sides = (hashlib.sha256(), hashlib.sha256())
    for path, *both in pairs:
        for total, digest in zip(sides, both, strict=True):
            total.update(f"{path} {digest}\n".encode(errors="surrogateescape"))
    return sides[0].hexdigest(), sides[1].hexdigest()


def _epoch(variables: Mapping[str, str]) -> int | None:
    text = variables.get("SOURCE_DATE_EPOCH", "")
    return int(text) if text.isdecimal() else None


def _first_line(text: str) -> str | None:
    return text.splitlines()[0] if text else None


def _option(arguments: Sequence[str], name: str) -> str | None:
    for number, word in enumerate(arguments):
        if word == name:
            return next(iter(arguments[number + 1 : number + 2]), None)
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None
