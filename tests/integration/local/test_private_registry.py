"""A dependency from a registry that wants a token: fetched on the host with the user's, which goes no further."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.integration.conftest import Project

pytestmark = [pytest.mark.engine, pytest.mark.cargo]

_TOKEN = "Bearer of-the-test-5f2c"  # noqa: S105 - known to the test's own registry alone
_CRATE = {
    "Cargo.toml": '[package]\nname = "greeting"\nversion = "0.2.0"\nedition = "2021"\n',
    "src/lib.rs": 'pub const WHOM: &str = "the real program";\n',
}
_DOCKERFILE = """\
FROM rust:1.95-bookworm AS builder
WORKDIR /app
COPY . .
RUN cargo build --release --locked
FROM debian:bookworm-slim
COPY --from=builder /app/target/release/hello /usr/local/bin/hello
CMD ["hello"]
"""


def _packed() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in _CRATE.items():
            member = tarfile.TarInfo(f"greeting-0.2.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


class _Registry(ThreadingHTTPServer):
    """A sparse registry that answers only to a token (doc.rust-lang.org/cargo/reference/registry-index.html)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        crate = _packed()
        self.digest = hashlib.sha256(crate).hexdigest()
        listed = {
            "name": "greeting",
            "vers": "0.2.0",
            "deps": [],
            "cksum": self.digest,
            "features": {},
            "yanked": False,
        }
        config = {"dl": f"{self.url}/crates/{{crate}}/{{version}}", "api": self.url, "auth-required": True}
        self.files: Mapping[str, bytes] = {
            "/index/config.json": json.dumps(config).encode(),
            "/index/gr/ee/greeting": json.dumps(listed).encode() + b"\n",
            "/crates/greeting/0.2.0": crate,
        }


class _Handler(BaseHTTPRequestHandler):
    server: _Registry

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == _TOKEN
        content = self.server.files.get(self.path, b"") if known else b""
        self.send_response(200 if content else 404 if known else 401)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def registry() -> Iterator[_Registry]:
    with _Registry() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_private_registry(hello: Project, registry: _Registry, tmp_path: Path) -> None:
    """The token is where `cargo login` puts it; without it, or without an index, where one is looked for."""
    index = f"sparse+{registry.url}/index/"
    manifest = (hello.folder / "Cargo.toml").read_text()
    hello.write(
        {
            ".cargo/config.toml": f'[registries.our-own]\nindex = "{index}"\n',
            "Cargo.toml": f'{manifest}\n[dependencies]\ngreeting = {{ version = "0.2", registry = "our-own" }}\n',
            "Cargo.lock": (
                f'version = 4\n\n[[package]]\nname = "greeting"\nversion = "0.2.0"\n'
                f'source = "{index}"\nchecksum = "{registry.digest}"\n\n'
                '[[package]]\nname = "hello"\nversion = "0.1.0"\ndependencies = [\n "greeting",\n]\n'
            ),
            "src/main.rs": 'fn main() {\n    println!("hello from {}", greeting::WHOM);\n}\n',
            "Dockerfile": _DOCKERFILE,
        }
    )
    (hello.folder / ".cargo/config.toml").rename(tmp_path / "config.toml")
    unnamed = hello.build()
    assert (unnamed.cause, unnamed.record["failure"]["location"]["file"]) == ("spec-invalid", "Cargo.toml")
    assert ".cargo/config.toml" in unnamed.record["failure"]["repair"]
    (tmp_path / "config.toml").rename(hello.folder / ".cargo/config.toml")

    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('[registry]\nglobal-credential-providers = ["cargo:token"]\n')
    refused = hello.build(CARGO_HOME=str(home))
    assert refused.cause == "local-build-failed", refused.record["failure"]
    assert "our-own" in str(refused.record["failure"])
    assert "credentials.toml" in refused.record["failure"]["repair"]

    (home / "credentials.toml").write_text(f'[registries.our-own]\ntoken = "{_TOKEN}"\n')
    made = hello.build(CARGO_HOME=str(home))
    assert made.exit_code == 0, made.stderr
    assert len({program["sha256"] for program in made.record["programs"]}) == 1
    assert "greeting 0.2.0" in made.record["local"]["compiled"]
    kept = [path for path in hello.workspace.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in kept if _TOKEN.encode() in path.read_bytes()] == []
