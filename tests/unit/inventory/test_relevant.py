"""Libraries that a project's crates look for, out of all that pkg-config finds."""

from __future__ import annotations

from orchestrator.inventory.relevant import libraries

CRATES = ("libz-sys", "openssl-sys", "libsqlite3-sys", "backend")


def test_only_what_a_crate_looks_for_is_kept() -> None:
    """With `none` where a side lacks it: that a library is there on one side only is what makes programs differ."""
    host, image = libraries(
        {"zlib": "1.2.13", "openssl": "3.0.1", "x11": "1.8"}, {"openssl": "3.0.2", "libpng": "1.6"}, CRATES
    )
    assert host == {"zlib": "1.2.13", "openssl": "3.0.1"}
    assert image == {"zlib": "none", "openssl": "3.0.2"}


def test_a_project_without_such_crates_has_none() -> None:
    """Whatever the machine holds."""
    assert libraries({"zlib": "1"}, {}, ("serde",)) == ({}, {})
