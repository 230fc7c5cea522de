"""A compiler wrapper of the image's: the host compiles without it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.cargo]


def test_a_wrapper_that_only_the_image_has(hello: Any) -> None:
    """As sccache is set up; it gives what rustc gives, so the programs are the same."""
    text = (hello.folder / "Dockerfile").read_text(encoding="utf-8")
    hello.write(
        {
            "wrap.sh": '#!/bin/sh\nexec "$@"\n',
            "Dockerfile": text.replace(
                "WORKDIR /app\n",
                "WORKDIR /app\nCOPY --chmod=755 wrap.sh /opt/wrap.sh\nENV RUSTC_WRAPPER=/opt/wrap.sh\n",
                1,
            ),
        }
    )
    run = hello.build()
    assert run.exit_code == 0, run.stdout
    assert run.check("parity")["status"] == "passed"
