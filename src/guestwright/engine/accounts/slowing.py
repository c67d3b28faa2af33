"""How long somebody waits after failures: longer with each. Pure.

Theory of operation: failures are counted for a name from one address, for the address, and for the name. The
first count slows who guesses one password; the second who tries many names; the third who uses many
addresses, and it begins late and stays short, so that nobody can lock a user out by failing on purpose. A
day without failures and the count begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from guestwright.base.record import record

FORGOTTEN: Final = 86400.0
"""Seconds after which failures count no more."""


class Scope(StrEnum):
    """What failures are counted for."""

    PAIR = "pair"
    REMOTE = "remote"
    NAME = "name"


@record(kw_only=False)
class Brake:
    """After `free` failures the wait is 1 s, and doubles with each further one up to `most` seconds."""

    free: int
    most: float


BRAKES: Final[Mapping[Scope, Brake]] = {
    Scope.PAIR: Brake(4, 900.0),
    Scope.REMOTE: Brake(20, 900.0),
    Scope.NAME: Brake(50, 30.0),
}


def key(scope: Scope, name: str, remote: str) -> str:
    """Under which text a count is kept."""
    parts = {Scope.PAIR: (name, remote), Scope.REMOTE: (remote,), Scope.NAME: (name,)}[scope]
    return "\n".join((scope, *parts))


def wait(scope: Scope, failures: int, last: float, now: float) -> float:
    """Seconds until the next attempt may be made; 0 for at once.

    Args:
        scope: of the count.
        failures: how many there were.
        last: when the last one was, seconds since 1970.
        now: the time.
    """
    brake = BRAKES[scope]
    if failures <= brake.free or now - last >= FORGOTTEN:
        return 0.0
    pause = min(2.0 ** min(failures - brake.free - 1, 30), brake.most)
    return max(0.0, min(last + pause - now, pause))
