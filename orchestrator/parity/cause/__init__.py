"""Why two programs differ: one file per cause, each weighing the same evidence for itself.

A cause is a function from a `Difference` to a `Suspicion`, or to None when the evidence speaks against it. To add
one, write its file and name it in `CAUSES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orchestrator.parity.cause import (
    appended_bytes,
    baked_value,
    build_id,
    c_compiler,
    codegen_settings,
    codegen_units,
    commit_id,
    damaged_program,
    debug_info,
    debug_paths,
    debug_profile,
    dependency_version,
    edited_after_link,
    features,
    hardening_flags,
    linker,
    lto,
    manifest_dir,
    needed_differs,
    nondeterminism,
    other_binary,
    other_program,
    other_sources,
    out_dir,
    overflow_checks,
    own_data,
    panic_strategy,
    partial_stub,
    paths,
    program_kind,
    strip_debug,
    stripped,
    stub,
    symbol_hash,
    target_cpu,
    timestamp,
    toolchain,
    unknown,
)
from orchestrator.parity.cause.inputs import from_inputs, with_inputs
from orchestrator.parity.facts import input_differences
from orchestrator.parity.suspicion import Likelihood, Suspicion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.parity.difference import Comparison, Difference

__all__ = ["CAUSES", "Likelihood", "Suspicion", "causes_of", "diagnose"]

CAUSES: Final[Mapping[str, Callable[[Difference], Suspicion | None]]] = {
    # Of two that are equally likely the first one leads: what explains more stands before what explains less.
    "damaged-program": damaged_program.weigh,
    "edited-after-link": edited_after_link.weigh,
    "other-program": other_program.weigh,
    "other-binary": other_binary.weigh,
    "stub": stub.weigh,
    "partial-stub": partial_stub.weigh,
    "toolchain": toolchain.weigh,
    "program-kind": program_kind.weigh,
    "linker": linker.weigh,
    "debug-profile": debug_profile.weigh,
    "needed-differs": needed_differs.weigh,
    "dependency-version": dependency_version.weigh,
    "panic-strategy": panic_strategy.weigh,
    "overflow-checks": overflow_checks.weigh,
    "lto": lto.weigh,
    "target-cpu": target_cpu.weigh,
    "codegen-units": codegen_units.weigh,
    "c-compiler": c_compiler.weigh,
    "hardening-flags": hardening_flags.weigh,
    "debug-info": debug_info.weigh,
    "appended-bytes": appended_bytes.weigh,
    "baked-value": baked_value.weigh,
    "timestamp": timestamp.weigh,
    "commit-id": commit_id.weigh,
    "nondeterminism": nondeterminism.weigh,
    "out-dir": out_dir.weigh,
    "manifest-dir": manifest_dir.weigh,
    "features": features.weigh,
    "other-sources": other_sources.weigh,
    "codegen-settings": codegen_settings.weigh,
    "paths": paths.weigh,
    "own-data": own_data.weigh,
    "stripped": stripped.weigh,
    "strip-debug": strip_debug.weigh,
    "build-id": build_id.weigh,
    "debug-paths": debug_paths.weigh,
    "symbol-hash": symbol_hash.weigh,
}


def causes_of(comparison: Comparison) -> tuple[Suspicion, ...]:
    """Return what is to be said of a pair: why it differs, or what is suspected of two identical files."""
    if comparison.difference is not None:
        return diagnose(comparison.difference)
    return () if comparison.both is None else (comparison.both,)


def diagnose(difference: Difference) -> tuple[Suspicion, ...]:
    """Return the causes that fit, the best first.

    The first one is *the* cause. Where none is at least likely it is `unknown`, which says what was ruled out, and
    the merely possible ones follow.
    """
    weighed = {cause: weigh(difference) for cause, weigh in CAUSES.items()}
    known = input_differences(difference.facts)
    found = [with_inputs(suspicion, known) for suspicion in weighed.values() if suspicion is not None]
    found += from_inputs(known, named={suspicion.cause for suspicion in found})
    ranked = sorted(found, key=lambda suspicion: -suspicion.likelihood)
    strong = [suspicion for suspicion in ranked if suspicion.likelihood >= Likelihood.LIKELY]
    # Two that explain each other stay both: neither is a mere consequence.
    kept = tuple(
        suspicion
        for suspicion in ranked
        if not any(
            other.covers(suspicion.cause) and not suspicion.covers(other.cause)
            for other in strong
            if other is not suspicion
        )
    )
    if kept and kept[0].likelihood >= Likelihood.LIKELY:
        return kept
    ruled_out = tuple(cause for cause, suspicion in weighed.items() if suspicion is None)
    return (unknown.suspect(difference, ruled_out=ruled_out), *kept)
