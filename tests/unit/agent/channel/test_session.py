"""The session against hosts that vanish, talk nonsense, or answer something else."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable

import pytest

from guestwright.agent.channel import wire
from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.channel.line import ANSWER_TIMEOUT, REOPEN, RETRY_MAX, SYNC_TIMEOUT
from guestwright.agent.channel.wire import HEADER, frame
from tests.support.agent_line import Host, Outcome


def test_requests_go_out_together_and_answers_may_come_in_any_order(make: Callable[..., Host]) -> None:
    host = make()
    first, second = Outcome(host.session.read(b"a")), Outcome(host.session.read(b"b"))
    one, two = host.heard()
    host.say((wire.READ, two[1], 0, b"2"), (wire.ERROR, one[1], 0, b"EACCES\0"))
    assert second.value == b"2"
    assert isinstance(first.error, StoreError)
    assert first.error.errno == "EACCES"


def test_no_more_than_a_window_is_under_way(make: Callable[..., Host]) -> None:
    host = make(window=3)
    outcomes = [Outcome(host.session.read(b"%d" % n)) for n in range(10)]
    total = 0
    while messages := host.heard():
        assert len(messages) <= 3
        total += len(messages)
        host.say(*[(wire.READ, one[1], 0, one[3]) for one in messages])
    assert total == 10
    assert [one.value for one in outcomes] == [b"%d\0" % n for n in range(10)]


def test_answers_to_nobody_are_ignored(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(host.session.read(b"a"))
    (one,) = host.heard()
    host.say(
        (wire.READ, one[1] + 77, 0, b"other"),
        (wire.WATCH_EVENT, 0, 0, b"p\0unknown\0"),
        (wire.READ, one[1], 0, b"v"),
    )
    assert outcome.value == b"v"


@pytest.mark.parametrize("nonsense", [b"\xff" * 40, frame(wire.MKDIR, 0, 0, b"OK\0")])
def test_nonsense_ends_the_connection_and_a_new_one_begins(
    make: Callable[..., Host], nonsense: bytes
) -> None:
    host = make()
    outcome = Outcome(host.session.read(b"a"))
    ((_, request_id, _, _),) = host.heard()
    if nonsense[0] != 0xFF:  # the wrong kind of answer
        nonsense = frame(wire.MKDIR, request_id, 0, b"OK\0")
    host.raw(nonsense)
    assert isinstance(outcome.error, Lost)
    assert host.downs == 1
    host.later(1)
    assert host.ups == 2


def test_an_end_fails_what_is_under_way_and_watches_are_registered_again(make: Callable[..., Host]) -> None:
    host = make()
    heard: list[bytes] = []
    host.session.watch(b"control/x", heard.append)
    ((kind, request_id, _, payload),) = host.heard()
    assert kind == wire.WATCH
    host.say(
        (wire.WATCH, request_id, 0, b"OK\0"),
        (wire.WATCH_EVENT, 0, 0, b"control/x\0" + payload.split(b"\0")[1] + b"\0"),
    )
    assert heard == [b"control/x"]
    outcome = Outcome(host.session.write(b"a", b"b"))
    host.heard()
    assert host.end is not None
    host.end.close()
    host.turn()
    assert isinstance(outcome.error, Lost)
    host.later(1)
    assert [message[3] for message in host.heard()] == [payload]


def test_an_answer_that_does_not_come_ends_the_connection(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(host.session.read(b"a"))
    host.heard()
    host.later(ANSWER_TIMEOUT - 1)
    assert not outcome.over
    host.later(2)
    assert isinstance(outcome.error, Lost)


def test_without_a_host_attempts_become_rare(make: Callable[..., Host]) -> None:
    host = make()
    host.reachable = False
    assert host.end is not None
    host.end.close()
    for _ in range(1000):
        host.later(1)
    assert 1000 / RETRY_MAX <= host.opened < 1000 / RETRY_MAX + 20
    host.reachable = True
    host.later(RETRY_MAX)
    assert host.session.up


def test_at_rest_nothing_wakes_the_process(make: Callable[..., Host]) -> None:
    host = make()
    outcome = Outcome(host.session.read(b"a"))
    ((_, request_id, _, _),) = host.heard()
    host.say((wire.READ, request_id, 0, b""))
    assert outcome.over
    assert host.loop._patience(-1) == -1


def test_paths_are_below_home() -> None:
    host = Host()
    try:
        host.session.home = b"/local/domain/5/"
        host.session.start()
        host.turn()
        heard: list[bytes] = []
        host.session.watch(b"control", heard.append)
        Outcome(host.session.write(b"a", b"b"))
        watch, write = host.heard()
        assert write[3] == b"/local/domain/5/a\0b"
        assert watch[3].startswith(b"/local/domain/5/control\0")
        host.say((wire.WATCH_EVENT, 0, 0, b"/local/domain/5/control/y\0" + watch[3].split(b"\0")[1] + b"\0"))
        assert heard == [b"control/y"]
    finally:
        host.close()


def test_what_is_too_long_is_not_sent(make: Callable[..., Host]) -> None:
    host = make(message_max=100)
    outcome = Outcome(host.session.write(b"a", bytes(100)))
    assert host.heard() == []
    assert isinstance(outcome.error, StoreError)
    assert outcome.error.errno == "E2BIG"


def test_old_kernels_answer_watches_without_an_id(make: Callable[..., Host]) -> None:
    host = make(whole=True)
    for path in (b"x", b"y"):
        host.session.watch(path, lambda _: None)
    outcome = Outcome(host.session.read(b"a"))
    (_, _, (_, request_id, _, _)) = host.heard()
    host.say((wire.WATCH, 0, 0, b"OK\0"), (wire.READ, request_id, 0, b"v"))
    assert outcome.value == b"v"
    host.say((wire.WATCH, 0, 0, b"OK\0"), (wire.WATCH, 0, 0, b"OK\0"))
    assert host.downs == 0


def test_a_watch_that_the_device_refuses_to_write(make: Callable[..., Host]) -> None:
    host = make(whole=True)
    transport = host.session.line.transport
    assert transport is not None
    plain = transport.send

    def refuse(data: bytes) -> int:
        if HEADER.unpack_from(data)[0] == wire.WATCH:
            raise OSError(22, "")
        return plain(data)

    transport.send = refuse  # type: ignore[method-assign]  # the kernel's manners
    host.session.watch(b"x", lambda _: None)
    outcome = Outcome(host.session.read(b"a"))
    ((kind, request_id, _, _),) = host.heard()
    assert kind == wire.READ
    host.say((wire.READ, request_id, 0, b"v"))
    assert outcome.value == b"v"
    assert host.downs == 0


def test_what_is_not_there_counts_as_removed(make: Callable[..., Host]) -> None:
    host = make()
    outcomes = [Outcome(host.session.rm(b"a")), Outcome(host.session.alone(host.session.rm(b"b")))]
    for kind, request_id, _, _ in host.heard():
        assert kind == wire.RM
        host.say((wire.ERROR, request_id, 0, b"ENOENT\0"))
    assert [(one.over, one.error) for one in outcomes] == [(True, None)] * 2


def test_a_device_gets_one_message_at_a_time_but_many_before_the_first_answer(
    make: Callable[..., Host],
) -> None:
    host = make(whole=True)
    transport = host.session.line.transport
    assert transport is not None
    taken: list[bytes] = []

    def send(data: bytes) -> int:
        taken.append(data)
        return len(data)

    transport.send = send  # type: ignore[method-assign]  # the kernel's manners
    outcomes = [Outcome(host.session.read(b"%d" % n)) for n in range(20)]
    host.turn()
    assert len(taken) == 16
    assert all(len(data) == wire.HEADER_SIZE + HEADER.unpack_from(data)[3] for data in taken)
    assert not any(one.over for one in outcomes)


PORT = {"resync": True, "edge": True}


def test_a_port_comes_up_with_the_first_answer(make: Callable[..., Host]) -> None:
    host = make(**PORT)
    assert not host.session.up
    ((kind, request_id, _, _),) = host.heard()
    assert kind == wire.RESET_WATCHES
    host.raw(frame(wire.READ, 5, 0, b"stale")[7:])  # the rest of an answer to a former agent
    host.say((wire.WATCH_EVENT, 0, 0, b"x\0001\0"), (wire.READ, 6, 0, b"stale"))
    assert not host.session.up
    host.say((wire.RESET_WATCHES, request_id, 0, b"OK\0"))
    assert host.ups == 1
    outcome = Outcome(host.session.read(b"a"))
    ((_, request_id, _, _),) = host.heard()
    host.say((wire.READ, request_id, 0, b"v"))
    assert outcome.value == b"v"


def test_a_host_that_waits_for_the_rest_of_a_message_is_made_to_hang_up(make: Callable[..., Host]) -> None:
    host = make(**PORT)
    assert host.end is not None
    host.end.recv(1 << 16)  # the rest of what the former agent said, to this host
    host.later(SYNC_TIMEOUT + 0.1)
    data = host.end.recv(1 << 16)
    assert len(data) >= wire.PAYLOAD_MAX + wire.HEADER_SIZE
    assert set(data) == {0xFF}
    host.later(RETRY_MAX)
    ((kind, request_id, _, _),) = host.heard()
    assert kind == wire.RESET_WATCHES
    host.say((wire.RESET_WATCHES, request_id, 0, b"OK\0"))
    assert host.session.up


@pytest.mark.parametrize("same", [True, False])
def test_a_host_that_was_exchanged_unseen_is_found_out(make: Callable[..., Host], same: bool) -> None:
    host = make(**PORT)
    host.session.watch(b"control/x", lambda _: None)
    ((kind, request_id, _, _),) = host.heard()
    host.say((kind, request_id, 0, b"OK\0"))
    ((_, request_id, _, payload),) = host.heard()
    host.say((wire.WATCH, request_id, 0, b"OK\0"))
    host.session.check()
    ((kind, request_id, _, again),) = host.heard()
    assert (kind, again) == (wire.WATCH, payload)
    if same:
        host.say((wire.ERROR, request_id, 0, b"EEXIST\0"))
        assert (host.ups, host.downs) == (1, 0)
        return
    host.say((wire.WATCH, request_id, 0, b"OK\0"))
    ((kind, request_id, _, _),) = host.heard()
    assert kind == wire.RESET_WATCHES
    host.say((kind, request_id, 0, b"OK\0"))
    assert (host.ups, host.downs, host.opened) == (2, 1, 1)
    assert [message[3] for message in host.heard()] == [payload]


def test_only_streams_that_can_change_unseen_are_checked(make: Callable[..., Host]) -> None:
    host = make()
    host.session.watch(b"control/x", lambda _: None)
    ((_, request_id, _, _),) = host.heard()
    host.say((wire.WATCH, request_id, 0, b"OK\0"))
    host.session.check()
    assert host.heard() == []


def test_a_port_that_was_pulled_out_is_opened_anew(make: Callable[..., Host]) -> None:
    host = make(**PORT)
    ((kind, request_id, _, _),) = host.heard()
    host.say((kind, request_id, 0, b"OK\0"))
    assert host.end is not None
    host.end.close()  # a socket says so for ever, as a port does that is gone
    host.turn()
    assert (host.ups, host.downs, host.opened) == (1, 1, 1)
    host.later(REOPEN + 1)
    host.later(RETRY_MAX)
    assert host.opened == 2
    ((kind, request_id, _, _),) = host.heard()
    host.say((kind, request_id, 0, b"OK\0"))
    assert host.ups == 2


def test_nobody_at_the_port_is_asked_ever_more_rarely(make: Callable[..., Host]) -> None:
    host = make(**PORT)
    total = 0
    for _ in range(600):
        host.later(1)
        assert host.end is not None
        with contextlib.suppress(BlockingIOError):
            total += len(host.end.recv(1 << 16))
    assert total < 600 / (RETRY_MAX + SYNC_TIMEOUT) * 4200 + 10 * 4200


def test_any_bytes_at_any_time_do_no_harm() -> None:
    dice = random.Random(4711)
    for differences in ({}, PORT, {"window": 1}):
        host = Host(**differences)
        try:
            host.session.start()
            for _ in range(400):
                host.turn(2)
                Outcome(host.session.read(b"a"))
                messages = []
                with contextlib.suppress(wire.OutOfStep):
                    messages = host.heard()
                for kind, request_id, _, _ in messages:
                    if dice.random() < 0.6:
                        host.say(
                            (kind if dice.random() < 0.9 else dice.randrange(30), request_id, 0, b"OK\0")
                        )
                if dice.random() < 0.2:
                    host.raw(
                        dice.choice(
                            [os.urandom(dice.randint(1, 60)), bytes(16), frame(2, 1, 0, b"x" * 40)[:30]]
                        )
                    )
                if dice.random() < 0.05 and host.end is not None:
                    host.end.close()
                host.later(dice.choice([0, 0, 0.5, 20]))
        except OSError:
            continue  # our own end was closed while we wrote
        finally:
            host.close()
