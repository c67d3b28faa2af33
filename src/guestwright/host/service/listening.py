"""From changes in the store to what is known of guests: watches, attention, reading, the book.

Theory of operation: one thread. It waits on the connection to the store, whose events become touches of a
guest (`touches`), by which `Attention` decides when to look. What is due is read in rounds (`together`): the
first time the whole of it, later what was touched. What was read goes into the book, and the news to whoever
wants them. The same thread notices when an agent has been silent for too long.

The connection's lock guards what is due, `lock` the book. News are told without either.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.host.facts.attention import Attention, Pace
from guestwright.host.facts.book import Book, Life, News
from guestwright.host.facts.reading import WATCHED, read, read_again
from guestwright.host.facts.state import AgentState, Standing
from guestwright.host.service.layout import home
from guestwright.host.service.pulse import Pulse
from guestwright.host.service.together import Asked, ask_round
from guestwright.host.service.touches import Touches
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.watching import Watched
from guestwright.xenstore.core.errors import XenstoreError

WAKE: Final = 1.0  # seconds, the longest sleep
AT_ONCE: Final = 64  # guests in one round
WHOLE_AT_ONCE: Final = 4  # of these, how many that are read as a whole
NODES_A_LOOK: Final = 50  # more nodes than that count as more than one look
RETRY: Final = 1.0  # seconds after a failure
DELAYS: Final = 4096
_LOG: Final = logging.getLogger(__name__)


class Heard(Protocol):
    """Who listens to what is found. Called on the listening thread, without locks; must not wait."""

    def news(self, life: Life, news: News) -> None:
        """A guest has changed."""

    def agent(self, life: Life, before: AgentState, now: Standing) -> None:
        """The state of an agent has changed."""


@record
class Count:
    """Figures since the start; see `port.Figures`."""

    touches: int = 0
    looks: int = 0
    nodes: int = 0
    wholes: int = 0


class _Ear:
    """One guest that is listened to."""

    __slots__ = (
        "attention",
        "being_read",
        "check_at",
        "known",
        "life",
        "over",
        "state",
        "touches",
        "watched",
    )

    def __init__(self, life: Life, attention: Attention, touched: Callable[[_Ear], object]) -> None:
        self.life = life
        self.attention = attention
        self.touches = Touches(home(life.domid), lambda _: touched(self))
        self.known: dict[str, bytes] = {}
        self.state = AgentState.NEVER
        self.check_at: float | None = None
        self.watched: list[Watched] = []
        self.over = False
        self.being_read = False  # one look after the other, or an old value could be taken for the last


class _Look:
    """A guest that is being read."""

    __slots__ = ("asked", "ear", "since", "whole")

    def __init__(self, ear: _Ear) -> None:
        self.ear = ear
        ear.being_read = True
        self.since = ear.touches.since
        self.whole, paths = ear.touches.taken()
        domid = ear.life.domid
        self.asked: Asked[object] = (
            Asked(read(domid)) if self.whole else Asked(read_again(domid, ear.known, paths))
        )


class Listening:
    """Listens to all guests.

    Args:
        client: of the store, with the host's rights.
        book: what is known.
        lock: guards the book.
        heard: who is told.
        pace: how often guests are looked at.
        failed: called when the thread ends by a fault.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        client: Client,
        book: Book,
        lock: threading.Lock,
        heard: Heard,
        *,
        pace: Pace,
        failed: Callable[[BaseException], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._book = book
        self._lock = lock
        self._heard = heard
        self._pace = pace
        self._failed = failed
        self._clock = clock
        self._order = itertools.count()
        self._ears: dict[int, _Ear] = {}
        self._due: list[tuple[float, int, _Ear]] = []  # guarded by the connection's lock, like the next
        self._due_whole: list[tuple[float, int, _Ear]] = []
        self._ages: list[tuple[float, int, _Ear]] = []  # the thread's own
        self._active: list[_Look] = []
        self._changed = self._stopping = False
        self._touches = self._looks = self._nodes = self._wholes = 0
        self.delays: deque[float] = deque(maxlen=DELAYS)
        self.pulse = Pulse(clock)
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)

    @property
    def count(self) -> Count:
        """Figures."""
        return Count(touches=self._touches, looks=self._looks, nodes=self._nodes, wholes=self._wholes)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, and with it the listening. May be called before `start`."""
        self._stopping = True
        if self._thread.is_alive():
            with suppress(XenstoreError):
                self._client.within(WAKE).exists("/")  # the answer wakes whoever polls
            self._thread.join()

    def add(self, life: Life) -> None:
        """Listen to a guest; what there is already is looked at at once.

        Raises:
            XenstoreError: the store does not answer.
        """
        ear = _Ear(life, Attention(self._pace, self._clock()), self._touched)
        self._ears[life.domid] = ear
        connection = self._client.connection
        pending = []
        with connection.lock:
            connection.check()
            for one in WATCHED:
                path = ops.raw(f"{home(life.domid)}/{one}", "watch")
                watched, registration = connection.session.watch(path, ear.touches)
                ear.watched.append(watched)
                pending.append(registration)
        for each in pending:
            self._client.settled(each)

    def remove(self, life: Life) -> None:
        """Listen to a guest no more."""
        ear = self._ears.get(life.domid)
        if ear is None or ear.life != life:
            return
        del self._ears[life.domid]
        connection = self._client.connection
        with connection.lock:
            ear.over = True
            if connection.over is None:
                for one in ear.watched:
                    connection.session.unwatch(one)
        connection.turn()

    def look(self, life: Life) -> None:
        """Look at a guest soon, though nothing was told: its agent's channel has changed, for example."""
        ear = self._ears.get(life.domid)
        if ear is not None:
            with self._client.connection.lock:
                self._touched(ear)

    # -- what is due

    def _touched(self, ear: _Ear) -> None:
        """Something has changed; the connection's lock is held."""
        self._touches += 1
        now = self._clock()
        fresh = ear.attention.due is None
        ear.attention.touched(now)
        if fresh and not ear.over:
            assert ear.attention.due is not None
            ear.touches.since = now
            self._put(ear, ear.attention.due)

    def _put(self, ear: _Ear, due: float) -> None:
        heap = self._due_whole if ear.touches.whole else self._due
        heapq.heappush(heap, (due, next(self._order), ear))
        self._changed = True

    def _collect(self) -> None:
        """Begin to read what is due."""
        now = self._clock()
        room = WHOLE_AT_ONCE - sum(look.whole for look in self._active)
        with self._client.connection.lock:
            while self._due and self._due[0][0] <= now and len(self._active) < AT_ONCE:
                ear = heapq.heappop(self._due)[2]
                if ear.touches.whole and not ear.over:  # so much has changed meanwhile
                    self._put(ear, now)
                else:
                    self._begin(ear, now)
            while self._due_whole and self._due_whole[0][0] <= now and room > 0:
                room -= self._begin(heapq.heappop(self._due_whole)[2], now)

    def _begin(self, ear: _Ear, now: float) -> bool:
        if ear.over:
            return False
        if ear.being_read:
            self._put(ear, now + self._pace.settle)
            return False
        if not ear.attention.take(now):
            return False
        self._active.append(_Look(ear))
        return True

    def _woken(self) -> bool:
        return self._changed or self._stopping

    def _wait(self) -> None:
        now = self._clock()
        times = [heap[0][0] for heap in (self._due, self._due_whole, self._ages) if heap]
        self._client.connection.wait(self._woken, min((now + WAKE, *times)))
        self._changed = False

    # -- the thread

    def _run(self) -> None:
        try:
            while not self._stopping:
                self.pulse.turn()
                self._collect()
                if self._active:
                    self._round()
                else:
                    self._wait()
                self._age()
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: the service has to be told
            self._failed(error)

    def _round(self) -> None:
        open_ = [look for look in self._active if not look.asked.done]
        try:
            if open_:
                ask_round(self._client, [look.asked for look in open_])
        except GuestwrightError:
            _LOG.warning("the store does not answer; guests are read again", exc_info=True)
            void, self._active = self._active, []
            for look in void:
                look.ear.being_read = False
            self._again([look.ear for look in void])
            time.sleep(0 if self._stopping else RETRY)
            return
        done = [look for look in self._active if look.asked.done]
        self._active = [look for look in self._active if not look.asked.done]
        for look in done:
            look.ear.being_read = False
            self._nodes += look.asked.asked
            if look.asked.result is None:
                self._again([look.ear])
            elif not look.ear.over:
                self._read(look)

    def _again(self, ears: list[_Ear]) -> None:
        with self._client.connection.lock:
            for ear in ears:
                ear.touches.whole = True
                self._touched(ear)

    def _read(self, look: _Look) -> None:
        ear, result, now = look.ear, look.asked.result, self._clock()
        self._looks += 1
        dear = look.asked.asked
        if look.whole:
            assert isinstance(result, list)
            self._wholes += 1
            ear.known = dict(result)
            with self._lock:
                news = self._book.look(ear.life, result, now)
        else:
            assert isinstance(result, dict)
            for path, value in result.items():
                if value is None:
                    ear.known.pop(path, None)
                    dear = max(dear, len(ear.known))  # all of it goes through the gate again
                else:
                    ear.known[path] = value
            with self._lock:
                news = self._book.look_again(ear.life, result, ear.known, now)
                page = self._book.page(ear.life.uuid)
            if page is not None and page.refused:
                dear = max(dear, len(ear.known))  # likewise
        ear.attention.cost(dear / NODES_A_LOOK - 1 if dear > NODES_A_LOOK else 0)
        if look.since is not None:
            self.delays.append(now - look.since)
        if news.changes or news.alarms:
            self._heard.news(ear.life, news)
        self._judge(ear, now)

    # -- silence

    def _judge(self, ear: _Ear, now: float) -> None:
        with self._lock:
            standing = self._book.standing(ear.life.uuid, now)
        if standing is None or ear.over:
            return
        if standing.until is not None and (ear.check_at is None or ear.check_at > standing.until):
            ear.check_at = standing.until
            heapq.heappush(self._ages, (standing.until, next(self._order), ear))
        if standing.state is not ear.state:
            before, ear.state = ear.state, standing.state
            self._heard.agent(ear.life, before, standing)

    def _age(self) -> None:
        now = self._clock()
        while self._ages and self._ages[0][0] <= now:
            ear = heapq.heappop(self._ages)[2]
            ear.check_at = None
            self._judge(ear, now)
