"""Typed requests and replies: to bytes and back, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.xenstore.core import replies, requests, wire
from guestwright.xenstore.core.errors import BadMessage
from guestwright.xenstore.core.replies import Reply, parse_reply
from guestwright.xenstore.core.request_parser import parse_request

word = st.binary(min_size=1, max_size=20).map(lambda one: one.replace(b"\0", b"-"))
number = st.integers(0, 2**32 - 1)
words = st.lists(word, min_size=1, max_size=4).map(tuple)

REQUESTS: list[st.SearchStrategy[Any]] = [
    *[
        st.builds(one, word)
        for one in (requests.Directory, requests.Read, requests.GetPerms, requests.Mkdir, requests.Rm)
    ],
    *[
        st.builds(one, number)
        for one in (requests.Release, requests.Resume, requests.GetDomainPath, requests.IsDomainIntroduced)
    ],
    st.builds(requests.TransactionStart),
    st.builds(requests.ResetWatches),
    st.builds(requests.Control, words),
    st.builds(requests.Watch, word, word, st.none() | number),
    st.builds(requests.Unwatch, word, word),
    st.builds(requests.TransactionEnd, st.booleans()),
    st.builds(requests.Introduce, number, number, number),
    st.builds(requests.Write, word, st.binary(max_size=50)),
    st.builds(requests.SetPerms, word, words),
    st.builds(requests.SetTarget, number, number),
    st.builds(requests.DirectoryPart, word, number),
    st.builds(requests.GetFeature, st.none() | number),
    st.builds(requests.SetFeature, number, number),
    st.builds(requests.GetQuota),
    st.builds(requests.GetQuota, word, st.none() | number),
    st.builds(requests.SetQuota, word, number, st.none() | number),
]

REPLIES: list[tuple[int, Reply]] = [
    (wire.WRITE, replies.Done()),
    (wire.READ, replies.Value(b"\0any\xff")),
    (wire.DIRECTORY, replies.Names(())),
    (wire.DIRECTORY, replies.Names((b"a", b"b"))),
    (wire.GET_DOMAIN_PATH, replies.Text(b"/local/domain/1")),
    (wire.TRANSACTION_START, replies.Number(5)),
    (wire.IS_DOMAIN_INTRODUCED, replies.Flag(True)),
    (wire.IS_DOMAIN_INTRODUCED, replies.Flag(False)),
    (wire.DIRECTORY_PART, replies.Part(3, b"a\0b\0", last=False)),
    (wire.DIRECTORY_PART, replies.Part(3, b"a\0b\0", last=True)),
    (wire.DIRECTORY_PART, replies.Part(3, b"", last=True)),
    (wire.ERROR, replies.Failure("EQUOTA")),
    (wire.WATCH_EVENT, replies.WatchEvent(b"/a", b"")),
]


@pytest.mark.parametrize("strategy", REQUESTS, ids=str)
@settings(max_examples=25)
@given(st.data(), number, number)
def test_requests_survive_the_wire(
    strategy: st.SearchStrategy[Any], data: st.DataObject, request_id: int, transaction: int
) -> None:
    request: requests.Request = data.draw(strategy)
    message = requests.encode(request, request_id, transaction)
    head = wire.HEADER.unpack_from(message)
    assert head == (request.kind, request_id, transaction, len(message) - 16)
    assert parse_request(request.kind, message[16:]) == request


@pytest.mark.parametrize(("kind", "reply"), REPLIES, ids=lambda one: str(one)[:30])
def test_replies_survive_the_wire(kind: int, reply: Reply) -> None:
    assert parse_reply(kind, reply.payload()) == reply


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (99, b"x\0"),
        (wire.WATCH_EVENT, b"x\0"),
        (wire.READ, b"x"),
        (wire.READ, b""),
        (wire.READ, b"x\0y\0"),
        (wire.RELEASE, b"-1\0"),
        (wire.RELEASE, b"12345678901\0"),
        (wire.SET_TARGET, b"1\0"),
        (wire.WATCH, b"a\0"),
        (wire.WATCH, b"a\0b\0c\0"),
        (wire.WRITE, b"a"),
        (wire.SET_PERMS, b"a\0"),
        (wire.TRANSACTION_END, b"X\0"),
        (wire.DIRECTORY_PART, b"a\0-1\0"),
    ],
)
def test_malformed_requests_are_refused(kind: int, payload: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_request(kind, payload)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (99, b""),
        (wire.WRITE, b"NO\0"),
        (wire.DIRECTORY, b"a"),
        (wire.GET_DOMAIN_PATH, b"a\0b\0"),
        (wire.TRANSACTION_START, b"x\0"),
        (wire.TRANSACTION_START, b"7"),
        (wire.IS_DOMAIN_INTRODUCED, b"Y\0"),
        (wire.DIRECTORY_PART, b"7"),
        (wire.DIRECTORY_PART, b"x\0a\0"),
        (wire.ERROR, b"\xff\0"),
        (wire.WATCH_EVENT, b"/a\0"),
    ],
)
def test_malformed_replies_are_refused(kind: int, payload: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_reply(kind, payload)


def test_unknown_errors_keep_their_name() -> None:
    assert replies.Failure("EQUOTA").errno is wire.Errno.EINVAL
    assert replies.Failure("ENOENT").errno is wire.Errno.ENOENT


def test_requests_too_long_are_not_sent() -> None:
    with pytest.raises(BadMessage):
        requests.encode(requests.Write(b"/a", b"x" * 4096))
