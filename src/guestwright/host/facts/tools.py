"""Versions of what runs in a guest for its host, and whether they are up to date.

Drivers and agent are different things, and are told apart: `drivers/N` has each driver's version,
`attr/PVAddons` that of "the tools", `data/guestwright/agent/version` that of this project's agent. What was
released comes from the operator as a catalogue, since no guest can know it. A guest that carries
`attr/PVAddons/NotUpgradable` is up to date whatever its version: nobody could do anything about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from guestwright.base.record import field, record
from guestwright.host.errors import BadCatalogue
from guestwright.host.facts.intake import Keys
from guestwright.host.facts.values import integer, line

CATALOGUE_MAX: Final = 1 << 20  # characters
_ADDONS: Final = "attr/PVAddons/"


@record
class Tools:
    """What a guest says of its tools.

    Attributes:
        version: major, minor, micro, build, as far as they are integers; () when major or minor is not.
        agent: version of this project's agent, or "".
        drivers: name to "vendor version attributes".
        not_upgradable: whether nobody can upgrade them.
        windows: whether they are those for Windows.
    """

    version: tuple[int, ...] = ()
    agent: str = ""
    drivers: Mapping[str, str] = field(default_factory=dict)
    not_upgradable: bool = False
    windows: bool = False


class Standing(StrEnum):
    """How tools compare with what was released."""

    NONE = "none"
    CURRENT = "current"
    PINNED = "not-upgradable"
    OLD = "outdated"
    NEWER = "newer-than-known"
    UNKNOWN = "unknown"


@record
class Verdict:
    """Whether tools are up to date.

    Attributes:
        up_to_date: for XenAPI's `PV_drivers_up_to_date`.
        standing: more exactly.
        reason: for people.
    """

    up_to_date: bool
    standing: Standing
    reason: str


@record
class Release:
    """A released version.

    Attributes:
        family: "linux", "windows", …: a guest's `data/guestwright/os/family`, or what is guessed from its OS.
        version: numbers, the most significant first.
    """

    family: str
    version: tuple[int, ...]


def tools(keys: Keys) -> Tools:
    """What a guest says of its tools."""
    numbers = []
    for name in ("Major", "Minor", "Micro", "Build"):
        number = integer(keys.get(f"{_ADDONS}{name}Version"))
        if number is None:
            break
        numbers.append(number)
    return Tools(
        version=tuple(numbers) if len(numbers) >= 2 else (),
        agent=line(keys.get("data/guestwright/agent/version"), 64),
        drivers=drivers(keys),
        not_upgradable=keys.get(f"{_ADDONS}NotUpgradable") == "1",
        windows=(keys.get("data/os_distro") or "").lower() == "windows",
    )


def drivers(keys: Keys) -> dict[str, str]:
    """The drivers that a guest lists, as XAPI shows them: name to "vendor version attributes"."""
    found = {}
    for index in keys.children("drivers"):
        words = (keys.get(f"drivers/{index}") or "").split(" ")
        if integer(index) is not None and len(words) >= 3:
            found[words[1].lower()] = " ".join([words[0], *words[2:]]).strip()
    return found


class Catalogue:
    """Released versions.

    Args:
        releases: all of them, in any order.
    """

    def __init__(self, releases: tuple[Release, ...] = ()) -> None:
        self._latest: dict[str, tuple[int, ...]] = {}
        for one in releases:
            self._latest[one.family] = max(one.version, self._latest.get(one.family, ()))

    @classmethod
    def parse(cls, text: str) -> Catalogue:
        """A catalogue from JSON: `{"linux": ["1.2.0", "1.3.1"], "windows": ["9.4.0"]}`.

        Raises:
            BadCatalogue: it is something else.
        """
        try:
            found = json.loads(text) if len(text) <= CATALOGUE_MAX else None
        except (ValueError, RecursionError) as error:
            raise BadCatalogue(problem="it is no JSON") from error
        if not isinstance(found, dict):
            raise BadCatalogue(problem="it is no object of families")
        releases = []
        for family, versions in found.items():
            if not isinstance(versions, list):
                raise BadCatalogue(problem=f"{family!r} has no list of versions")
            for one in versions:
                numbers = [integer(part) for part in one.split(".")] if isinstance(one, str) else []
                if not 2 <= len(numbers) <= 4 or None in numbers:
                    raise BadCatalogue(problem=f"{one!r} of {family!r} is no version such as 1.2.3")
                version = tuple(number for number in numbers if number is not None)
                releases.append(Release(family=family, version=version))
        return cls(tuple(releases))

    def judge(self, found: Tools, family: str = "") -> Verdict:
        """Whether tools are up to date.

        Args:
            found: what the guest says.
            family: of its operating system; "" to tell from the tools.
        """
        family = family or ("windows" if found.windows else "linux")
        latest = self._latest.get(family)
        shown = ".".join(map(str, found.version))
        if not found.version:
            known = bool(found.drivers or found.not_upgradable)
            standing = Standing.UNKNOWN if known else Standing.NONE
            reason = "the guest tells no version of its tools"
        elif latest is None:
            standing, reason = Standing.UNKNOWN, f"{shown}; no release for {family} is known here"
        elif _compared(found.version, latest) < latest:
            last = ".".join(map(str, latest))
            standing, reason = Standing.OLD, f"{shown} is older than {last}"
        elif _compared(found.version, latest) > latest:
            standing, reason = Standing.NEWER, f"{shown} is newer than what is known here"
        else:
            standing, reason = Standing.CURRENT, f"{shown} is the latest"
        if found.not_upgradable:
            standing, reason = Standing.PINNED, f"the guest says that its tools cannot be upgraded ({reason})"
        good = standing in (Standing.CURRENT, Standing.NEWER, Standing.PINNED)
        return Verdict(up_to_date=good, standing=standing, reason=reason)


def _compared(version: tuple[int, ...], latest: tuple[int, ...]) -> tuple[int, ...]:
    """A version with as many numbers as another."""
    return (*version, *(0 for _ in latest))[: len(latest)]
