"""The links and addresses of this network namespace, kept up to date by the kernel's own news.

Theory of operation: after subscribing, everything is asked for once: links, then addresses. Between request
and answer, news may arrive; both go into the same tables, and what neither named by the end of the answer is
dropped. When news were lost (ENOBUFS) or the answer was interrupted by a change, all is asked again, but only
`_TRIES` times in a row: then what is known must do until `refresh` is called.

`_socket` instead of `socket` saves a megabyte: the latter makes enumerations of all its constants.
"""

from __future__ import annotations

import _socket
import os
from errno import EAGAIN, EINTR, ENOBUFS

from guestwright.agent.linux import rtnetlink

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Callable

    from guestwright.agent.core.facts import Address
    from guestwright.agent.linux.rtnetlink import Link, Message

_FAMILY, _ROUTE = 16, 0  # AF_NETLINK, NETLINK_ROUTE
_RAW, _NONBLOCK, _CLOEXEC = 3, os.O_NONBLOCK, os.O_CLOEXEC  # SOCK_RAW, SOCK_NONBLOCK, SOCK_CLOEXEC
_DATAGRAM_MAX = 65536
_TURN_MAX = 64  # datagrams that are read at a time
_TRIES = 4
_LINKS_MAX = 1024
_ADDRESSES_MAX = 4096


class Netlink:
    """Follows links and addresses.

    Args:
        changed: called after news.

    Attributes:
        links: by index, in the kernel's order.
        addresses: by index of the link, family and text, in the kernel's order.
        complete: whether the kernel has told everything once.
        readdressed: links of which addresses came, went or changed; `heard` empties it.
        relinked: links came, went or changed; `heard` resets it.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._socket = _socket.socket(_FAMILY, _RAW | _NONBLOCK | _CLOEXEC, _ROUTE)
        self._socket.bind((0, rtnetlink.GROUPS))
        self._sequence = 0
        self._asking = 0  # GET_LINK or GET_ADDR while an answer is due
        self._spoilt = False  # what is known may be wrong
        self._tries = 0
        self._seen: set[object] = set()
        self.links: dict[int, Link] = {}
        self.addresses: dict[tuple[int, int, str], Address] = {}
        self.complete = False
        self.readdressed: set[int] = set()
        self.relinked = True

    def heard(self) -> set[int] | None:
        """The links whose addresses are others than at the last time; None when there is more news."""
        found = None if self.relinked else self.readdressed
        self.readdressed, self.relinked = set(), False
        return found

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop following."""
        self._socket.close()

    def ask(self) -> None:
        """Have the kernel tell everything."""
        self._tries += 1
        self._spoilt = False
        self._seen = set()
        self._request(rtnetlink.GET_LINK)

    def refresh(self) -> None:
        """Ask again if what is known may be wrong; to be called now and then."""
        self._tries = 0
        if self._spoilt or not self.complete:
            self.ask()

    def ready(self, events: int = 0) -> None:
        """Read what has arrived; `events` are those of epoll."""
        del events
        news = False
        for _ in range(_TURN_MAX):
            try:
                data, sender = self._socket.recvfrom(_DATAGRAM_MAX)
            except OSError as error:
                if error.errno == ENOBUFS:
                    self._spoilt = True
                    continue
                if error.errno in (EAGAIN, EINTR):
                    break
                raise
            if sender[0] == 0:  # from the kernel
                for message in rtnetlink.messages(data):
                    news = self._take(message) or news
        if self._spoilt and not self._asking:
            if self._tries < _TRIES:
                self.ask()
            elif not self.complete:
                news = self.complete = True
        if news and self.complete:
            self._changed()

    def _request(self, kind: int) -> None:
        self._sequence += 1
        self._asking = kind
        try:
            self._socket.send(rtnetlink.request(kind, self._sequence))
        except OSError:
            self._asking = 0  # the kernel has no memory for it now
            self._spoilt = True

    def _take(self, message: Message) -> bool:
        """Note one message; whether it tells something new."""
        if message.flags & rtnetlink.INTERRUPTED and message.sequence:
            self._spoilt = True
        if message.kind in (rtnetlink.NEW_LINK, rtnetlink.DEL_LINK):
            return self._take_link(message)
        if message.kind in (rtnetlink.NEW_ADDR, rtnetlink.DEL_ADDR):
            return self._take_address(message)
        if message.sequence == self._sequence and self._asking:
            if message.kind == rtnetlink.DONE:
                return self._answered()
            if message.kind == rtnetlink.ERROR:
                self._asking = 0
                self._spoilt = True
        return False

    def _answered(self) -> bool:
        asked, self._asking = self._asking, 0
        if self._spoilt:
            return False
        if asked == rtnetlink.GET_LINK:
            self._request(rtnetlink.GET_ADDR)
            return False
        self._tries = 0
        before = len(self.links) + len(self.addresses)
        self.links = {key: one for key, one in self.links.items() if key in self._seen}
        self.addresses = {key: one for key, one in self.addresses.items() if key in self._seen}
        first, self.complete = not self.complete, True
        self.relinked = True
        return first or before != len(self.links) + len(self.addresses)

    def _take_link(self, message: Message) -> bool:
        link = rtnetlink.link(message.body)
        if link is None:
            return False
        if message.kind == rtnetlink.DEL_LINK:
            for key in [key for key in self.addresses if key[0] == link.index]:
                del self.addresses[key]
            self.relinked = True
            return self.links.pop(link.index, None) is not None
        self._seen.add(link.index)
        if self.links.get(link.index) == link or len(self.links) >= _LINKS_MAX:
            return False
        self.links[link.index] = link
        self.relinked = True
        return True

    def _take_address(self, message: Message) -> bool:
        found = rtnetlink.address(message.body)
        if found is None:
            return False
        index, address = found
        key = (index, address.family, address.address)
        if message.kind == rtnetlink.DEL_ADDR:
            self.readdressed.add(index)
            return self.addresses.pop(key, None) is not None
        self._seen.add(key)
        if self.addresses.get(key) == address or len(self.addresses) >= _ADDRESSES_MAX:
            return False
        self.addresses[key] = address
        self.readdressed.add(index)
        return True
