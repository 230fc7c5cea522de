"""What the witness says of the shipped bytes: which call wrote them, which kept them, and as what."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.gate.checks.stub_free.sources import sources_differ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.gate.checks.stub_free.facts import PlacedCall, ShippedFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The shipped bytes' way through cargo's calls.

    Attributes:
        writers: the calls that wrote them, oldest first; calls of an earlier build stand first.
        keepers: the calls that found them there and did not write them.
        path: where the last writer left them, the shortest name; None without a writer.
    """

    writers: tuple[PlacedCall, ...]
    keepers: tuple[PlacedCall, ...]
    path: str | None

    @property
    def writer(self) -> PlacedCall | None:
        """Return the last call that wrote them."""
        return self.writers[-1] if self.writers else None

    def keeper_after(self, writer: PlacedCall, facts: ShippedFacts) -> PlacedCall | None:
        """Return the last call after a writer that kept what it had written.

        Those on the program's way go first; of these the ones that saw the sources and could have made another, then
        the ones that saw them. Of those that did not see them, only one that could have counts.
        """
        after = [placed for placed in self.keepers if is_after(placed, writer, facts)]
        own = [placed for placed in after if placed.call.stage in facts.builder_stages] or after
        saw = [placed for placed in own if not sources_differ(placed.call, facts)]
        linking = [placed for placed in own if placed.links]
        both = [placed for placed in saw if placed.links]
        whole = [placed for placed in both if not confined_to(placed, facts)]
        return next(reversed(whole or both or saw or linking), None)


def confined_to(placed: PlacedCall, facts: ShippedFacts) -> str:
    """Return what a call was confined to, in words, where that leaves the program out; empty where it does not."""
    arguments = placed.call.arguments
    chosen: dict[str, list[str]] = {"--bin": [], "--package": [], "--example": []}
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        name = "--package" if name == "-p" else name
        if name in chosen:
            following = arguments[number + 1 : number + 2]
            chosen[name].append(value if equals else "".join(following))
    if chosen["--bin"] and facts.binary not in chosen["--bin"]:
        return "`" + "`, `".join(chosen["--bin"]) + "`"
    if chosen["--package"] and facts.package not in {name.partition("@")[0] for name in chosen["--package"]}:
        return "the package `" + "`, `".join(chosen["--package"]) + "`"
    if chosen["--example"] and not chosen["--bin"]:
        return "an example"
    return "the library" if "--lib" in arguments and not chosen["--bin"] else ""


def history_of(facts: ShippedFacts) -> History:
    """Return the shipped bytes' way; empty where nothing is shipped or witnessed."""
    digest = facts.shipped.sha256 if facts.shipped else ""
    writers = tuple(placed for placed in facts.calls if digest in placed.call.made.values())
    keepers = tuple(placed for placed in facts.calls if digest in placed.call.kept.values())
    return History(writers=writers, keepers=keepers, path=name_of(writers[-1].call.made, digest) if writers else None)


def is_after(placed: PlacedCall, other: PlacedCall, facts: ShippedFacts) -> bool:
    """Return whether a call came after another one."""
    order = list(facts.calls)
    return order.index(placed) > order.index(other)


def name_of(programs: Mapping[str, str], sha256: str) -> str:
    """Return the shortest path under which some bytes lie: a program has links with longer names."""
    return min((path for path, digest in programs.items() if digest == sha256), key=lambda path: (len(path), path))


def profile_folder_of(path: str, target: str) -> str | None:
    """Return the profile's folder of an output, None for what lies elsewhere (an installed program)."""
    if not path.startswith(target.rstrip("/") + "/"):
        return None
    # A triple may stand before the profile, and `examples` or `deps` behind it.
    parts = [part for part in posixpath.dirname(path[len(target) :]).split("/") if part]
    while parts and parts[-1] in {"examples", "deps"}:
        parts.pop()
    return parts[-1] if parts else None
