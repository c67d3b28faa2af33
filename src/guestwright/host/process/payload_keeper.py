"""Payload media, kept in step with domains and guests."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.host.journal import Journal
from guestwright.host.media.following import Following, said
from guestwright.host.media.model import Entry
from guestwright.host.media.payloads import Payloads
from guestwright.host.media.shelf import Shelf
from guestwright.host.media.starting import with_payloads
from guestwright.host.media.vault import Vault, host_key
from guestwright.host.process.sections import Sections
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.service import Service
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.events import Event

PAYLOAD_CHANGED: Final = "payload-changed"
LEAVE: Final = 30.0  # seconds for what is under way with a medium
_TOLD: Final = frozenset(("facts-changed", "agent-changed"))
_LOG: Final = logging.getLogger(__name__)


class PayloadKeeper:
    """Payload media of the host, kept in step with domains and guests by a thread of their own.

    Args:
        service: started.
        journal: where their changes are told, and whose events say which guest to look at.
        configuration: of directories.
        sections: whose the images are.

    Attributes:
        payloads: of the host.

    Raises:
        PayloadNotKept, BadHostKey: a directory or the key cannot be used.
    """

    def __init__(
        self, service: Service, journal: Journal, configuration: Configuration, sections: Sections
    ) -> None:
        self._service = service
        self._journal = journal
        key = host_key(os.path.join(configuration.state, "payloads.key"))
        self.payloads = Payloads(
            service.hypervisor,
            Vault(os.path.join(configuration.state, "payloads"), key),
            Shelf(os.path.join(configuration.runtime, "payloads"), sections.owner),
            clock=time.time,
            randomness=os.urandom,
            told=self._told,
        )
        # Whoever starts a domain from now on starts it with its payloads.
        service.hypervisor = with_payloads(service.hypervisor, self.payloads)
        self._following = Following(self.payloads)
        self._events: queue.SimpleQueue[Event | str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="payloads", daemon=True)

    def start(self) -> None:
        """Bring everything in step, then keep it so."""
        # Before all else, so that nothing is missed in between.
        self._subscription = self._service.hypervisor.subscribe(self._happened)
        self._following.recover()
        self._reader = self._journal.reader(wanted=lambda event: event.kind in _TOLD, wake=self._wake)
        self._thread.start()
        for entry in self.payloads.all():  # their guests may have spoken while nobody listened
            self._events.put(entry.domain)
        self._wake()

    def stop(self) -> None:
        """End the thread; media stay as they are."""
        if self._thread.is_alive():
            self._subscription.close()
            self._reader.close()
            self._events.put(None)
            self._thread.join(LEAVE)

    def _happened(self, event: Event) -> None:
        self._events.put(event)

    def _wake(self) -> None:
        self._events.put("")

    def _told(self, entry: Entry) -> None:
        data = {"persistence": entry.persistence, "state": entry.state}
        self._journal.publish(PAYLOAD_CHANGED, entry.domain, data)

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                if isinstance(event, Event):
                    self._following.happened(event)
                elif event:
                    self._look(DomainId(event))
                else:
                    self._observe()
            except GuestwrightError:
                _LOG.warning("a payload could not be kept in step", exc_info=True)

    def _observe(self) -> None:
        """Look at those guests that have a payload and have said something."""
        while (batch := self._reader.take()).events:
            for uuid in {event.subject for event in batch.events}:
                if self.payloads.of(DomainId(uuid)):
                    self._look(DomainId(uuid))

    def _look(self, domain: DomainId) -> None:
        """What the guest says of its media."""
        domid = self._service.domain(domain).domid
        if domid is not None:
            self._following.observe(domain, said(self._service.store.client, domid))
