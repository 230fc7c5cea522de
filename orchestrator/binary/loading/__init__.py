"""Whether an image's program can be started, read from its file system without starting it.

The rules are those of the engine (which file a command means), the kernel (what it executes) and the dynamic loader
(where libraries are found). Facts only; `gate/checks/loadable.py` judges them. LIEF is not used here: its import costs
more than the whole reading, and the loader looks at segments, which LIEF reads no better than the 200 lines of
`elf.py`; the tests hold both readings against each other.

Here are the facts; the reading is `read.py`, which only an image that was not read before needs.
"""

from orchestrator.binary.loading.facts import (
    LOAD_FACTS_VERSION,
    Access,
    Form,
    Found,
    LibraryFacts,
    LoadFacts,
    Presence,
    ProgramFacts,
    VersionGap,
    load_facts_from_json,
    load_facts_to_json,
)

__all__ = [
    "LOAD_FACTS_VERSION",
    "Access",
    "Form",
    "Found",
    "LibraryFacts",
    "LoadFacts",
    "Presence",
    "ProgramFacts",
    "VersionGap",
    "load_facts_from_json",
    "load_facts_to_json",
]
