"""What a guest's keys mean for a sysprep under way."""

from __future__ import annotations

from typing import Final

from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.host.sysprep.model import Event, Phase

ACTION: Final = "control/sysprep/action"
FILENAME: Final = "control/sysprep/filename"
MEDIUM: Final = "control/sysprep/vdi-uuid"
TOLD: Final = "data/guestwright/sysprep"
ASKING: Final = b"sysprep"
_TEXT_MAX: Final = 1024  # bytes of what a guest says
_DEFAULT: Final = "the guest did not say why"


@record
class Answer:
    """The keys as they are; None for those that are not there.

    Attributes:
        home: whether the domain's directory is there.
        action: `control/sysprep/action`.
        state: below `data/guestwright/sysprep`, like those that follow.
        error: see there.
        progress: see there.
        media_seen: see there.
    """

    home: bool = True
    action: bytes | None = None
    state: bytes | None = None
    error: bytes | None = None
    progress: bytes | None = None
    media_seen: bytes | None = None


def interpret(answer: Answer, phase: Phase, label: str) -> tuple[Event, str] | None:
    """What has happened.

    Args:
        answer: the keys; `action` was read before the others.
        phase: of the machine.
        label: of the medium.

    Returns:
        An event with the guest's words; None when nothing has.
    """
    if not answer.home:
        return Event.DOWN, "the domain is gone; that it had finished was not seen"
    if phase is Phase.INSERTED:
        return (Event.SEEN, "the guest sees the medium") if sees(answer.media_seen, label) else None
    if phase not in (Phase.ASKED, Phase.RUNNING) or answer.action == ASKING:
        return None
    if answer.action is None or (phase is Phase.RUNNING and answer.state == b"finished"):
        why = said(answer.error) or _DEFAULT
        if answer.state == b"failed":
            return Event.FAILED, why
        if answer.state == b"refused":
            return Event.REFUSED, why
        return Event.ENDED, "the guest has finished"
    return (Event.RUNNING, "the guest has begun") if answer.action == b"running" else None


def sees(told: bytes | None, label: str) -> bool:
    """Whether a guest lists a medium: "sr0 LABEL; xvdd OTHER"."""
    drives = (told or b"")[:_TEXT_MAX].decode("ascii", "replace").split(";")
    return any(one.strip().partition(" ")[2].strip().upper() == label.upper() for one in drives)


def said(told: bytes | None) -> str:
    """Words of a guest, bounded and on one line."""
    return printable((told or b"")[:_TEXT_MAX].decode("utf-8", "replace")).strip()
