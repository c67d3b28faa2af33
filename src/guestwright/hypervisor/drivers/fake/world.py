"""What the fake hypervisor remembers, and what its parts share."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field

from guestwright.base.record import replace
from guestwright.hypervisor.dispatch import Dispatcher
from guestwright.hypervisor.domain import Domain, DomainId, State
from guestwright.hypervisor.drivers.fake.guest import FakeGuest
from guestwright.hypervisor.errors import (
    DomainNotFound,
    HypervisorUnreachable,
    MediumNotFound,
    WrongDomainState,
)
from guestwright.hypervisor.events import Event, EventKind, Reason
from guestwright.hypervisor.spec import When, check_uuid


@dataclass(slots=True, kw_only=True)
class Entry:
    """A domain: its definition, its run, or the memory that it left on disk."""

    definition: Domain | None
    live: Domain | None = None
    saved: Domain | None = None
    guest: FakeGuest = field(default_factory=FakeGuest)
    moving: threading.Event | None = None  # set to call its move off


class World:
    """Base of the fake's parts.

    Args:
        uri: by which neighbours find it.
        neighbours: fakes that domains can migrate to, this one among them; shared by all.
    """

    def __init__(self, uri: str, neighbours: dict[str, World]) -> None:
        self.uri = uri
        self.neighbours = neighbours
        neighbours[uri] = self
        self.lock = threading.RLock()
        self.entries: dict[DomainId, Entry] = {}
        self.dispatcher = Dispatcher()
        self.runs = 0
        self.memory = 64 << 30  # bytes of its host
        self.closed = False

    def entry(self, domain: DomainId) -> Entry:
        """What is known of a domain."""
        check_uuid(domain)
        if self.closed:
            raise HypervisorUnreachable(uri=self.uri, detail="this side has closed the connection")
        if domain not in self.entries:
            raise DomainNotFound(domain=domain)
        return self.entries[domain]

    def now(self, entry: Entry) -> Domain:
        """A domain as it is now."""
        if entry.live is not None:
            channels = (
                replace(one, open=entry.guest.is_open(one.name), alias=one.name)
                for one in entry.live.channels
            )
            return replace(entry.live, channels=tuple(channels), persistent=entry.definition is not None)
        assert entry.definition is not None
        return replace(entry.definition, state=State.SUSPENDED if entry.saved else State.OFF)

    def running(self, entry: Entry, action: str) -> Domain:
        """The run of a domain, if there is one."""
        if entry.live is None:
            raise wrong_state(self.now(entry), action, "running")
        return entry.live

    def views(self, entry: Entry, when: When, action: str) -> tuple[bool, ...]:
        """What to change: False the run, True the definition."""
        if when is When.NOW:
            self.running(entry, action)
            return (False,)
        if entry.definition is None:
            raise wrong_state(self.now(entry), action, "defined")
        return (True, False) if when is When.BOTH and entry.live else (True,)

    def put(self, kind: EventKind, domain: Domain, reason: Reason = Reason.NONE, detail: str = "") -> None:
        """Have listeners told."""
        self.dispatcher.put(
            Event(kind=kind, domain=domain.uuid, name=domain.name, reason=reason, detail=detail)
        )

    def end(self, entry: Entry, reason: Reason) -> None:
        """A run is over; a domain without a definition is gone."""
        live, entry.live = entry.live, None
        assert live is not None
        entry.guest.off()
        if entry.definition is None:
            del self.entries[live.uuid]
        self.put(EventKind.STOPPED, live, reason)


def view_of(entry: Entry, *, defined: bool) -> Domain:
    """The definition or the run."""
    found = entry.definition if defined else entry.live
    assert found is not None
    return found


def set_view(entry: Entry, domain: Domain, *, defined: bool) -> None:
    """Change the definition or the run."""
    if defined:
        entry.definition = domain
    else:
        entry.live = domain


def check_media(domain: Domain) -> None:
    """Refuse images that are not there."""
    for each in domain.drives:
        if each.medium:
            check_medium(each.medium)


def check_medium(path: str) -> None:
    """Refuse an image that is not there."""
    if not os.path.exists(path):
        raise MediumNotFound(path=path, detail="there is no such file")


def wrong_state(domain: Domain, action: str, expected: str) -> WrongDomainState:
    """The refusal of `action` in the state that `domain` is in."""
    state = "not defined, only running" if expected == "defined" else str(domain.state)
    return WrongDomainState(action=action, domain=domain.uuid, expected=expected, state=state)
