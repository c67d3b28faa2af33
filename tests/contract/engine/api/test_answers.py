"""Answers kept for keys: one for each request, whichever engine of a database is asked; no secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from guestwright.base.record import replace
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.api.answers import KEPT_SECONDS, Answers, forget_answers
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.errors import AnswerNotKept, KeyReused, KeyUnderWay
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.tables import idempotency_keys
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.payloads import Payloads
from tests.support.engine_databases import Clock

PATIENCE = 60.0
CANARY = "canary-52c1"
ONE = Keys(first="1" * 16, all={"1" * 16: b"1" * 32})
TWO = Keys(first="2" * 16, all={"2" * 16: b"2" * 32, **ONE.all})
CALL = Call(
    by=Principal(user="u1", name="ann", role=Role.ADMIN),
    remote="",
    path={"id": "x"},
    query=None,
    body={"name": CANARY, "file": b"bytes"},
    key="k",
)


class Made(msgspec.Struct, frozen=True):
    """What an operation answers."""

    number: int
    text: str


class Operation:
    """An operation that counts."""

    def __init__(self, *, secret: bool = False) -> None:
        self.count = 0
        self.fails: Exception | None = None
        self.before: Callable[[], object] = lambda: None
        self.endpoint = Endpoint(
            name="thing-add",
            method="POST",
            path="/things/{id}",
            right=Right.READ,
            summary="Make a thing.",
            handle=self.handle,
            reply=Made,
            status=201,
            kept=True,
            secret=secret,
        )

    def handle(self, call: Call) -> Answer:
        assert call.body["name"] == CANARY
        self.before()
        if self.fails is not None:
            raise self.fails
        self.count += 1
        return Answer(value=Made(number=self.count, text="ü"), version=3, location=f"/things/{self.count}")


@pytest.fixture
def operation() -> Operation:
    return Operation()


@pytest.fixture
def one(database: Database) -> Answers:
    return Answers(database, Payloads(database, lambda: ONE).marks)


@pytest.fixture
def two(url: str, clock: Clock) -> Iterator[Answers]:
    """Another engine on the same database."""
    with Database(url, clock=clock, connections=8) as other:
        yield Answers(other, Payloads(other, lambda: ONE).marks)


def told(answer: Any) -> tuple[Any, ...]:
    return msgspec.json.encode(answer.value), answer.version, answer.location


def test_another_engine_gives_the_answer_of_the_first_time(
    one: Answers, two: Answers, operation: Operation
) -> None:
    first = one.once(operation.endpoint, CALL)
    again = two.once(operation.endpoint, CALL)
    assert told(again) == told(first) == (b'{"number":1,"text":"\xc3\xbc"}', 3, "/things/1")
    assert again.status == 201
    assert operation.count == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"body": {"name": CANARY, "file": b"other"}}, id="body"),
        pytest.param({"path": {"id": "y"}}, id="path"),
        pytest.param({"query": {"a": 1}}, id="query"),
        pytest.param({"match": 7}, id="version"),
    ],
)
def test_another_request_with_the_same_key_is_refused(
    one: Answers, two: Answers, operation: Operation, other: dict[str, Any]
) -> None:
    one.once(operation.endpoint, CALL)
    with pytest.raises(KeyReused):
        two.once(operation.endpoint, replace(CALL, **other))
    assert operation.count == 1


def test_a_key_is_its_users_and_its_operations(one: Answers, operation: Operation) -> None:
    one.once(operation.endpoint, CALL)
    somebody = replace(CALL, by=Principal(user="u2", name="bob", role=Role.ADMIN))
    assert one.once(operation.endpoint, somebody).value.number == 2
    another = replace(operation.endpoint, name="other-add")
    assert one.once(another, CALL).value.number == 3
    assert one.once(operation.endpoint, replace(CALL, key="k2")).value.number == 4


def test_of_many_at_once_one_is_done(one: Answers, two: Answers, operation: Operation) -> None:
    inside, go, found = threading.Event(), threading.Event(), list[str]()

    def wait() -> None:
        inside.set()
        assert go.wait(PATIENCE)

    def ask(answers: Answers) -> None:
        try:
            answers.once(operation.endpoint, CALL)
            found.append("done")
        except KeyUnderWay:
            found.append("under way")

    operation.before = wait
    threads = [threading.Thread(target=ask, args=(each,)) for each in (one, two) * 4]
    for each in threads:
        each.start()
    assert inside.wait(PATIENCE)
    while len(found) < 7:
        go.wait(0.01)
    go.set()
    for each in threads:
        each.join(PATIENCE)
    assert sorted(found) == ["done", *["under way"] * 7]
    assert operation.count == 1
    assert two.once(operation.endpoint, CALL).location == "/things/1"


def test_what_was_refused_may_be_sent_again(one: Answers, two: Answers, operation: Operation) -> None:
    operation.fails = NotInInventory(what="thing", id="x")
    with pytest.raises(NotInInventory):
        one.once(operation.endpoint, CALL)
    operation.fails = None
    assert two.once(operation.endpoint, CALL).location == "/things/1"


def test_after_a_kill_in_between_it_is_done_anew_when_its_time_is_over(
    one: Answers, two: Answers, operation: Operation, database: Database, clock: Clock
) -> None:
    one.once(operation.endpoint, CALL)
    with database.write() as tx:  # as it is before the answer is kept
        tx.connection.execute(update(idempotency_keys).values(status=0, answer=None))
    clock.now += operation.endpoint.seconds
    with pytest.raises(KeyUnderWay):
        two.once(operation.endpoint, CALL)
    clock.now += 1
    assert two.once(operation.endpoint, CALL).location == "/things/2"
    assert one.once(operation.endpoint, CALL).location == "/things/2"


def test_answers_are_kept_for_a_day(
    one: Answers, operation: Operation, database: Database, clock: Clock
) -> None:
    one.once(operation.endpoint, CALL)
    clock.now += KEPT_SECONDS
    with database.write() as tx:
        assert forget_answers(tx) == 0
    assert one.once(operation.endpoint, CALL).location == "/things/1"
    clock.now += 1
    assert one.once(operation.endpoint, CALL).location == "/things/2"
    clock.now += KEPT_SECONDS + 1
    with database.write() as tx:
        assert forget_answers(tx) == 1


def test_secrets_are_nowhere_and_who_asks_again_is_told(one: Answers, database: Database) -> None:
    operation = Operation(secret=True)
    assert one.once(operation.endpoint, CALL).value.number == 1
    with pytest.raises(AnswerNotKept):
        one.once(operation.endpoint, CALL)
    with pytest.raises(KeyReused):
        one.once(operation.endpoint, replace(CALL, body={"name": CANARY}))
    one.once(Operation().endpoint, replace(CALL, key="open"))
    with database.read() as tx:
        rows = {row.key: row for row in tx.connection.execute(select(idempotency_keys))}
    assert rows["u1/thing-add/k"].answer is None
    assert rows["u1/thing-add/open"].answer is not None
    assert CANARY not in repr(rows)


def test_a_request_is_known_again_after_keys_were_changed(
    one: Answers, database: Database, operation: Operation
) -> None:
    one.once(operation.endpoint, CALL)
    later = Answers(database, Payloads(database, lambda: TWO).marks)
    assert later.once(operation.endpoint, CALL).location == "/things/1"
    with pytest.raises(KeyReused):
        later.once(operation.endpoint, replace(CALL, path={"id": "y"}))
