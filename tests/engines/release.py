"""The engines that the tests know, and how each is set up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An engine of Debian's archive.

    Attributes:
        name: as it is called on the command line.
        version: what the engine's own version begins with.
        suite: the Debian release that has it.
        number: tells the engines' addresses apart.
        apt: options of apt while its packages are fetched.
        features: dockerd's own, by name.
    """

    name: str
    version: str
    suite: str
    number: int
    apt: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """Return the name of the host's end of its cable; the kernel allows 15 characters."""
        return f"twinbuild{self.number}"

    @property
    def ends(self) -> tuple[str, str]:
        """Return the addresses of the cable's ends: the host's, and the engine's."""
        return f"10.212.{self.number}.1", f"10.212.{self.number}.2"

    @property
    def bridge(self) -> str:
        """Return the address of its network bridge."""
        return f"10.213.{self.number}.1/24"

    @property
    def networks(self) -> tuple[str, ...]:
        """Return all that the host reaches its containers by."""
        return f"10.213.{self.number}.0/24", f"10.{213 + self.number}.0.0/16"

    @property
    def pool(self) -> str:
        """Return the addresses that its other networks are made of."""
        return f"base={self.networks[1]},size=24"


# Snapshots of Debian's unstable release are past their date by the time they are used.
_SID = ('Acquire::Check-Valid-Until "false"',)
RELEASES = {
    release.name: release
    for release in (
        Release(name="20.10", version="20.10", suite="bookworm", number=4),
        Release(name="26.1", version="26.1", suite="trixie", number=1),
        Release(name="28.5", version="28.", suite="sid", number=2, apt=_SID),
        Release(
            name="28.5-containerd",
            version="28.",
            suite="sid",
            number=3,
            apt=_SID,
            features=("containerd-snapshotter",),
        ),
    )
}
