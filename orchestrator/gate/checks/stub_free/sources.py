"""Sources as a call saw them against sources as the snapshot has them."""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.statement import SHORT
from orchestrator.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts
    from orchestrator.toolchains.cargo.witness import WitnessedCall

SHOWN = 4
"""How many differing files a statement shows."""

_MET_MOST = (
    "",
    "\n",
    "fn main() {}",
    "fn main() {}\n",
    "fn main(){}",
    "fn main(){}\n",
    'fn main() {\n    println!("Hello, world!");\n}\n',
    'fn main() { println!("dummy"); }\n',
    'fn main() {println!("if you see this, the build broke")}\n',
)
"""Placeholders that are met most; those that a Dockerfile writes itself come with the facts."""

_NEW_LIBRARY = """pub fn add(left: u64, right: u64) -> u64 {
    left + right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_works() {
        let result = add(2, 2);
        assert_eq!(result, 4);
    }
}
"""
"""What `cargo new --lib` writes (cargo 1.95)."""

_KNOWN = {hashlib.sha256(text.encode()).hexdigest(): text for text in (*_MET_MOST, _NEW_LIBRARY)}


_MANIFESTS = frozenset({"Cargo.toml", "Cargo.lock"})


def is_source(path: str) -> bool:
    """Return whether an input is compiled (or taken in by what is), and not a manifest."""
    return posixpath.basename(path) not in _MANIFESTS


def seen(call: WitnessedCall, path: str) -> str | None:
    """Return the digest that a call saw of a source, None where it saw no such file."""
    return call.sources.get(path)


def differing(call: WitnessedCall, facts: ShippedFacts) -> list[str]:
    """Return the inputs of the program whose content was another one, or not there, when the call was made."""
    return [path for path in facts.inputs if seen(call, path) != facts.sources.get(path)]


def sources_differ(call: WitnessedCall, facts: ShippedFacts) -> bool:
    """Return whether a call saw other sources than the snapshot's; its manifests may differ."""
    return any(is_source(path) for path in differing(call, facts))


def stale(placed: PlacedCall, facts: ShippedFacts) -> list[tuple[str, PlacedCall]]:
    """Return inputs that an earlier call in the same target directory saw with other content, with that call.

    Without fresh time stamps cargo may have kept what that call made of them.
    """
    order = list(facts.calls)
    before = [
        other
        for other in order[: order.index(placed)]
        if other.call.exit_code == 0 and _same_target(other.call, placed.call)
    ]
    found = {}
    for other in before:
        for path in facts.inputs:
            then = seen(other.call, path)
            if is_source(path) and then not in {None, seen(placed.call, path)}:
                found[path] = other
    return list(found.items())


def placeholder(digest: str | None, facts: ShippedFacts) -> str | None:
    """Return a placeholder's text by its digest, None for what is none that is known."""
    if digest is None:
        return None
    return facts.placeholders.get(digest, _KNOWN.get(digest))


def shown(paths: Sequence[str], call: WitnessedCall, facts: ShippedFacts) -> Iterator[Evidence]:
    """Yield differing inputs as evidence, the first few of them."""
    # A source says more than a manifest, and a file that was another one more than one that was not there.
    ordered = sorted(paths, key=lambda path: (seen(call, path) is None, not is_source(path)))
    for path in ordered[:SHOWN]:
        yield Evidence(label="input", value=difference(path, seen(call, path), facts))
    if ordered[SHOWN:]:
        yield Evidence(label="input", value=f"and {len(ordered) - SHOWN} more")


def difference(path: str, then: str | None, facts: ShippedFacts) -> str:
    """Return one input's difference, in words."""
    if then is None:
        return f"{path} was not there"
    text = placeholder(then, facts)
    was = f"sha256 {then[:SHORT]}" if text is None else f"`{' '.join(text.split())}`" if text.strip() else "empty"
    return f"{path} was {was}, and is sha256 {(facts.sources.get(path) or 'missing')[:SHORT]}"


def _same_target(one: WitnessedCall, other: WitnessedCall) -> bool:
    # A target directory keeps its path when a stage is based on another, and mostly when it is copied.
    return one.target == other.target or one.workspace == other.workspace
