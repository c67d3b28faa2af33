"""The service of one host, put together: `port.HostService`.

Theory of operation: `Domains` says which lives there are, `Channels` brings their agents to the store,
`Listening` keeps the book, `Announcing` tells; `parts` joins them. Questions are answered from what they
hold, without asking hypervisor or store. The book is guarded by one lock that nobody holds while waiting.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.host.capabilities import Answer, Operation, all_answers, judge
from guestwright.host.facts.book import Book
from guestwright.host.facts.duplicates import Duplicate
from guestwright.host.facts.tools import Catalogue
from guestwright.host.service.announcing import Announcing
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.errors import OperationRefused, PartFailed
from guestwright.host.service.parts import Parts
from guestwright.host.service.plugging import plug
from guestwright.host.service.port import AboutHost, Figures, Guest, Known, PowerAction, Publisher
from guestwright.host.service.power import act, call_off, move
from guestwright.host.service.showing import Showing
from guestwright.host.service.stores import Store
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import Migration

STUCK: Final = 60.0  # seconds without a turn of a thread that takes one a second


class Service:
    """The service.

    Args:
        hypervisor: whose domains.
        store: where their guests' keys are.
        publisher: where events go.
        configuration: settings.
        catalogue: released tools.
        failed: called, on any thread, when a part ends by a fault.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        store: Store,
        publisher: Publisher,
        configuration: Configuration,
        *,
        catalogue: Catalogue | None = None,
        failed: Callable[[BaseException], object] = lambda _: None,
    ) -> None:
        self.hypervisor = hypervisor
        self.store = store
        self._configuration = configuration
        self._started = time.time()
        self._about = hypervisor.about()
        self._lock = threading.Lock()
        self._book = Book(catalogue, configuration.ages)
        self._claims = threading.Lock()
        self._showing = Showing(self._book, self._lock, configuration)
        self._announcing = Announcing(publisher, self._showing.source, duplicates=configuration.duplicates)
        self._parts = Parts(
            hypervisor, store, self._book, self._lock, self._announcing, configuration, failed
        )
        self._domains = self._parts.domains
        self._witnesses = self._showing.with_others(
            hypervisor, lambda: self._domains.entries, self._announcing.disagreement, failed
        )

    def start(self) -> None:
        """Find the domains and listen to them; returns when all are known.

        Raises:
            HypervisorError: it cannot be asked.
            XenstoreError: the store does not answer.
        """
        self._parts.start()
        if self._configuration.witnesses:
            self._witnesses.start()

    def stop(self) -> None:
        """Let go of everything but hypervisor and store. May be called when `start` failed."""
        self._witnesses.close()
        self._parts.stop()

    def check(self) -> None:
        """Whether all parts do their work; for the watchdog, now and then.

        Raises:
            PartFailed: which does not.
        """
        silent = self._parts.listening.pulse.silence()
        if silent > STUCK:
            raise PartFailed(part="listening", problem=f"it has done nothing for {silent:.0f} s")
        self._parts.check()

    # -- questions

    def about(self) -> AboutHost:
        """See `port.HostService`."""
        return AboutHost(
            hostname=self._about.hostname,
            hypervisor=self._about.kind,
            hypervisor_version=self._about.version,
            uri=self._about.uri,
            store=self.store.kind,
            started=self._started,
            hypervisor_lost=self._parts.joints.hypervisor_lost,
            store_lost=self._parts.joints.store_lost,
            granted=self._configuration.granted,
            cpus=self._about.cpus,
            memory=self._about.memory,
        )

    def figures(self) -> Figures:
        """See `port.HostService`."""
        known = self.domains()
        with self._lock:
            refused = sum(page.refused for page in self._book.pages)
            duplicates = len(self._book.identities.duplicates)
        count = self._parts.listening.count
        return Figures(
            domains=Counter(str(one.power) for one in known),
            agents=Counter(str(one.agent.state) for one in known if one.agent is not None),
            channels=Counter(str(one.channel) for one in known),
            touches=count.touches,
            looks=count.looks,
            nodes_read=count.nodes,
            whole_reads=count.wholes,
            facts_changed=self._announcing.facts,
            refused=refused,
            duplicates=duplicates,
            hypervisor_losses=self._parts.joints.hypervisor_losses,
            store_losses=self._parts.joints.store_losses,
            delay_seconds=tuple(self._parts.listening.delays),
        )

    def domains(self) -> tuple[Known, ...]:
        """See `port.HostService`."""
        return tuple(map(self._showing.known, self._domains.entries))

    def domain(self, uuid: str) -> Known:
        """See `port.HostService`."""
        return self._showing.known(self._domains.entry(uuid))

    def guest(self, uuid: str) -> Guest | None:
        """See `port.HostService`."""
        return self._showing.guest(self._domains.entry(uuid))

    def capabilities(self, uuid: str) -> tuple[Answer, ...]:
        """See `port.HostService`."""
        return tuple(all_answers(self._showing.situation(self._domains.entry(uuid))).values())

    def duplicates(self) -> tuple[Duplicate, ...]:
        """See `port.HostService`."""
        with self._lock:
            return tuple(self._book.identities.duplicates)

    # -- changes

    @contextmanager
    def claim(self, uuid: str, operation: Operation) -> Iterator[Known]:
        """See `port.HostService`."""
        entry = self._domains.entry(uuid)
        busy = self._showing.busy
        with self._claims:
            mine = uuid not in busy
            answer = judge(operation, self._showing.situation(entry))
            if answer.cause is not None:
                raise OperationRefused(
                    operation=operation,
                    domain=uuid,
                    cause=answer.cause,
                    problem=answer.text,
                    remedy=answer.remedy,
                )
            if mine:
                busy[uuid] = operation
        try:
            yield self._showing.known(entry)
        finally:
            if mine:
                with self._claims:
                    busy.pop(uuid, None)

    def power(self, uuid: str, action: PowerAction) -> Known:
        """See `port.HostService`."""
        with self.claim(uuid, Operation(action)) as known:
            act(self.hypervisor, self.store, known, action)
        return self._showing.known(self._domains.refresh(uuid))

    def migrate(self, uuid: str, how: Migration) -> None:
        """See `port.HostService`."""
        with self.claim(uuid, Operation.MIGRATE):
            move(self.hypervisor, uuid, how)

    def cancel_migration(self, uuid: str) -> bool:
        """See `port.HostService`. Unlike others it needs no claim: the move has that."""
        return call_off(self.hypervisor, uuid)

    def refresh(self, uuid: str) -> Known:
        """See `port.HostService`."""
        return self._showing.known(self._domains.refresh(uuid))

    def plug_channel(self, uuid: str) -> Known:
        """See `port.HostService`."""
        plug(self.hypervisor, self._domains.entry(uuid).domain, self._configuration.channel_directory)
        return self._showing.known(self._domains.refresh(uuid))
