"""States of a payload: what happened goes in, the next state comes out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from guestwright.base.record import replace
from guestwright.host.media.model import Entry, Persistence, Scrub, State


class Happened(StrEnum):
    """What happened to a payload."""

    INSERTED = "inserted"  # its image is in a drive
    SEEN = "seen"  # the guest says that it sees it
    CONSUMED = "consumed"  # the guest, or somebody for it, says that it needs it no more
    SCRUBBED = "scrubbed"  # the twin is in the drive
    TAKEN_OUT = "taken-out"  # somebody else's medium, or none, is in the drive
    RUN_OVER = "run-over"
    REBOOTED = "rebooted"


_UNSCRUBBED: Final = frozenset((State.DEFINED, State.ATTACHED, State.SEEN))
_SHOWN: Final = frozenset((State.ATTACHED, State.SEEN))
_LAST: Final[Mapping[Happened, str]] = {
    Happened.RUN_OVER: "the run ended before the guest said that it had consumed it",
    Happened.TAKEN_OUT: "it was taken out before the guest said that it had consumed it",
}


def after(entry: Entry, happened: Happened) -> Entry:
    """The payload as it is then; the same when that changes nothing.

    Args:
        entry: as it was.
        happened: what.
    """
    state = entry.state
    if happened is Happened.INSERTED:
        shown = State.ATTACHED if state in (State.DEFINED, State.FAILED) else state
        return replace(entry, state=shown, reason="", inside=True)
    if happened is Happened.SEEN:
        return replace(entry, state=State.SEEN) if state is State.ATTACHED else entry
    if happened is Happened.CONSUMED:
        return replace(entry, state=State.CONSUMED) if state in _SHOWN else entry
    if happened is Happened.SCRUBBED:
        return replace(entry, state=State.SCRUBBED, reason="")
    if happened is Happened.REBOOTED:
        again = entry.persistence is Persistence.PERMANENT and state is State.SEEN
        return replace(entry, state=State.ATTACHED) if again else entry
    return _out(entry, happened)


def _out(entry: Entry, happened: Happened) -> Entry:
    """It is in no drive any more."""
    out = replace(entry, inside=False, from_start=False)
    if entry.persistence is Persistence.PERMANENT:
        return replace(out, state=State.DEFINED) if entry.state in _SHOWN else out
    if entry.state in (State.SCRUBBED, State.FAILED):
        return out
    if entry.state in _UNSCRUBBED and entry.scrub is not Scrub.NEVER:
        return replace(out, state=State.FAILED, reason=_LAST[happened])
    return replace(out, state=State.SCRUBBED, reason="its run is over")
