from __future__ import annotations

from collections.abc import Iterator
from errno import EAGAIN, EBADF, EINTR, ENOBUFS

import pytest

from guestwright.agent.linux import netlink as module
from guestwright.agent.linux import rtnetlink
from guestwright.agent.linux.netlink import Netlink
from tests.support.rtnetlink import (
    DEL_ADDR,
    DEL_LINK,
    DONE,
    ERROR,
    NEW_ADDR,
    NEW_LINK,
    address_body,
    link_body,
    message,
)


class Kernel:
    """Stands for the socket, with the kernel behind it."""

    def __init__(self) -> None:
        self.queue: list[bytes | int] = []
        self.requests: list[bytes] = []
        self.sender = 0
        self.broken = False

    def recvfrom(self, size: int) -> tuple[bytes, tuple[int, int]]:
        assert size >= 32768
        one = self.queue.pop(0) if self.queue else EAGAIN
        if isinstance(one, int):
            raise OSError(one, "")
        return one, (self.sender, 0)

    def send(self, data: bytes) -> int:
        if self.broken:
            raise OSError(ENOBUFS, "")
        self.requests.append(data)
        return len(data)

    def fileno(self) -> int:
        return 77

    def close(self) -> None:
        self.queue.append(EBADF)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def heard() -> list[int]:
    return []


@pytest.fixture
def netlink(kernel: Kernel, heard: list[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Netlink]:
    made = Netlink(lambda: heard.append(1))
    made.close()
    monkeypatch.setattr(made, "_socket", kernel)
    yield made
    made.close()


def answer(
    kernel: Kernel, netlink: Netlink, links: list[bytes], addresses: list[bytes], *, flags: int = 0
) -> None:
    """Have both questions answered."""
    for kind, bodies in ((NEW_LINK, links), (NEW_ADDR, addresses)):
        sequence = netlink._sequence
        data = b"".join(message(kind, body, sequence=sequence, flags=flags) for body in bodies)
        kernel.queue += [data, message(DONE, b"\0\0\0\0", sequence=sequence, flags=flags)]
        netlink.ready()


LINKS = [link_body(1, "lo", flags=9), link_body(2, "enX0")]
ADDRESSES = [address_body(1, "127.0.0.1", 8, scope=254), address_body(2, "192.0.2.1", 24)]


def test_the_first_look(kernel: Kernel, netlink: Netlink, heard: list[int]) -> None:
    netlink.ask()
    answer(kernel, netlink, LINKS, ADDRESSES)
    assert netlink.complete
    assert heard == [1]
    assert [link.name for link in netlink.links.values()] == ["lo", "enX0"]
    assert list(netlink.addresses) == [(1, 4, "127.0.0.1"), (2, 4, "192.0.2.1")]
    assert len(kernel.requests) == 2
    assert netlink.fileno() == 77


@pytest.fixture
def complete(kernel: Kernel, netlink: Netlink, heard: list[int]) -> Netlink:
    netlink.ask()
    answer(kernel, netlink, LINKS, ADDRESSES)
    heard.clear()
    kernel.requests.clear()
    return netlink


def test_an_address_comes_and_goes(kernel: Kernel, complete: Netlink, heard: list[int]) -> None:
    kernel.queue = [message(NEW_ADDR, address_body(2, "192.0.2.2", 24))]
    complete.ready()
    assert (2, 4, "192.0.2.2") in complete.addresses
    kernel.queue = [message(NEW_ADDR, address_body(2, "192.0.2.2", 24))]
    complete.ready()
    assert heard == [1]
    kernel.queue = [message(DEL_ADDR, address_body(2, "192.0.2.2", 24))] * 2
    complete.ready()
    assert (2, 4, "192.0.2.2") not in complete.addresses
    assert heard == [1, 1]


def test_a_link_that_goes_takes_its_addresses(kernel: Kernel, complete: Netlink, heard: list[int]) -> None:
    kernel.queue = [message(DEL_LINK, link_body(2, "enX0"))]
    complete.ready()
    assert list(complete.links) == [1]
    assert list(complete.addresses) == [(1, 4, "127.0.0.1")]
    assert heard == [1]


def test_a_port_that_leaves_its_bridge_is_still_there(
    kernel: Kernel, complete: Netlink, heard: list[int]
) -> None:
    kernel.queue = [message(DEL_LINK, link_body(2, "enX0", family=7))]
    complete.ready()
    assert 2 in complete.links
    assert heard == []


def test_news_that_is_lost_is_asked_for(kernel: Kernel, complete: Netlink, heard: list[int]) -> None:
    kernel.queue = [ENOBUFS]
    complete.ready()
    assert len(kernel.requests) == 1
    answer(kernel, complete, LINKS[:1], ADDRESSES[:1])
    assert list(complete.links) == [1]
    assert heard == [1]


def test_a_second_look_without_news_is_no_news(kernel: Kernel, complete: Netlink, heard: list[int]) -> None:
    complete.ask()
    answer(kernel, complete, LINKS, ADDRESSES)
    assert heard == []


def test_news_between_question_and_answer_stay(kernel: Kernel, complete: Netlink) -> None:
    complete.ask()
    kernel.queue = [message(NEW_LINK, link_body(3, "new"))]
    complete.ready()
    answer(kernel, complete, LINKS, ADDRESSES)
    assert 3 in complete.links


def test_an_interrupted_answer_is_asked_for_again_but_not_for_ever(
    kernel: Kernel, netlink: Netlink, heard: list[int]
) -> None:
    netlink.ask()
    for _ in range(20):
        sequence = netlink._sequence
        kernel.queue = [
            message(NEW_LINK, LINKS[1], sequence=sequence, flags=rtnetlink.INTERRUPTED),
            message(DONE, b"\0\0\0\0", sequence=sequence),
        ]
        netlink.ready()
    assert len(kernel.requests) == 4
    assert netlink.complete
    assert heard
    assert list(netlink.links) == [2]
    netlink.refresh()
    assert len(kernel.requests) == 5


def test_a_kernel_that_cannot_answer(kernel: Kernel, netlink: Netlink) -> None:
    kernel.broken = True
    netlink.ask()
    for _ in range(5):
        netlink.ready()
    assert netlink.complete
    kernel.broken = False
    netlink.refresh()
    kernel.queue = [message(ERROR, b"\0" * 20, sequence=netlink._sequence)]
    netlink.ready()
    answer(kernel, netlink, LINKS, ADDRESSES)
    assert len(netlink.links) == 2
    netlink.refresh()
    assert kernel.queue == []


def test_others_may_write_to_the_socket_in_vain(kernel: Kernel, complete: Netlink) -> None:
    kernel.sender = 4711
    kernel.queue = [message(DEL_LINK, link_body(2, "enX0"))]
    complete.ready()
    assert 2 in complete.links


def test_answers_to_nobody_and_unknown_messages(kernel: Kernel, complete: Netlink, heard: list[int]) -> None:
    kernel.queue = [message(DONE, b"", sequence=99), message(99, b""), message(NEW_ADDR, b""), EINTR]
    complete.ready()
    assert heard == []


def test_other_errors_are_errors(kernel: Kernel, complete: Netlink) -> None:
    kernel.queue = [EBADF]
    with pytest.raises(OSError, match=str(EBADF)):
        complete.ready()


def test_the_tables_are_bounded(kernel: Kernel, complete: Netlink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINKS_MAX", 3)
    monkeypatch.setattr(module, "_ADDRESSES_MAX", 3)
    kernel.queue = [message(NEW_LINK, link_body(index, f"x{index}")) for index in range(10, 20)]
    kernel.queue += [message(NEW_ADDR, address_body(2, f"10.0.0.{index}", 8)) for index in range(10, 20)]
    complete.ready()
    assert len(complete.links) == 3
    assert len(complete.addresses) == 3
