"""Who did what to which guest: one line each, without contents, arguments or secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.printable import printable
from guestwright.base.record import record

_TEXT_MAX: Final = 300


@record
class AuditLine:
    """One thing that was tried.

    Attributes:
        at: when it began, seconds since 1970.
        seconds: how long it took.
        who: who asked for it, as the API knows them.
        domain: whose guest, by uuid.
        action: such as "exec", "file-read", "hostname".
        subject: what it was about: a program, a path, a name; never arguments or contents.
        outcome: "done", or the code of the error.
        detail: more, for people: an exit status, bytes, why not.
    """

    at: float
    seconds: float
    who: str
    domain: str
    action: str
    subject: str
    outcome: str
    detail: str = ""


Audit = Callable[[AuditLine], None]


@record
class Actor:
    """On whose behalf something is done to a guest.

    Attributes:
        who: for the audit.
        domain: uuid of the guest's domain.
        audit: takes the lines; must be quick and not raise.
        clock: seconds since 1970.
    """

    who: str
    domain: str
    audit: Audit
    clock: Callable[[], float]


class Outcome:
    """Says more about how something ended."""

    def __init__(self) -> None:
        self.detail = ""


@contextmanager
def audited(actor: Actor, action: str, subject: str) -> Iterator[Outcome]:
    """Write a line when the block ends, however it ends."""
    began = actor.clock()
    outcome = Outcome()
    word = "interrupted"
    try:
        yield outcome
        word = "done"
    except GuestwrightError as error:
        word, outcome.detail = error.code, outcome.detail or error.message
        raise
    finally:
        actor.audit(
            AuditLine(
                at=began,
                seconds=max(0.0, actor.clock() - began),
                who=actor.who,
                domain=actor.domain,
                action=action,
                subject=printable(subject)[:_TEXT_MAX],
                outcome=word,
                detail=printable(outcome.detail)[:_TEXT_MAX],
            )
        )
