"""The sans-I/O session: replies find their requests, losses are told, watches come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.xenstore.client.errors import (
    AccessDenied,
    Closed,
    Conflict,
    ConnectionLost,
    NoSuchPath,
    NotOffered,
    QuotaExceeded,
    Refused,
    TooBig,
)
from guestwright.xenstore.client.session import Pending, Session
from guestwright.xenstore.client.watching import QUEUE_MAX, Event, Events
from guestwright.xenstore.core import requests, wire
from guestwright.xenstore.core.errors import BadMessage
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.replies import Done, Number, Value

LOST = ConnectionLost(detail="test")


def sent(session: Session) -> list[Message]:
    """All messages that would go out now."""
    parser = Parser()
    found = []
    while (message := session.outgoing()) is not None:
        parser.feed(message)
        one = parser.next()
        assert one is not None
        found.append(one)
    return found


def answer(session: Session, message: Message, payload: bytes, kind: int | None = None) -> None:
    session.feed(wire.frame(message[0] if kind is None else kind, message[1], message[2], payload))


def event(session: Session, path: bytes, token: bytes) -> None:
    session.feed(wire.frame(wire.WATCH_EVENT, 0, 0, path + b"\0" + token + b"\0"))


def taken(events: Events) -> list[Event]:
    found = []
    while events.ready:
        found.append(events.take())
    return found


def watching(session: Session, path: bytes = b"/a") -> tuple[Events, bytes]:
    """A watch that is registered, and its token."""
    events = Events()
    watched, pending = session.watch(path, events)
    for message in sent(session):
        answer(session, message, b"OK\0")
    assert pending.done
    return events, watched.request.token


@given(st.permutations(range(6)), st.integers(1, 7))
def test_replies_find_their_requests_in_any_order_and_any_pieces(order: list[int], piece: int) -> None:
    session = Session()
    pending = [session.submit(requests.Read(b"/%d" % number)) for number in range(6)]
    messages = sent(session)
    data = b"".join([wire.frame(wire.READ, messages[n][1], 0, b"value %d" % n) for n in order])
    for start in range(0, len(data), piece):
        session.feed(data[start : start + piece])
    assert [one.reply for one in pending] == [Value(b"value %d" % n) for n in range(6)]


@given(st.binary(max_size=200))
def test_garbage_is_an_error_or_ignored(data: bytes) -> None:
    session = Session()
    pending = session.submit(requests.Read(b"/a"))
    sent(session)
    try:
        session.feed(data)
    except BadMessage:
        session.lost(LOST, final=True)
        assert pending.error is LOST


@pytest.mark.parametrize(
    ("errno", "kind"),
    [
        ("ENOENT", NoSuchPath),
        ("EACCES", AccessDenied),
        ("EPERM", AccessDenied),
        ("ENOSPC", QuotaExceeded),
        ("EQUOTA", QuotaExceeded),
        ("E2BIG", QuotaExceeded),
        ("EAGAIN", Conflict),
        ("ENOSYS", NotOffered),
        ("EIO", Refused),
        ("ENEWERTHANUS", Refused),
    ],
)
def test_refusals(errno: str, kind: type[Refused]) -> None:
    session = Session()
    pending = session.submit(requests.Write(b"/a/b", b""))
    answer(session, sent(session)[0], errno.encode() + b"\0", wire.ERROR)
    assert type(pending.error) is kind
    assert isinstance(pending.error, Refused)
    assert pending.error.errno == errno
    assert pending.error.advice is not None


def test_a_reply_of_another_type_breaks_the_connection() -> None:
    session = Session()
    pending = session.submit(requests.Read(b"/a"))
    message = sent(session)[0]
    with pytest.raises(BadMessage):
        answer(session, message, b"OK\0", wire.WRITE)
    assert not pending.done
    session.lost(LOST, final=True)
    assert pending.error is LOST


def test_a_payload_without_end_breaks_the_connection() -> None:
    session = Session()
    with pytest.raises(BadMessage):
        session.feed(wire.HEADER.pack(wire.READ, 1, 0, 1 << 20))


def test_directories_of_old_oxenstored_are_taken() -> None:
    session = Session()
    pending = session.submit(requests.Directory(b"/a"))
    answer(session, sent(session)[0], b"name\0" * 4000)
    assert pending.done


def test_replies_that_nobody_asked_for_are_ignored() -> None:
    session = Session()
    session.feed(wire.frame(wire.READ, 77, 0, b"x"))
    assert not session.has_output


def test_too_big() -> None:
    session = Session(4096)
    session.submit(requests.Write(b"/a", bytes(4080 - 3)))
    with pytest.raises(TooBig) as caught:
        session.submit(requests.Write(b"/a", bytes(4080 - 2)))
    assert caught.value.params["most"] == 4080
    assert len(sent(session)) == 1


def test_request_ids_wrap_and_are_never_used_twice_at_once() -> None:
    session = Session()
    session.submit(requests.Read(b"/a"))
    (first,) = sent(session)
    session._last_id = 0xFFFFFFFE
    session.submit(requests.Read(b"/b"))
    session.submit(requests.Read(b"/c"))
    ids = [message[1] for message in sent(session)]
    assert ids == [0xFFFFFFFF, first[1] + 1]


def test_a_transaction_that_nobody_waits_for_any_more_is_aborted() -> None:
    session = Session()
    pending = session.submit(requests.TransactionStart())
    (message,) = sent(session)
    session.abandon(pending)
    answer(session, message, b"17\0")
    (end,) = sent(session)
    assert end[0] == wire.TRANSACTION_END
    assert (end[2], end[3]) == (17, b"F\0")
    answer(session, end, b"OK\0")


def test_what_was_not_sent_can_be_called_back() -> None:
    session = Session()
    pending = session.submit(requests.Write(b"/a", b""))
    session.abandon(pending)
    assert sent(session) == []


def test_wake_is_called_once_and_not_after_abandoning() -> None:
    session = Session()
    calls: list[str] = []
    one, two = session.submit(requests.Read(b"/1")), session.submit(requests.Read(b"/2"))
    one.wake = lambda: calls.append("one")
    two.wake = lambda: calls.append("two")
    first, second = sent(session)
    session.abandon(two)
    answer(session, first, b"")
    answer(session, second, b"")
    assert calls == ["one"]
    assert isinstance(one, Pending)


def test_events_go_to_their_watches() -> None:
    session = Session()
    events, token = watching(session, b"a")
    others, _ = watching(session, b"a")
    event(session, b"a/b", token)
    assert taken(events) == [Event(path="a/b", watched="a")]
    assert taken(others) == []


def test_nothing_comes_after_unwatching() -> None:
    session = Session()
    events = Events()
    watched, _ = session.watch(b"/a", events)
    sent(session)
    session.unwatch(watched)
    event(session, b"/a", watched.request.token)
    assert not events.ready
    (message,) = sent(session)
    assert message[0] == wire.UNWATCH
    answer(session, message, b"ENOENT\0", wire.ERROR)
    session.unwatch(watched)
    assert sent(session) == []


@pytest.mark.parametrize("final", [True, False])
def test_what_becomes_of_requests_when_the_connection_is_lost(final: bool) -> None:
    session = Session()
    in_flight = {
        "read": session.submit(requests.Read(b"/a")),
        "write": session.submit(requests.Write(b"/a", b"")),
        "inside": session.submit(requests.Read(b"/a"), 5),
    }
    sent(session)
    waiting = {
        "later read": session.submit(requests.Read(b"/b")),
        "later write": session.submit(requests.Write(b"/b", b"")),
        "later inside": session.submit(requests.Write(b"/b", b""), 5),
    }
    session.lost(LOST, final=final)
    all_ = {**in_flight, **waiting}
    failed = {name for name, one in all_.items() if one.error is LOST}
    if final:
        assert failed == set(all_)
        assert sent(session) == []
        return
    assert failed == {"write", "inside", "later inside"}
    session.restore()
    again = sent(session)
    assert [(one[0], one[3]) for one in again] == [
        (wire.READ, b"/a\0"),
        (wire.READ, b"/b\0"),
        (wire.WRITE, b"/b\0"),
    ]
    for one in again:
        answer(session, one, b"OK\0")
    assert isinstance(waiting["later write"].reply, Done)


def test_nobody_waits_for_what_was_abandoned_before_the_loss() -> None:
    session = Session()
    pending = session.submit(requests.Read(b"/a"))
    sent(session)
    session.abandon(pending)
    session.lost(LOST, final=False)
    session.restore()
    assert sent(session) == []
    assert not pending.done


def test_watches_come_back_before_all_else_and_say_that_events_may_be_missed() -> None:
    session = Session()
    one, first = watching(session, b"/a")
    two, second = watching(session, b"/b")
    event(session, b"/a/old", first)
    session.submit(requests.Read(b"/c"))
    session.lost(LOST, final=False)
    session.restore()
    messages = sent(session)
    assert [message[0] for message in messages] == [wire.WATCH, wire.WATCH, wire.READ]
    for message in messages:
        answer(session, message, b"OK\0")
    event(session, b"/a", first)
    event(session, b"/a/new", first)
    event(session, b"/b", second)
    assert taken(one) == [
        Event(path="/a/old", watched="/a"),
        Event(path="/a", watched="/a", missed=True),
        Event(path="/a/new", watched="/a"),
    ]
    assert taken(two) == [Event(path="/b", watched="/b", missed=True)]


def test_a_watch_that_the_new_server_refuses_ends() -> None:
    session = Session()
    events, _ = watching(session)
    session.lost(LOST, final=False)
    session.restore()
    answer(session, sent(session)[0], b"EACCES\0", wire.ERROR)
    with pytest.raises(AccessDenied):
        events.take()
    session.lost(LOST, final=False)
    session.restore()
    assert sent(session) == []


def test_a_watch_that_was_being_registered_is_registered_on_the_next_connection() -> None:
    session = Session()
    events = Events()
    watched, pending = session.watch(b"/a", events)
    sent(session)
    session.lost(LOST, final=False)
    session.restore()
    (message,) = sent(session)
    assert message[0] == wire.WATCH
    answer(session, message, b"OK\0")
    assert pending.done
    assert pending.error is None
    event(session, b"/a", watched.request.token)
    assert events.ready


def test_a_transaction_never_means_one_of_the_next_connection() -> None:
    session = Session()

    def begin() -> int:
        pending = session.submit(requests.TransactionStart())
        answer(session, sent(session)[0], b"1\0")
        assert isinstance(pending.reply, Number)
        return pending.reply.value

    first = begin()
    session.lost(LOST, final=False)
    session.restore()
    second = begin()
    assert first != second
    with pytest.raises(ConnectionLost):
        session.submit(requests.Write(b"/a", b""), first)
    session.submit(requests.Write(b"/a", b""), second)
    assert [message[2] for message in sent(session)] == [1]


def test_a_watch_asked_for_before_the_last_connection_fails_with_it() -> None:
    session = Session()
    _, pending = session.watch(b"/a", Events())
    sent(session)
    session.lost(LOST, final=False)
    session.lost(LOST, final=True)
    assert pending.error is LOST


def test_a_watch_asked_for_between_two_connections_is_registered_once() -> None:
    session = Session()
    session.lost(LOST, final=False)
    read = session.submit(requests.Read(b"/b"))
    events = Events()
    _, pending = session.watch(b"/a", events)
    session.restore()
    messages = sent(session)
    assert [one[0] for one in messages] == [wire.WATCH, wire.READ]
    for message in messages:
        answer(session, message, b"OK\0")
    assert pending.done
    assert read.done


def test_unwatching_succeeds_when_the_connection_is_lost() -> None:
    session = Session()
    pending = session.submit(requests.Unwatch(b"/a", b"t"))
    sent(session)
    session.lost(LOST, final=False)
    assert isinstance(pending.reply, Done)


def test_two_losses_in_a_row() -> None:
    session = Session()
    events, token = watching(session)
    pending = session.submit(requests.Read(b"/a"))
    for _ in range(3):
        sent(session)
        session.lost(LOST, final=False)
        session.restore()
    messages = sent(session)
    assert [one[0] for one in messages] == [wire.WATCH, wire.READ]
    for one in messages:
        answer(session, one, b"OK\0")
    event(session, b"/a", token)
    assert pending.done
    assert [one.missed for one in taken(events)] == [True]


def test_the_end_of_all_connections_ends_watches() -> None:
    session = Session()
    events, token = watching(session)
    event(session, b"/a", token)
    session.lost(LOST, final=True)
    assert events.take().path == "/a"
    with pytest.raises(ConnectionLost):
        events.take()


def test_reset_ends_watches() -> None:
    session = Session()
    events, _ = watching(session)
    session.forget_watches(Closed())
    with pytest.raises(Closed):
        events.take()


@given(st.integers(0, 2 * QUEUE_MAX))
def test_a_full_queue_drops_the_oldest_and_says_so(count: int) -> None:
    events = Events()
    for number in range(count):
        events.put(str(number), "", missed=False)
    found = taken(events)
    assert [one.path for one in found] == [str(n) for n in range(max(0, count - QUEUE_MAX), count)]
    assert [one.missed for one in found][:1] == [count > QUEUE_MAX][: len(found)]
    assert not any(one.missed for one in found[1:])


def test_a_half_message_before_the_loss_is_forgotten() -> None:
    session = Session()
    pending = session.submit(requests.GetFeature())
    (message,) = sent(session)
    session.feed(wire.frame(wire.GET_FEATURE, message[1], 0, b"12\0")[:10])
    session.lost(LOST, final=False)
    session.restore()
    (message,) = sent(session)
    answer(session, message, b"12\0")
    assert pending.reply == Number(12)
