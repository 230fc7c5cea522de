"""What the rules decide on small variations: which are traps, which are sound, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.flow.lint import lint

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "echo 'fn main() {}' > src/main.rs"
LIB = ": > src/lib.rs"
BUILD = "cargo build --release"
MUSL = (
    "FROM ekidd/rust-musl-builder AS builder\nRUN USER=rust cargo new --bin app\nWORKDIR /home/rust/src/app\n"
    f"COPY Cargo.toml ./\nRUN {BUILD}\nRUN rm target/x86_64-unknown-linux-musl/release/app\nCOPY src src\nRUN {BUILD}\n"
)
ALL = "find . -path ./target -prune -o -name '*.rs' -exec touch {} +"
START = "FROM rust AS builder\nWORKDIR /app\nCOPY Cargo.toml ./\n"
PRINTS = "target/release/.fingerprint"
SHIP = "FROM debian\nCOPY --from=builder /app/target/release/app /usr/local/bin/app\n"


def prime(*stubs: str, build: str = BUILD) -> str:
    made = " && ".join(["mkdir -p src", *(stubs or (MAIN,)), build])
    return f"FROM rust AS builder\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock ./\nRUN {made}\n"


def found(folder: Path, text: str, **files: str) -> list[str]:
    """Return `severity rule` of each finding."""
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
    return [f"{each.severity} {each.rule}" for each in lint([str(folder / "Dockerfile")], None).findings]


SOUND = {
    "touched in the step": prime() + f"COPY src src\nRUN touch src/main.rs && {BUILD}\n",
    "touched in a step of its own": prime() + f"COPY src src\nRUN touch src/main.rs\nRUN {BUILD}\n",
    "touched by a glob": prime(MAIN, LIB) + f"COPY src src\nRUN touch src/*.rs && {BUILD}\n",
    "touched by xargs": prime(MAIN, LIB) + f"COPY src src\nRUN find src -name '*.rs' | xargs touch && {BUILD}\n",
    "touched by exec of each": prime(MAIN, LIB) + f"COPY . .\nRUN find src -type f -exec touch {{}} \\; && {BUILD}\n",
    "touched in a loop": prime(MAIN, LIB)
    + f"COPY src src\nRUN for f in src/main.rs src/lib.rs; do touch $f; done && {BUILD}\n",
    "touched by what is not known": prime(MAIN, LIB) + f"COPY src src\nRUN touch $(git ls-files) && {BUILD}\n",
    "touched with a future date": prime() + f"COPY src src\nRUN touch -d '+1 hour' src/main.rs && {BUILD}\n",
    "library touched, so its program follows": prime(MAIN, LIB) + f"COPY src src\nRUN touch src/lib.rs && {BUILD}\n",
    "find with parentheses": prime(MAIN, "echo 'fn main() {}' > build.rs")
    + f"COPY . .\nRUN find . \\( -name '*.rs' -o -name '*.toml' \\) -exec touch {{}} + && {BUILD}\n",
    "target removed": prime() + f"COPY src src\nRUN rm -rf target && {BUILD}\n",
    "profile folder removed": prime() + f"COPY src src\nRUN rm -rf target/release && {BUILD}\n",
    "content of the target removed": prime() + f"COPY src src\nRUN rm -rf target/* && {BUILD}\n",
    "cleaned as a whole": prime() + f"COPY src src\nRUN cargo clean && {BUILD}\n",
    "cleaned in the profile": prime() + f"COPY src src\nRUN cargo clean --release && {BUILD}\n",
    "another profile": prime(build="cargo build") + f"COPY src src\nRUN {BUILD}\n",
    "another target": prime(build=f"{BUILD} --target x86_64-unknown-linux-musl") + f"COPY src src\nRUN {BUILD}\n",
    "another target directory": prime(build=f"CARGO_TARGET_DIR=/out {BUILD}") + f"COPY src src\nRUN {BUILD}\n",
    "other features": prime() + f"COPY src src\nRUN {BUILD} --features full\n",
    "other flags": prime() + f"COPY src src\nRUN RUSTFLAGS=-Ctarget-cpu=native {BUILD}\n",
    "a wrapper around the stubs": prime(build=f"RUSTC_WORKSPACE_WRAPPER=/quarantine {BUILD}")
    + f"COPY src src\nRUN {BUILD}\n",
    "only fetched": prime(build="cargo fetch") + f"COPY src src\nRUN {BUILD}\n",
    "only checked": prime(build="cargo check --release") + f"COPY src src\nRUN {BUILD}\n",
    "a masked version": prime("sed -i 's/^version.*/version = \"0.0.0\"/' Cargo.toml", MAIN)
    + f"COPY . .\nRUN {BUILD}\n",
    "copied anew by cp": prime() + f"COPY src /real/src\nRUN cp -r /real/src . && {BUILD}\n",
    "something unreadable between": prime() + f"COPY . .\nRUN make invalidate && {BUILD}\n",
    "tidied behind the build": prime() + f"COPY src src\nRUN {ALL} && {BUILD} && rm -f target/release/deps/app*\n",
    "a failure that is told": prime() + f"COPY src src\nRUN touch src/main.rs && {BUILD} || exit 1\n",
    "priming that may fail": prime(build=f"{BUILD} || true") + f"COPY src src\nRUN touch src/main.rs && {BUILD}\n",
    "a package called dummy": (
        "FROM rust AS builder\nWORKDIR /app\nCOPY Cargo.toml ./\nCOPY src src\n"
        "RUN cargo build --release -p dummy-server\n"
    ),
    "another crate's program is not built": prime(MAIN, "mkdir -p tool/src", "echo 'fn main() {}' > tool/src/main.rs")
    + f"COPY . .\nRUN touch src/main.rs && {BUILD}\n",
    "only one package is built": prime(
        "mkdir -p api/src job/src", "echo 'fn main() {}' > api/src/main.rs", "echo 'fn main() {}' > job/src/main.rs"
    )
    + f"COPY . .\nRUN touch api/src/main.rs && {BUILD} -p api\n",
    "copied with its folders": prime() + f"COPY --parents src/*.rs ./\nRUN touch src/main.rs && {BUILD}\n",
    "found and removed": prime() + f"COPY . .\nRUN find target -name 'app-*' -exec rm -rf {{}} + ; {BUILD}\n",
    "an archive added": prime() + f"ADD sources.tar.gz ./\nRUN touch src/main.rs && {BUILD}\n",
    "cloned at a commit": (
        "FROM rust AS builder\nARG COMMIT\nWORKDIR /\nRUN git clone https://example.org/app /app && cd /app "
        f"&& git checkout $COMMIT\nWORKDIR /app\nRUN {BUILD}\n"
    ),
    "a tool that may fail to install": f"{START}RUN cargo install no-such-tool ; true\nCOPY src src\nRUN {BUILD}\n",
    "copied in a branch that is not taken": (
        f"FROM rust AS builder\nARG PROFILE=release\nWORKDIR /app\nCOPY . .\nRUN {BUILD}\n"
        'RUN if [ "$PROFILE" = dev ]; then cp target/debug/app /out; else cp target/release/app /out; fi\n'
    ),
    "built by another subcommand": prime() + "COPY . .\nRUN cargo leptos build --release\n",
    "built by another tool": prime() + "COPY . .\nRUN trunk build --release\n",
    "built in a member's folder": (
        f"FROM rust AS builder\nWORKDIR /app\nCOPY Cargo.toml ./\nCOPY crates crates\nRUN cd crates/api && {BUILD}\n"
    ),
    "cook over sources that are copied once more": (
        "FROM rust AS builder\nWORKDIR /app\nCOPY . .\nRUN cargo chef prepare && cargo chef cook --release\nCOPY . .\n"
        f"RUN {BUILD}\n"
    ),
    "chef": (
        "FROM rust AS builder\nWORKDIR /app\nCOPY recipe.json .\nRUN cargo chef cook --release\nCOPY . .\n"
        f"RUN {BUILD}\n"
    ),
}


def test_versions_of_the_c_library_are_no_folder(tmp_path: Path) -> None:
    """`cargo zigbuild --target …-gnu.2.17` builds into the folder without the version."""
    text = (
        "FROM rust AS builder\nWORKDIR /app\nCOPY src src\n"
        "RUN cargo zigbuild --release --target x86_64-unknown-linux-gnu.2.17\n"
        "FROM debian\nCOPY --from=builder /app/target/x86_64-unknown-linux-gnu/release/app /usr/local/bin/app\n"
    )
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("library", "table", "said"),
    [
        ("src/lib.rs", "dependencies", "warning lucky-rebuild"),
        ("src/lib.rs", "dev-dependencies", "error stub-not-invalidated"),
        ("src/other.rs", "dependencies", "error stub-not-invalidated"),
    ],
)
def test_luck_through_a_path_dependency(tmp_path: Path, library: str, table: str, said: str) -> None:
    """The root package's library has no stub: it is new to the member, too, and a library that it renews is as well."""
    files = {
        ".dockerignore": "target\n",
        "Cargo.toml": '[workspace]\nmembers = ["tool"]\n[package]\nname = "app"\n',
        "src/main.rs": "fn main() {}\n",
        library: "pub mod x;\n",
        "tool/Cargo.toml": '[package]\nname = "tool"\n[TABLE]\napp = {path = ".."}\n'.replace("TABLE", table),
        "tool/src/main.rs": "fn main() {}\n",
    }
    text = (
        "FROM rust AS builder\nWORKDIR /app\n"
        f"RUN mkdir -p src tool/src && {MAIN} && echo 'fn main() {{}}' > tool/src/main.rs\n"
        f"COPY Cargo.toml ./\nCOPY tool/Cargo.toml tool/\nRUN {BUILD} --workspace\n"
        f"COPY . .\nRUN {BUILD} --workspace\n"
    )
    assert found(tmp_path, text + SHIP, **files) == [said]


def test_cook_over_a_workspace(tmp_path: Path) -> None:
    """Its folder is not the context's, and the program's source not `src/main.rs`."""
    files = {
        "backend/Cargo.toml": '[workspace]\nmembers = ["api"]\n',
        "backend/api/Cargo.toml": '[package]\nname = "app"\n[[bin]]\nname = "app"\npath = "src/go.rs"\n',
        "recipe.json": "{}",
        ".dockerignore": "**/target\n",
        "backend/api/src/go.rs": "fn main() {}\n",
    }
    head = "FROM rust AS builder\nWORKDIR /app\nCOPY recipe.json .\n"
    bad = f"{head}COPY backend .\nRUN cargo chef cook --release\nRUN {BUILD}\n"
    good = f"{head}RUN cargo chef cook --release\nCOPY backend .\nRUN {BUILD}\n"
    assert found(tmp_path, bad + SHIP, **files) == ["error cook-over-sources"]
    assert found(tmp_path, good + SHIP, **files) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('["cargo run"]', "the container cannot start: there is no program called `cargo run`"),
        ('["cargo", "run"]', "the program is built when the container starts"),
        ("cargo run --release", "the program is built when the container starts"),
    ],
)
def test_what_is_said_of_cargo_at_the_start(tmp_path: Path, command: str, words: str) -> None:
    """The exec form does not split its words."""
    text = f"FROM rust\nWORKDIR /app\nCOPY src src\nRUN {BUILD}\nCMD {command}\n"
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    report = lint([str(tmp_path / "Dockerfile")], None)
    assert words in [each.message for each in report.findings if each.rule == "built-at-start"]


@pytest.mark.parametrize(("words", "said"), [("rm -rf", "every stub ships"), ("rm -r", "the build with it")])
def test_what_a_removal_that_matches_nothing_does(tmp_path: Path, words: str, said: str) -> None:
    """Without `-f` it is an error, so nothing ships."""
    text = prime() + f"COPY src src\nRUN {words} {PRINTS}/app-* && {BUILD}\n"
    (tmp_path / "Dockerfile").write_text(text + SHIP, encoding="utf-8")
    report = lint([str(tmp_path / "Dockerfile")], None)
    assert [said in each.why for each in report.findings if each.rule == "layout-bound-removal"] == [True]


@pytest.mark.parametrize("name", SOUND)
def test_sound(tmp_path: Path, name: str) -> None:
    """What ships the truth has no error and no warning."""
    assert [each for each in found(tmp_path, SOUND[name] + SHIP) if not each.startswith("hint")] == []


CHEF = "FROM rust AS builder\nWORKDIR /app\nCOPY recipe.json .\n"
COOK = "RUN cargo chef cook --release\n"
TRAPS = {
    "cook over the sources": (f"{CHEF}COPY . .\n{COOK}RUN {BUILD}\n", "error cook-over-sources"),
    "cook over some of them": (
        f"{CHEF}COPY src src\n{COOK}COPY Cargo.toml .\nRUN {BUILD}\n",
        "error cook-over-sources",
    ),
    "cook over the sources, in one step": (
        f"{CHEF}COPY . .\nRUN cargo chef cook --release && {BUILD}\n",
        "error cook-over-sources",
    ),
    "find without parentheses": (
        prime(MAIN, LIB) + f"COPY . .\nRUN find . -name '*.rs' -o -name '*.toml' -exec touch {{}} + && {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "a glob that is not deep enough": (
        prime(MAIN, "mkdir -p src/bin", "echo 'fn main() {}' > src/bin/w.rs")
        + f"COPY src src\nRUN touch src/*.rs && {BUILD}\n",
        "error stub-partly-invalidated",
    ),
    "two stars are one in sh": (
        prime(MAIN, LIB) + f"COPY src src\nRUN touch src/**/*.rs && {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "the manifest touched": (prime() + f"COPY . .\nRUN touch Cargo.toml && {BUILD}\n", "error stub-not-invalidated"),
    "only the access time": (
        prime() + f"COPY . .\nRUN touch -a src/main.rs && {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "sources removed and copied": (
        prime() + f"RUN rm -rf src\nCOPY src src\nRUN {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "in exec form": (
        prime() + 'COPY src src\nRUN ["cargo", "build", "--release"]\n',
        "error stub-not-invalidated",
    ),
    "in a here-document": (
        prime() + f"COPY src src\nRUN <<EOF\nset -e\n{BUILD}\nEOF\n",
        "error stub-not-invalidated",
    ),
    "in a document for a shell": (
        prime() + f"COPY src src\nRUN bash -eu <<EOF\n{BUILD}\nEOF\n",
        "error stub-not-invalidated",
    ),
    "a stub by COPY of a document": (
        f"{START}COPY <<EOF src/main.rs\nfn main() {{}}\nEOF\nRUN {BUILD}\nCOPY src src\nRUN {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "a stub by COPY of another file": (
        f"{START}COPY docker/dummy.rs src/main.rs\nRUN {BUILD}\nCOPY src src\nRUN {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "in a stage of its own": (
        prime().replace("AS builder", "AS deps") + f"FROM deps AS builder\nCOPY src src\nRUN {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "with the target copied over": (
        prime().replace("AS builder", "AS deps")
        + f"FROM rust AS builder\nWORKDIR /app\nCOPY src src\nCOPY --from=deps /app/target target\nRUN {BUILD}\n",
        "error stub-not-invalidated",
    ),
    "installed": (prime() + "COPY src src\nRUN cargo install --path .\n", "error stub-not-invalidated"),
    "through wrappers": (
        prime() + f"COPY src src\nRUN env A=b timeout 600 nice /usr/local/cargo/bin/{BUILD}\n",
        "error stub-not-invalidated",
    ),
    "in a variable": (
        prime() + f"ENV DIR=src\nCOPY src src\nRUN B='{BUILD}' && cd /app && {BUILD} --locked\n",
        "error stub-not-invalidated",
    ),
    "copied by an unknown stage": (
        "FROM busybox AS sources\nRUN tar -xf /x.tar\n" + prime() + f"COPY --from=sources /src src\nRUN {BUILD}\n",
        "warning stub-not-invalidated",
    ),
    "touched in another layer than the mount": (
        prime(build="true").replace("RUN mkdir", "RUN --mount=type=cache,target=target mkdir").replace("true", BUILD)
        + f"COPY src src\nRUN touch src/main.rs\nRUN --mount=type=cache,target=/app/target {BUILD}\n",
        "warning invalidated-elsewhere",
    ),
    "made before the folder of a base is known": (MUSL, "error removal-matches-nothing"),
    "no build behind COPY": (prime() + "COPY src src\n", "error program-not-rebuilt"),
    "taken by cp": (
        prime(MAIN, "mkdir -p src/bin", "echo 'fn main() {}' > src/bin/w.rs")
        + f"COPY src src\nRUN touch src/bin/w.rs && {BUILD} --bin w && cp target/release/app /out\n",
        "error program-not-rebuilt",
    ),
    "library alone": (
        prime(MAIN, LIB) + f"COPY src src\nRUN touch src/*.rs && {BUILD} --lib\n",
        "error program-not-rebuilt",
    ),
}


@pytest.mark.parametrize("name", TRAPS)
def test_trapped(tmp_path: Path, name: str) -> None:
    """What ships a stub is found, as surely as the text allows."""
    text, expected = TRAPS[name]
    assert expected in found(tmp_path, text + SHIP)


WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n[package]\nname = "app"\nversion = "0.1.0"\n'
    '[dependencies]\nshop-core = { path = "crates/core" }\n',
    "Cargo.lock": "version = 4\n",
    "src/main.rs": "fn main() {}\n",
    "crates/core/Cargo.toml": '[package]\nname = "shop-core"\nversion = "0.1.0"\n',
    "crates/core/src/lib.rs": "pub fn one() -> u8 { 1 }\n",
    "crates/tool/Cargo.toml": '[package]\nname = "tool"\nversion = "0.1.0"\n',
    "crates/tool/src/main.rs": "fn main() {}\n",
    ".dockerignore": "target\n",
}
LOOP = (
    "FROM rust AS builder\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates/core/Cargo.toml crates/core/\n"
    "COPY crates/tool/Cargo.toml crates/tool/\nRUN for c in . crates/*; do mkdir -p $c/src; echo 'fn main() {}' > "
    f"$c/src/main.rs; : > $c/src/lib.rs; done; rm src/lib.rs crates/core/src/main.rs; {BUILD}\n"
    "RUN rm -rf src crates\nCOPY . .\n"
)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (f"touch src/main.rs && {BUILD}", ["error stub-partly-invalidated"]),
        (f"touch crates/core/src/lib.rs && {BUILD}", []),
        (f"touch src/main.rs crates/core/src/lib.rs && {BUILD} --workspace", []),
        (f"cargo clean --release -p app -p shop-core && {BUILD}", []),
        (f"cargo clean --release -p app && {BUILD}", ["error stub-partly-invalidated"]),
        (
            f"rm -rf target/release/.fingerprint/app-* target/release/.fingerprint/shop-core-* && {BUILD}",
            ["hint layout-bound-removal"],
        ),
        (
            f"rm -rf target/release/.fingerprint/shop_core-* && touch src/main.rs && {BUILD}",
            ["error stub-partly-invalidated"],
        ),
        (f"{ALL} && {BUILD}", []),
    ],
)
def test_with_the_project(tmp_path: Path, build: str, expected: list[str]) -> None:
    """Manifests tell which crates a build reaches, and under which names they are removed."""
    assert found(tmp_path, f"{LOOP}RUN {build}\n{SHIP}", **WORKSPACE) == expected


@pytest.mark.parametrize(
    ("ignored", "expected"),
    [("crates/core/src", ["error sources-ignored"]), ("crates/tool", []), ("src/main.rs", ["error sources-ignored"])],
)
def test_ignored_sources_matter_where_they_ship(tmp_path: Path, ignored: str, expected: list[str]) -> None:
    """A crate that no shipped program needs may be kept out of the context."""
    files = {**WORKSPACE, ".dockerignore": f"target\n{ignored}\n"}
    text = f"FROM rust AS builder\nWORKDIR /app\nCOPY . .\nRUN {BUILD}\n{SHIP}"
    assert found(tmp_path, text, **files) == expected


NAMED = {
    "an argument without a value": "ARG NAME\nCOPY --from=builder /app/target/release/$NAME /usr/local/bin/app\n",
    "an argument of the whole file": "ARG APP\nCOPY --from=builder /app/target/release/$APP /usr/local/bin/app\n",
    "the folder of a base's own configuration": (
        "COPY --from=builder /app/target/x86_64-unknown-linux-musl/release/app /usr/local/bin/app\n"
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_known_is_not_claimed(tmp_path: Path, name: str) -> None:
    """Public Dockerfiles that are sound, and of which an earlier linter said that a path is wrong."""
    base = "ekidd/rust-musl-builder" if "base" in name else "rust"
    text = (
        f"ARG APP=app\nFROM {base} AS builder\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock ./\nCOPY src src\nRUN {BUILD}\n"
        f"FROM debian\n{NAMED[name]}CMD ['/usr/local/bin/app']\n"
    )
    assert found(tmp_path, text) == []


def test_a_crate_beside_the_workspace_is_known(tmp_path: Path) -> None:
    """A repository may hold a crate that is no member of its workspace; COPY names its manifest."""
    files = {
        "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\n',
        "src/main.rs": "fn main() {}\n",
        "gateway/Cargo.toml": '[package]\nname = "app-gateway"\nversion = "0.1.0"\n',
        "gateway/Cargo.lock": "version = 4\n",
        "gateway/src/main.rs": "fn main() {}\n",
        ".dockerignore": "target\n",
    }
    text = (
        "FROM rust AS builder\nWORKDIR /app\nCOPY gateway/Cargo.toml gateway/Cargo.lock ./\nCOPY gateway/src src\n"
        f"RUN {BUILD}\nFROM debian\nCOPY --from=builder /app/target/release/app-gateway /usr/local/bin/\n"
    )
    assert found(tmp_path, text, **files) == []


def test_dependencies_of_the_whole_workspace(tmp_path: Path) -> None:
    """`name.workspace = true` is a path dependency where the workspace says so: its program is linked again."""
    files = {
        **WORKSPACE,
        "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n[workspace.dependencies]\n'
        'shop-core = { path = "crates/core" }\n[package]\nname = "app"\nversion = "0.1.0"\n'
        "[dependencies]\nshop-core.workspace = true\n",
    }
    assert found(tmp_path, f"{LOOP}RUN cargo clean --release -p shop-core && {BUILD}\n{SHIP}", **files) == []
