"""Which domains there are, and which life each of them lives: the hypervisor's word, kept up to date.

Theory of operation: events of the hypervisor only say which domain to look at again; what it is, is asked
(so a flood of events for one domain is one question, and an event that was lost is made good by the next
list). One thread asks; whoever has changed a domain himself may call `refresh`. Lives begin and end in order:
what is known of the old one is forgotten, its directory removed, then the next one begins.

A domain that others made is taken as it is. Nothing of it is changed, but that it gets the agent's port when
the operator has agreed to that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record, replace
from guestwright.host.facts.book import Life
from guestwright.host.service.port import ChannelState
from guestwright.host.service.stores import Store
from guestwright.hypervisor.domain import Domain, DomainId
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.events import Event, EventKind, Subscription
from guestwright.hypervisor.port import Hypervisor

RETRY: Final = 2.0  # seconds after a question that failed
_PORTS: Final = frozenset((EventKind.PORT_OPENED, EventKind.PORT_CLOSED))
_SMALL: Final = _PORTS | {EventKind.MEMORY}  # takes nobody's place who is to be looked at
_UNSEEN: Final = frozenset((EventKind.DETACHED,))  # says nothing that `Entry` holds
_LOG: Final = logging.getLogger(__name__)


@record
class Entry:
    """A domain.

    Attributes:
        domain: as the hypervisor had it when it was looked at last.
        life: None when it does not run.
        channel: how its agent reaches the store.
        channel_reason: for people.
        since: since when this life is known, or the domain without one; seconds since 1970.
    """

    domain: Domain
    life: Life | None
    channel: ChannelState
    channel_reason: str = ""
    since: float = 0.0


class Changes(Protocol):
    """Who is told. Called on the thread of whoever noticed; may call the hypervisor, not `Domains`."""

    def began(self, life: Life) -> None:
        """A life begins; its directory is there."""

    def ended(self, life: Life) -> None:
        """A life is over; its directory is still there."""

    def channel(self, entry: Entry) -> Entry:
        """Decide how the agent of a running domain reaches the store."""

    def changed(self, before: Entry | None, after: Entry | None, cause: Event | None) -> None:
        """A domain has come, changed or gone."""

    def hypervisor(self, *, there: bool) -> None:
        """The hypervisor has gone away, or is back."""


class _Ports:
    """Whether guests have their ports open, as events say; the hypervisor's document comes later."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, bool]] = {}  # by domain and alias

    def note(self, event: Event) -> None:
        """Something has happened."""
        if event.kind in _PORTS and event.domain is not None:
            said = self._said.setdefault(event.domain, {})
            said[event.detail] = event.kind is EventKind.PORT_OPENED

    def as_told(self, domain: Domain) -> Domain:
        """A domain that was just looked at, with what was noted since the last look."""
        said = self._said.pop(domain.uuid, None)
        if not said:
            return domain
        ports = (replace(one, open=said.get(one.alias, one.open)) for one in domain.channels)
        return replace(domain, channels=tuple(ports))


class Domains:
    """All domains of a hypervisor.

    Args:
        hypervisor: whose.
        store: where their guests' keys are.
        changes: who is told.
        failed: called when the thread ends by a fault.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        store: Store,
        changes: Changes,
        failed: Callable[[BaseException], object],
    ) -> None:
        self._hypervisor = hypervisor
        self._store = store
        self._changes = changes
        self._failed = failed
        self._entries: dict[str, Entry] = {}
        self._serial = threading.RLock()  # one domain after the other
        self._wanted: dict[str, Event] = {}  # the last event; a reboot is not overwritten
        self._ports = _Ports()
        self._list_at: float | None = None
        self._woken = threading.Condition()
        self._stopping = False
        self._subscription: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name="domains", daemon=True)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All, by name."""
        return tuple(sorted(self._entries.values(), key=lambda one: one.domain.name))

    def entry(self, uuid: str) -> Entry:
        """One.

        Raises:
            DomainNotFound: there is none.
        """
        found = self._entries.get(uuid)
        if found is None:
            raise DomainNotFound(domain=uuid)
        return found

    def by_domid(self, domid: int) -> Entry | None:
        """Who has this number now."""
        for one in tuple(self._entries.values()):
            if one.life is not None and one.life.domid == domid:
                return one
        return None

    def start(self) -> None:
        """Find the domains that are there, and follow what happens to them.

        Raises:
            HypervisorError: it cannot be asked.
            XenstoreError: the store does not answer.
        """
        self._subscription = self._hypervisor.subscribe(self._happened)
        self._list()
        self._thread.start()

    def close(self) -> None:
        """Follow no longer."""
        if self._subscription is not None:
            self._subscription.close()
        with self._woken:
            self._stopping = True
            self._woken.notify()
        if self._thread.is_alive():
            self._thread.join()

    def look_again(self) -> None:
        """Have all domains listed soon: some have come or gone, and who is not known."""
        with self._woken:
            self._list_at = 0.0
            self._woken.notify()

    def refresh(self, uuid: str) -> Entry:
        """Look at a domain now.

        Raises:
            DomainNotFound: it is gone.
            HypervisorError: it cannot be asked.
        """
        self._look(uuid, None)
        return self.entry(uuid)

    def mark(self, uuid: str, channel: ChannelState, reason: str) -> Entry | None:
        """Note how an agent reaches the store; the entry if that is new."""
        with self._serial:
            entry = self._entries.get(uuid)
            if entry is None or (entry.channel, entry.channel_reason) == (channel, reason):
                return None
            self._entries[uuid] = replace(entry, channel=channel, channel_reason=reason)
            return self._entries[uuid]

    # -- events

    def _happened(self, event: Event) -> None:
        """On the driver's thread."""
        if event.kind in (EventKind.LOST, EventKind.FOUND):
            self._changes.hypervisor(there=event.kind is EventKind.FOUND)
        with self._woken:
            if event.kind in (EventKind.FOUND, EventKind.MISSED):
                self._list_at = 0.0
            elif event.domain is not None and event.kind not in _UNSEEN:
                former = self._wanted.get(event.domain)
                if former is None or (
                    former.kind is not EventKind.REBOOTED and event.kind not in _SMALL - {former.kind}
                ):
                    self._wanted[event.domain] = event
                self._ports.note(event)
            self._woken.notify()

    def _run(self) -> None:
        try:
            while (work := self._next()) is not None:
                self._attempt(*work)
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: the service has to be told
            self._failed(error)

    def _next(self) -> tuple[str, Event | None] | None:
        """A domain with what happened to it; "" for all of them; None at the end."""
        with self._woken:
            while not self._stopping:
                now = time.monotonic()
                if self._list_at is not None and self._list_at <= now:
                    self._list_at = None
                    self._wanted = {
                        uuid: one for uuid, one in self._wanted.items() if one.kind is EventKind.REBOOTED
                    }
                    return "", None
                if self._wanted:
                    uuid = next(iter(self._wanted))
                    return uuid, self._wanted.pop(uuid)
                self._woken.wait(None if self._list_at is None else self._list_at - now)
            return None

    def _attempt(self, uuid: str, event: Event | None) -> None:
        try:
            if not uuid:
                self._list()
            elif event is not None and event.kind is EventKind.MEMORY:
                self._memory(uuid, event)
            else:
                self._look(uuid, event)
        except GuestwrightError:
            _LOG.warning(
                "a domain could not be looked at; all are again soon", exc_info=True, extra={"domain": uuid}
            )
            with self._woken:
                self._list_at = time.monotonic() + RETRY

    # -- looking

    def _list(self) -> None:
        found = self._hypervisor.list()
        for domain in found:
            with self._serial:
                self._apply(domain, None, listed=True)
        for uuid in self._entries.keys() - {domain.uuid for domain in found}:
            self._look(uuid, None)

    def _look(self, uuid: str, event: Event | None) -> None:
        with self._serial:
            try:
                domain = self._ports.as_told(self._hypervisor.get(DomainId(uuid)))
            except DomainNotFound:
                self._gone(uuid, event)
            else:
                self._apply(domain, event)

    def _memory(self, uuid: str, event: Event) -> None:
        """The balloon has moved; no need to ask by how much."""
        with self._serial:
            entry = self._entries.get(uuid)
            if entry is not None and event.detail.isdecimal():
                domain = replace(entry.domain, memory_actual=int(event.detail))
                self._entries[uuid] = replace(entry, domain=domain)

    def _gone(self, uuid: str, event: Event | None) -> None:
        entry = self._entries.get(uuid)
        if entry is None:
            return
        self._end(entry)
        del self._entries[uuid]
        self._changes.changed(entry, None, event)

    def _apply(self, domain: Domain, event: Event | None, *, listed: bool = False) -> None:
        before = self._entries.get(domain.uuid)
        life = None if before is None else before.life
        rebooted = event is not None and event.kind is EventKind.REBOOTED
        goes_on = (
            before is not None
            and life is not None
            and domain.active
            and before.domain.run == domain.run
            and not rebooted
        )
        domid = life.domid if life is not None else 0
        if goes_on and listed:  # perhaps another run with the same number
            domid = self._store.begin(domain, afresh=False)
            goes_on = life is not None and domid == life.domid
        if before is not None and life is not None and not goes_on:
            self._end(before)
        if goes_on and before is not None:
            after = replace(before, domain=domain)
        elif domain.active:
            domid = self._store.begin(domain, afresh=rebooted)
            after = self._begin(domain, Life(domain.uuid, domid))
        else:
            since = time.time() if before is None or life is not None else before.since
            after = Entry(domain=domain, life=None, channel=ChannelState.OFF, since=since)
        if after.life is not None:
            after = self._changes.channel(after)
        self._entries[domain.uuid] = after
        if before is None or before.domain.state != domain.state or after.life != life:
            self._changes.changed(before, after, event)

    def _begin(self, domain: Domain, life: Life) -> Entry:
        self._changes.began(life)
        return Entry(domain=domain, life=life, channel=ChannelState.ABSENT, since=time.time())

    def _end(self, entry: Entry) -> None:
        if entry.life is None:
            return
        self._entries[entry.domain.uuid] = replace(entry, life=None, channel=ChannelState.OFF)
        self._changes.ended(entry.life)
        self._store.end(entry.life.domid)
