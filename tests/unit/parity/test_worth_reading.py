"""Large programs that are plainly unlike are not read byte by byte; everything that could still be alike is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.binary.profile import BinaryProfile, Format, Function, SectionFacts
from orchestrator.parity.cause import diagnose
from orchestrator.parity.compare import compare, compare_files
from orchestrator.parity.worth_reading import plainly_unlike, worth_reading

MAIN = "_ZN7backend4mainE"
HERE, THERE = "rustc version 1.95.0 (1)", "rustc version 1.97.0 (2)"


def program(
    digest: str, *, code: int = 20 << 20, main: str = MAIN, comment: str = HERE, grown: int = 0
) -> BinaryProfile:
    """Return a program of a hundred functions, of which the first ones are larger than in the other program."""
    functions = [Function(f"_ZN4core5work{n:02}E", 100 + (n < grown)) for n in range(100)]
    return BinaryProfile(
        sha256=digest * 64,
        size=2 * code,
        format=Format.ELF,
        machine="x86_64",
        sections=(SectionFacts(name=".text", size=code, flags="AX", sha256=digest * 64),),
        code_sha256=digest * 64,
        data_sha256=digest * 64,
        functions=(*functions, Function(main, 20)),
        stripped=False,
        comment=(comment,),
    )


LOCAL = program("a")


@pytest.mark.parametrize(
    ("image", "unlike"),
    [
        (program("b"), False),
        (program("b", grown=100), False),
        (program("b", comment=THERE), False),
        (program("b", comment=THERE, grown=10), False),
        (program("b", comment=THERE, grown=30), True),
        (program("b", main="_ZN5admin4mainE"), True),
        (replace(program("b", main="_ZN5admin4mainE"), functions=None, stripped=True), False),
    ],
    ids=["moved", "other settings", "other tools, same shape", "few", "many", "other main", "stripped"],
)
def test_what_is_plainly_unlike(image: BinaryProfile, *, unlike: bool) -> None:
    """Another main, or other tools and mostly other functions; other settings of the same tools are looked into."""
    assert plainly_unlike(LOCAL, image) is unlike
    assert worth_reading(LOCAL, image) is not unlike


def test_small_programs_are_always_read() -> None:
    """It costs little, and shows the functions that differ."""
    small = [program(digest, code=1 << 20, comment=comment, grown=100 * (digest == "b"))
             for digest, comment in (("a", HERE), ("b", THERE))]  # fmt: skip
    assert plainly_unlike(*small)
    assert worth_reading(*small)


def test_rung_and_cause_need_no_reading() -> None:
    """Two large programs made by other tools stand where they would stand anyway."""
    image = program("b", comment=THERE, grown=60)
    sides = {LOCAL.sha256: LOCAL, image.sha256: image}

    def never(_local: str, _image: str) -> None:
        pytest.fail("the contents were read")

    found = compare_files(LOCAL.sha256, image.sha256, size=LOCAL.size, profile=sides.__getitem__, content=never)
    assert found.rung.value == "toolchain"
    assert found.difference is not None
    assert diagnose(found.difference)[0].cause == "toolchain"
    foreign = compare(LOCAL, program("b", main="_ZN5admin4mainE"))
    assert foreign.rung.value == "foreign"
