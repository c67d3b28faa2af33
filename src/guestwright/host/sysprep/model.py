"""States, events and effects of a sysprep, and what may be told about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from guestwright.base.record import record

ANSWERS_MAX: Final = 32 * 1024  # bytes of an answer file, as XAPI has it
PROGRESS_MAX: Final = 200  # notes that are kept


class Phase(StrEnum):
    """How far it is."""

    REQUESTED = "requested"
    INSERTING = "inserting-media"
    INSERTED = "media-inserted"
    ASKED = "asked"
    RUNNING = "running"
    FINISHED = "finished"
    DOWN = "domain-down"
    FAILED = "failed"


class Event(StrEnum):
    """What happened."""

    BEGIN = "begin"
    MEDIUM_IN = "medium-is-in"
    MEDIUM_REFUSED = "medium-was-refused"
    SEEN = "guest-saw-medium"
    SEEN_LATE = "waited-for-seen"
    RUNNING = "guest-runs"
    ENDED = "guest-ended"
    REFUSED = "guest-refused"
    FAILED = "guest-failed"
    DOWN = "domain-went-down"
    CRASHED = "domain-crashed"
    MUTE = "waited-for-answer"
    LATE = "deadline"
    CANCEL = "cancelled"
    LOST = "service-lost-guest"


class Failure(StrEnum):
    """Why it failed; stable."""

    MEDIUM = "medium-not-inserted"
    NOT_SEEN = "medium-not-seen"
    NO_ANSWER = "no-answer"
    REFUSED = "refused-in-guest"
    GUEST = "failed-in-guest"
    DIED = "guest-went-down-early"
    CRASHED = "guest-crashed"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    LOST = "connection-lost"
    MEDIUM_STAYS = "medium-not-removed"


class Effect(StrEnum):
    """What is to be done; each is idempotent, and its outcome is told to the machine."""

    INSERT = "insert-medium"
    ASK = "write-keys"
    RETRACT = "remove-keys"
    EJECT = "eject-medium"
    DESTROY = "destroy-medium"


@record
class Limits:
    """How long things may take, seconds.

    Attributes:
        deadline: all of it, from the request to the end of the domain.
        seen: until a guest that can say so has seen the medium.
        unseen: what a guest that cannot say so is given; XAPI waits 5 s always.
        answer: from the request to `running`.
    """

    deadline: float = 600.0
    seen: float = 20.0
    unseen: float = 5.0
    answer: float = 10.0


@record
class Note:
    """One line of progress.

    Attributes:
        at: when.
        phase: how far it was then.
        text: for people; from the guest where it says so.
    """

    at: float
    phase: Phase
    text: str
