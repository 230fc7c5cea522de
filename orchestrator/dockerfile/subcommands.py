"""What the subcommands of cargo do, as far as it is known: which of them can leave a program."""

from __future__ import annotations

LINKING = frozenset({"build", "b", "rustc", "run", "r", "install", "test", "t", "bench", "zigbuild", "xwin", "nextest"})
"""Those that compile and link programs."""

TESTING = frozenset({"test", "t", "bench", "nextest"})
"""Of these, those that build tests, and the programs again for them."""

LINKING_NOTHING = frozenset(
    {"", "fetch", "vendor", "check", "c", "clippy", "fmt", "doc", "d", "update", "metadata", "tree", "new", "init"}
    | {"clean", "add", "remove", "search", "login", "publish", "package", "version", "help", "uninstall", "audit"}
    | {"deny", "chef cook", "chef prepare", "binstall", "sqlx", "generate-lockfile", "locate-project", "pkgid"}
    | {"config", "read-manifest", "machete", "sbom", "cyclonedx", "about", "license", "outdated", "udeps"}
    | {"verify-project", "fix", "rustdoc"}
)
"""Those that leave no program, a bare `cargo --version` among them. Of all others (`leptos`) nothing is known."""
