"""What the service shows of a domain and its guest: values of `port`, made of entry and page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from guestwright.host.capabilities import Operation, Situation
from guestwright.host.facts.book import Book, Life, Page
from guestwright.host.facts.observations import Agreed, Source, Word, agree, of_agent, together
from guestwright.host.facts.state import Standing
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.domains import Entry
from guestwright.host.service.port import Agent, Fact, Guest, Known
from guestwright.host.service.sightings import Sightings
from guestwright.host.service.situation import power_of, situation
from guestwright.host.service.witnesses import Told, Witnesses
from guestwright.hypervisor.port import Hypervisor


class Showing:
    """Makes the values.

    Args:
        book: what is known of guests.
        lock: guards it.
        configuration: what the operator allows.

    Attributes:
        busy: uuid to the operation that is under way.
        others: what others than the agent say of a life.
    """

    def __init__(self, book: Book, lock: threading.Lock, configuration: Configuration) -> None:
        self._book = book
        self._lock = lock
        self._configuration = configuration
        self._sightings = Sightings(configuration.leases)
        self.busy: dict[str, Operation] = {}
        self.others: Callable[[Life | None], list[Word]] = lambda _: []

    def with_others(
        self,
        hypervisor: Hypervisor,
        entries: Callable[[], Iterable[Entry]],
        told: Told,
        failed: Callable[[BaseException], object],
    ) -> Witnesses:
        """Who asks others than the agent, and is heard from now on; see `Witnesses`."""
        every = self._configuration.witnesses
        made = Witnesses(hypervisor, entries, self.agreed, told, failed, every=every)
        self.others = made.words
        return made

    def known(self, entry: Entry) -> Known:
        """A domain."""
        page, standing = self._seen(entry)
        uuid = entry.domain.uuid
        return Known(
            domain=entry.domain,
            power=power_of(entry.domain),
            domid=None if entry.life is None else entry.life.domid,
            agent=None if page is None or standing is None else _agent(page, standing),
            channel=entry.channel,
            channel_reason=entry.channel_reason,
            busy=self.busy.get(uuid),
            since=entry.since,
        )

    def guest(self, entry: Entry) -> Guest | None:
        """Its guest; None when it does not run."""
        page, standing = self._seen(entry)
        with self._lock:
            verdict = self._book.tools(entry.domain.uuid)
        if page is None or standing is None or verdict is None:
            return None
        zero = time.time() - time.monotonic()
        return Guest(
            uuid=entry.domain.uuid,
            domid=page.life.domid,
            agent=_agent(page, standing),
            facts={
                name: Fact(
                    name=name,
                    value=getattr(page.told, name),
                    source=stamp.source,
                    since=stamp.since + zero,
                    seen=stamp.seen + zero,
                )
                for name, stamp in page.stamps.items()
            },
            features=page.told.features,
            tools=verdict,
            metrics=page.metrics,
            agreed=self._agreed(entry, page),
            problems=page.problems,
            refused=page.refused,
        )

    def agreed(self, entry: Entry) -> dict[str, Agreed] | None:
        """What all sources say of a guest, compared; None when it does not run."""
        page, _ = self._seen(entry)
        return None if page is None else self._agreed(entry, page)

    def _agreed(self, entry: Entry, page: Page) -> dict[str, Agreed]:
        now = time.time()
        heard = (page.looked or 0.0) + now - time.monotonic()
        words = of_agent(page.told, heard, source_of(page))
        words += self._sightings.words([one.mac for one in entry.domain.nics], now)
        return agree(together([*words, *self.others(entry.life)]), now)

    def situation(self, entry: Entry) -> Situation:
        """What decides about what may be done."""
        page, standing = self._seen(entry)
        busy = self.busy.get(entry.domain.uuid)
        return situation(entry.domain, page, standing, self._configuration, busy)

    def source(self, uuid: str) -> str:
        """Who says what is known of a guest."""
        with self._lock:
            page = self._book.page(uuid)
        return Source.AGENT if page is None else source_of(page)

    def _seen(self, entry: Entry) -> tuple[Page | None, Standing | None]:
        """Nothing of a life that is over."""
        uuid = entry.domain.uuid
        with self._lock:
            page = self._book.page(uuid)
            if page is None or page.life != entry.life:
                return None, None
            return page, self._book.standing(uuid, time.monotonic())


def source_of(page: Page) -> Source:
    """Who says what is known of a guest."""
    return next((source for source, _ in page.origins.values()), Source.AGENT)


def _agent(page: Page, standing: Standing) -> Agent:
    last = page.signs.last
    return Agent(
        state=standing.state,
        reason=standing.reason,
        last=None if last is None else time.time() - time.monotonic() + last,
        version=page.told.tools.agent,
    )
