"""Answers kept for an Idempotency-Key, so that a request that is sent twice is done once.

Theory of operation: the key is the caller's own and the operation's. Before it is done it is noted in the
database, which all engines share, and whoever comes meanwhile with the same key is told to wait; afterwards
the answer is noted, and whoever comes within a day gets it. What is refused is not noted: the same may be
tried again. A request is known again by a digest that is made with a key outside the database, as passwords
and contents of payloads are in it; an answer that is a secret is not kept, and who asks for it again is told
so. An engine that was killed in between leaves a key that is noted as begun; after the time that the
operation may take the next one does it anew, and finds what is there by its name.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import delete, insert, select, update

from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.errors import AnswerNotKept, KeyReused, KeyUnderWay
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NameTaken
from guestwright.engine.inventory.faults import refusals
from guestwright.engine.inventory.tables import idempotency_keys as keys
from guestwright.engine.inventory.transaction import Transaction

KEPT_SECONDS: Final = 86400.0
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")

Marks = Callable[[bytes], tuple[str, ...]]
"""By what data is known again: a new mark first, and those of former keys."""


class Answers:
    """Does what may be asked for twice. Its calls may come from any thread.

    Args:
        database: where answers are kept.
        marks: see there.
    """

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database = database
        self._marks = marks

    def once(self, endpoint: Endpoint, call: Call) -> Any:
        """What an operation returns, or has returned for the same key.

        Raises:
            KeyReused, KeyUnderWay, AnswerNotKept: the key was there. And what the operation raises.
        """
        key = f"{call.who.user}/{endpoint.name}/{call.key}"
        marks = self._marks(_said(endpoint, call))
        found = self._found(endpoint, call, key, marks)
        if found is not None:
            return found
        try:
            value = endpoint.handle(call)
        except BaseException:
            with self._database.write() as tx:
                tx.connection.execute(delete(keys).where(keys.c.key == key, keys.c.status == 0))
            raise
        self._keep(endpoint, key, value)
        return value

    def _found(self, endpoint: Endpoint, call: Call, key: str, marks: tuple[str, ...]) -> Answer | None:
        """The kept answer; None when the key was not there and now is noted."""
        try:
            with self._database.write() as tx:
                row = tx.connection.execute(select(keys).where(keys.c.key == key).with_for_update()).first()
                if row is not None and not _over(row, tx.now, endpoint):
                    return _again(row, call, endpoint, marks)
                self._note(tx, key, marks[0], new=row is None)
        except NameTaken:  # somebody else has noted it just then
            raise KeyUnderWay(key=call.key, operation=endpoint.name) from None
        return None

    def _note(self, tx: Transaction, key: str, mark: str, *, new: bool) -> None:
        values = {"digest": mark, "at": tx.now, "status": 0, "answer": None, "version": None, "location": ""}
        statement = insert(keys).values(key=key, **values)
        with refusals("key"):
            tx.connection.execute(
                statement if new else update(keys).where(keys.c.key == key).values(**values)
            )

    def _keep(self, endpoint: Endpoint, key: str, value: Any) -> None:
        told = value if isinstance(value, Answer) else Answer(value=value)
        text = None if endpoint.secret or told.value is None else _ENCODER.encode(told.value).decode()
        with self._database.write() as tx:
            values = {
                "at": tx.now,
                "status": endpoint.status if told.status is None else told.status,
                "answer": text,
                "version": told.version,
                "location": told.location,
            }
            tx.connection.execute(update(keys).where(keys.c.key == key).values(**values))


def forget_answers(tx: Transaction) -> int:
    """Forget those that are older than a day; returns how many."""
    old = keys.c.at < tx.now - KEPT_SECONDS
    return int(tx.connection.execute(delete(keys).where(old)).rowcount)


def _said(endpoint: Endpoint, call: Call) -> bytes:
    """What makes a request this one."""
    return _ENCODER.encode((endpoint.name, dict(call.path), call.query, call.match, call.body))


def _over(row: Any, now: float, endpoint: Endpoint) -> bool:
    """Whether a key counts no more: it is old, or whoever had begun was killed."""
    return bool(row.at < now - (KEPT_SECONDS if row.status else endpoint.seconds))


def _again(row: Any, call: Call, endpoint: Endpoint, marks: tuple[str, ...]) -> Answer:
    if row.digest not in marks:
        raise KeyReused(key=call.key, operation=endpoint.name)
    if row.status == 0:
        raise KeyUnderWay(key=call.key, operation=endpoint.name)
    if endpoint.secret:
        raise AnswerNotKept(key=call.key, operation=endpoint.name)
    value = None if row.answer is None else msgspec.Raw(row.answer.encode())
    return Answer(value=value, version=row.version, location=row.location, status=row.status)
