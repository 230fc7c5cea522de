"""Whose functions differ: the project's own, those of dependencies, or those of C code.

The standard library comes compiled; what of it is generic is compiled with the crate that uses it and says nothing
about whose code was changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.binary.names import crate_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.parity.difference import Difference

LIBRARY = frozenset(
    {
        *("core", "alloc", "std", "std_detect", "compiler_builtins", "panic_unwind", "panic_abort", "unwind"),
        *("addr2line", "adler2", "gimli", "hashbrown", "memchr", "miniz_oxide", "object", "rustc_demangle", "cfg_if"),
        *(
            "libc",
            "proc_macro",
            "test",
            "backtrace",
            "__rustc",
            "rustc_std_workspace_core",
            "rustc_std_workspace_alloc",
        ),
    }
)
"""The standard library and what it is compiled with. A project may use some of these itself; they are not blamed."""

_FEW = 50
"""One in so many functions of dependencies may have another body because of the code that uses it: a setting of the
compiler changes nearly all of them, and a feature or a version adds some."""

_START = frozenset(
    {
        *("main", "_start", "_init", "_fini", "frame_dummy", "register_tm_clones", "deregister_tm_clones"),
        *("__do_global_dtors_aux", "__libc_csu_init", "__libc_csu_fini", "_dl_relocate_static_pie"),
    }
)
"""What the compiler driver links into every program; rustc writes `main` itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Functions that differ in any way, or that one side lacks, counted by crate.

    Attributes:
        own: of the project's own crates.
        dependencies: of other crates that were compiled with the program.
        c: names of functions that are not Rust's.
        compiled: how many functions each compiled crate has in the local program.
        generic: how many functions have another body that the standard library has the sources of and the program's
            crates compiled.
        added: names of functions that one side lacks, by crate.
        of_dependencies: how many functions of dependencies the local program has.
    """

    own: Mapping[str, int]
    dependencies: Mapping[str, int]
    c: tuple[str, ...]
    compiled: Mapping[str, int]
    generic: int
    added: Mapping[str, int]
    of_dependencies: int

    @property
    def barely(self) -> bool:
        """Return whether dependencies differ in a few bodies at most, as generic functions do with their users."""
        touched = sum(self.dependencies.values())
        return touched * _FEW <= self.of_dependencies and not any(map(self.added.get, self.dependencies))


def blame(difference: Difference) -> Blame | None:
    """Return whose functions differ; None where functions could not be matched by name."""
    content = difference.content
    if content is None or not content.named:
        return None
    own = {code.crate for code in difference.own} | set(difference.local_entries)
    bodies = content.bodies
    changed = [pair.local.name for pair in bodies.changed]
    added = [body.name for body in (*bodies.only_local, *bodies.only_image)]
    crates = _count([*changed, *added])
    compiled = {
        crate: count
        for crate, count in _count(function.name for function in difference.local.functions or ()).items()
        if crate not in LIBRARY
    }
    return Blame(
        own={crate: count for crate, count in crates.items() if crate in own},
        dependencies={c: count for c, count in crates.items() if c not in own and c not in LIBRARY},
        c=tuple(sorted(name for name in {*changed, *added} if crate_of(name) is None and name not in _START)),
        compiled=compiled,
        generic=sum(1 for name in changed if name.startswith("_ZN") and crate_of(name) in LIBRARY),
        added={crate: count for crate, count in _count(added).items() if crate not in LIBRARY},
        of_dependencies=sum(count for crate, count in compiled.items() if crate not in own),
    )


def _count(names: Iterable[str]) -> Counter[str]:
    return Counter(crate for name in names if (crate := crate_of(name)) is not None)
