"""What follows when something happens to a domain: the parts of the service, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.host.facts.book import Book, Life
from guestwright.host.service.announcing import Announcing
from guestwright.host.service.channels import Channels
from guestwright.host.service.domains import Domains, Entry
from guestwright.host.service.listening import Listening
from guestwright.host.service.own_store import CHANNEL
from guestwright.host.service.port import ChannelState
from guestwright.hypervisor.domain import Domain, State
from guestwright.hypervisor.events import Event

_ON_ITS_WAY: Final = frozenset((ChannelState.WAITING, ChannelState.CONNECTED))
_PAUSED: Final = "the domain is paused"
_HEARS: Final = 0.5  # seconds for a guest to hear that its port is closed
_LOG: Final = logging.getLogger(__name__)


class Joints:
    """Joins the parts; see `domains.Changes`.

    Args:
        book: what is known.
        lock: guards it.
        listening: to guests.
        channels: None where guests need none.
        announcing: who tells.
        plug: gives a domain its port if the operator has agreed; the domain then, and what became of it.

    Attributes:
        hypervisor_lost: since when it is away, seconds since 1970; None while it is there.
        hypervisor_losses: how often it went.
        store_lost: likewise.
        store_losses: likewise.
    """

    def __init__(
        self,
        book: Book,
        lock: threading.Lock,
        listening: Listening,
        channels: Channels | None,
        announcing: Announcing,
        plug: Callable[[Domain], tuple[Domain, str]],
    ) -> None:
        self._book = book
        self._lock = lock
        self._listening = listening
        self._channels = channels
        self._announcing = announcing
        self._plug = plug
        self._paused: set[Life] = set()  # who are not to be connected until they run
        self._tried: set[Life] = set()  # to whom a port was to be given; not again in this life
        self.hypervisor_lost: float | None = None
        self.hypervisor_losses = 0
        self.store_lost: float | None = None
        self.store_losses = 0

    def began(self, life: Life) -> None:
        """See `domains.Changes`."""
        with self._lock:
            news = self._book.started(life, time.monotonic())
        self._announcing.alarms(news.alarms)
        self._listening.add(life)

    def ended(self, life: Life) -> None:
        """See `domains.Changes`."""
        self._listening.remove(life)
        if self._channels is not None:
            self._channels.drop(life.domid)
        self._tried.discard(life)
        self._paused.discard(life)
        with self._lock:
            news = self._book.gone(life)
        self._announcing.alarms(news.alarms)

    def channel(self, entry: Entry) -> Entry:
        """See `domains.Changes`."""
        if self._channels is None:
            return replace(entry, channel=ChannelState.NATIVE)
        assert entry.life is not None
        port = entry.domain.channel(CHANNEL)
        if port is None and entry.life not in self._tried:
            self._tried.add(entry.life)
            entry = self._try_to_plug(entry)
            port = entry.domain.channel(CHANNEL)
        if port is None or entry.life is None:
            return entry
        if entry.domain.state is State.PAUSED and entry.channel is not ChannelState.CONNECTED:
            # It may be coming from another host: on a line that is there before it runs, it never hears that
            # its store is another. One that finds its port closed for a moment begins anew.
            self._paused.add(entry.life)
            return replace(entry, channel=ChannelState.WAITING, channel_reason=_PAUSED)
        pause = _HEARS if entry.life in self._paused else 0.0
        self._paused.discard(entry.life)
        self._channels.open(entry.life.domid, port.path, pause)
        if port.open is not None:
            self._connected(entry.life, there=port.open)
        if entry.channel in _ON_ITS_WAY:
            return entry
        return replace(entry, channel=ChannelState.WAITING, channel_reason="")

    def changed(self, before: Entry | None, after: Entry | None, cause: Event | None) -> None:
        """See `domains.Changes`."""
        self._announcing.domain(before, after, cause)

    def hypervisor(self, *, there: bool) -> None:
        """See `domains.Changes`."""
        self.hypervisor_lost = None if there else time.time()
        self.hypervisor_losses += not there
        self._announcing.hypervisor(there=there)

    def store(self, *, there: bool) -> None:
        """The store answers or does not, as seen now."""
        if there is (self.store_lost is None):
            return
        self.store_lost = None if there else time.time()
        self.store_losses += not there
        self._announcing.store(there=there)

    def released(self, life: Life) -> None:
        """Xen's store talks to a guest no more: its agent cannot be heard, whatever else is known of it."""
        self._connected(life, there=False)
        self._listening.look(life)

    def line(self, domains: Domains, domid: int, state: ChannelState, reason: str) -> None:
        """A guest's line to our store is there, or waits."""
        entry = domains.by_domid(domid)
        marked = None if entry is None else domains.mark(entry.domain.uuid, state, reason)
        if marked is not None:
            self._announcing.channel(marked)

    def _connected(self, life: Life, *, there: bool) -> None:
        """What the hypervisor says of the guest's end: an agent that was never heard is not lost."""
        with self._lock:
            page = self._book.page(life.uuid)
            if page is None or not (there or page.signs.first is not None):
                return
            self._book.connected(life, there=there, now=time.monotonic())
        if page.signs.connected is not there:
            self._listening.look(life)

    def _try_to_plug(self, entry: Entry) -> Entry:
        try:
            domain, done = self._plug(entry.domain)
        except GuestwrightError as error:
            _LOG.warning("no port for the agent", exc_info=True, extra={"domain": entry.domain.uuid})
            domain, done = entry.domain, error.message
        return replace(entry, domain=domain, channel=ChannelState.ABSENT, channel_reason=done)
