"""Transactions, and channels that have none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestwright.agent.channel import wire
from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.channel.transaction import ATTEMPTS, Opening, abandon, transact
from guestwright.agent.tasks import Wait
from tests.support.agent_line import Host, Outcome


def answer_transaction(
    host: Host, end: bytes | str, refuse: bytes = b""
) -> list[tuple[int, int, int, bytes]]:
    """Play the host for one attempt; the requests made in it."""
    seen: list[tuple[int, int, int, bytes]] = []
    for _ in range(3):
        for message in host.heard():
            kind, request_id, transaction, payload = message
            seen.append(message)
            if kind == wire.TRANSACTION_START:
                host.say((kind, request_id, 0, b"9\0"))
            elif kind == wire.TRANSACTION_END and isinstance(end, str):
                host.say((wire.ERROR, request_id, transaction, end.encode() + b"\0"))
            elif refuse and payload.startswith(refuse):
                host.say((wire.ERROR, request_id, transaction, b"EACCES\0"))
            else:
                host.say((kind, request_id, transaction, b"OK\0"))
    return seen


def writes(host: Host) -> Callable[[int], list[Wait]]:
    return lambda number: [host.session.write(b"a", b"1", number), host.session.rm(b"b", number)]


def test_a_transaction(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(transact(host.session, writes(host)))
    seen = answer_transaction(host, b"OK\0")
    assert [(kind, number) for kind, _, number, _ in seen] == [(6, 0), (wire.WRITE, 9), (wire.RM, 9), (7, 9)]
    assert seen[-1][3] == b"T\0"
    assert outcome.over
    assert outcome.error is None


def test_a_refusal_in_a_transaction_is_told_with_its_place(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(transact(host.session, writes(host)))
    seen = answer_transaction(host, b"OK\0", refuse=b"b\0")
    assert seen[-1][3] == b"F\0"
    assert isinstance(outcome.error, StoreError)
    assert (outcome.error.errno, outcome.error.place) == ("EACCES", 1)


def test_attempts_of_a_transaction_end(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(transact(host.session, writes(host)))
    for attempt in range(ATTEMPTS):
        assert not outcome.over, attempt
        answer_transaction(host, "EAGAIN")
    assert isinstance(outcome.error, StoreError)
    assert (outcome.error.errno, outcome.error.place) == ("EAGAIN", -1)


@pytest.mark.parametrize(
    ("answer", "wanted"), [(b"EACCES\0", ("EACCES", 0)), (b"ENOENT\0", ("ENOENT", 0)), (b"", None)]
)
def test_one_change_needs_no_transaction(
    make: Callable[..., Host], answer: bytes, wanted: tuple[str, int] | None
) -> None:
    host = make()
    outcome = Outcome(host.session.alone(host.session.write(b"a", b"1")))
    ((kind, request_id, number, _),) = host.heard()
    assert (kind, number) == (wire.WRITE, 0)
    host.say((wire.ERROR if answer else kind, request_id, 0, answer or b"OK\0"))
    assert outcome.over
    found = outcome.error
    assert (None if found is None else (found.errno, found.place)) == wanted  # type: ignore[attr-defined]


def test_a_transaction_that_was_begun_before_it_was_needed(make: Callable[..., Host]) -> None:
    host = make()
    opening = Opening(host.session)
    ((kind, request_id, _, _),) = host.heard()
    host.say((kind, request_id, 0, b"9\0"))
    outcome = Outcome(transact(host.session, writes(host), opening=opening))
    seen = answer_transaction(host, b"OK\0")
    assert [(kind, number) for kind, _, number, _ in seen] == [(wire.WRITE, 9), (wire.RM, 9), (7, 9)]
    assert (outcome.over, outcome.error) == (True, None)


def test_a_transaction_that_turned_out_needless(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(abandon(host.session, Opening(host.session)))
    seen = answer_transaction(host, b"OK\0")
    assert [(kind, payload) for kind, _, _, payload in seen] == [(6, b"\0"), (7, b"F\0")]
    assert (outcome.over, outcome.error) == (True, None)


def test_an_opening_of_a_lost_connection(make: Callable[..., Host]) -> None:
    host = make()
    opening = Opening(host.session)
    host.heard()
    assert host.end is not None
    host.end.close()
    host.turn()
    outcome = Outcome(transact(host.session, writes(host), opening=opening))
    host.later(1)
    assert isinstance(outcome.error, Lost)


def test_a_trusting_transaction_needs_two_round_trips(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(transact(host.session, writes(host), trusting=True))
    ((_, start, _, _),) = host.heard()
    host.say((wire.TRANSACTION_START, start, 0, b"9\0"))
    messages = host.heard()
    assert [(kind, number) for kind, _, number, _ in messages] == [(wire.WRITE, 9), (wire.RM, 9), (7, 9)]
    host.say(*((kind, request_id, number, b"OK\0") for kind, request_id, number, _ in messages))
    assert (outcome.over, outcome.error) == (True, None)


def test_trust_that_was_misplaced_is_told(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(transact(host.session, writes(host), trusting=True))
    seen = answer_transaction(host, b"OK\0", refuse=b"a\0")
    assert seen[-1][3] == b"T\0"
    assert isinstance(outcome.error, StoreError)
    assert (outcome.error.errno, outcome.error.place, outcome.error.partial) == ("EACCES", 0, True)


def test_who_trusted_in_vain_is_careful_the_next_time(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(transact(host.session, writes(host), trusting=True))
    answer_transaction(host, "EAGAIN", refuse=b"a\0")
    assert not outcome.over
    seen = answer_transaction(host, b"OK\0", refuse=b"a\0")
    assert seen[-1][3] == b"F\0"
    assert isinstance(outcome.error, StoreError)
    assert (outcome.error.errno, outcome.error.partial) == ("EACCES", False)


def answer_alone(host: Host, refuse: bytes = b"") -> list[tuple[int, int, bytes]]:
    """Answer what comes; kinds, numbers and payloads of it."""
    seen = []
    while messages := host.heard():
        for kind, request_id, number, payload in messages:
            seen.append((kind, number, payload))
            refused = bool(refuse) and payload.startswith(refuse)
            host.say((wire.ERROR, request_id, 0, b"EACCES\0") if refused else (kind, request_id, 0, b"OK\0"))
    return seen


@pytest.mark.parametrize("trusting", [False, True])
def test_where_there_are_no_transactions_none_is_begun(make: Callable[..., Host], *, trusting: bool) -> None:
    host = make(transactions=False)
    opening = Opening(host.session)
    outcome = Outcome(transact(host.session, writes(host), opening=opening, trusting=trusting))
    assert [(kind, number) for kind, number, _ in answer_alone(host)] == [(wire.WRITE, 0), (wire.RM, 0)]
    assert (outcome.over, outcome.error) == (True, None)
    needless = Outcome(abandon(host.session, Opening(host.session)))
    assert answer_alone(host) == []
    assert (needless.over, needless.error) == (True, None)


@pytest.mark.parametrize("trusting", [False, True])
def test_a_refusal_without_a_transaction_is_partial(make: Callable[..., Host], *, trusting: bool) -> None:
    host = make(transactions=False)
    outcome = Outcome(transact(host.session, writes(host), trusting=trusting))
    answer_alone(host, refuse=b"b\0")
    assert isinstance(outcome.error, StoreError)
    assert (outcome.error.errno, outcome.error.place, outcome.error.partial) == ("EACCES", 1, True)
