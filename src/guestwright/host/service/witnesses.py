"""Asks others than our agent about each guest, in turn: qemu-ga, DHCP leases, neighbours, the bridge.

Theory of operation: one thread goes round, a few domains a second at most, however many there are; one that
somebody asks about comes first. What was said is kept with its time until the
domain's life is over; a witness that says nothing any more leaves its last word to grow old.

qemu-ga is in the guest, and may keep a question for ever (see the libvirt driver). Each question to one has a
thread of its own and is left behind when it is slow: no domain is asked while its last question is open, and
when too many are open nobody's agent is asked until some have ended. So a guest that does not answer costs a
thread and a place in libvirt's pool, never more.

After each turn what all sources say is compared, and whoever wants it is told of disagreements that begin,
change and end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.host.facts.book import Life
from guestwright.host.facts.observations import Agreed, Source, Word, of_host, of_qemu_ga
from guestwright.host.service.bridges import Bridges
from guestwright.host.service.domains import Entry
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.statement import Statement, Witness

PAUSE: Final = 0.2  # seconds between two domains
SOON: Final = 5.0  # seconds: one that was asked about is not looked at again before
OPEN_MAX: Final = 8  # questions to qemu-ga
VAIN_MAX: Final = 3  # questions in a row without an answer
MUTE: Final = 3600.0  # seconds
AGENT: Final = "org.qemu.guest_agent.0"
_HOST: Final = {Witness.LEASES: Source.DHCP, Witness.NEIGHBOURS: Source.NEIGHBOUR}
_LOG: Final = logging.getLogger(__name__)
Told = Callable[[Life, str, str], object]


class _Case:
    """What was said of one life."""

    __slots__ = ("asked", "flagged", "words")

    def __init__(self) -> None:
        self.asked = float("-inf")  # when, by the monotonic clock
        self.words: dict[str, list[Word]] = {}
        self.flagged: dict[str, str] = {}


class Witnesses:
    """Goes round.

    Args:
        hypervisor: that passes on what they say.
        entries: all domains there are now.
        agreed: compares all that is said of a domain; None of one that does not run.
        told: of each disagreement: the life, its subject, and the text, "" when it is over.
        failed: called when the thread ends by a fault.
        every: seconds between two looks at a domain, when there are few of them.
        bridges: tables of the host.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        entries: Callable[[], Iterable[Entry]],
        agreed: Callable[[Entry], Mapping[str, Agreed] | None],
        told: Told,
        failed: Callable[[BaseException], object],
        *,
        every: float,
        bridges: Bridges | None = None,
    ) -> None:
        self._hypervisor = hypervisor
        self._entries = entries
        self._agreed = agreed
        self._told = told
        self._failed = failed
        self._every = every
        self._bridges = bridges or Bridges()
        self._cases: dict[Life, _Case] = {}
        self._wanted: set[Life] = set()
        self._open: set[Life] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._full = False
        self._vain: dict[Witness, int] = {}
        self._mute: dict[Witness, float] = {}
        self._thread = threading.Thread(target=self._run, name="witnesses", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; questions that are open are left. May be called before `start`."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def words(self, life: Life | None) -> list[Word]:
        """What was said so far; the domain is looked at soon."""
        with self._changed:
            case = None if life is None else self._cases.get(life)
            if case is None or life is None:
                return []
            if time.monotonic() - case.asked > SOON:
                self._wanted.add(life)
                self._changed.notify_all()
            return [one for words in case.words.values() for one in words]

    # -- the thread

    def _run(self) -> None:
        try:
            while not self._stopping:
                entry = self._next()
                if entry is not None and entry.life is not None:
                    self._look(entry, entry.life)
                with self._changed:
                    if not self._stopping:
                        self._changed.wait(PAUSE if entry is not None else min(1.0, self._every))
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: the service has to be told
            self._failed(error)

    def _next(self) -> Entry | None:
        """Who is asked about, else who was looked at longest ago, if that is long enough."""
        running = {one.life: one for one in self._entries() if one.life is not None}
        now = time.monotonic()
        with self._changed:
            for gone in self._cases.keys() - running.keys():
                del self._cases[gone]
            for life in running.keys() - self._cases.keys():
                self._cases[life] = _Case()
            self._wanted &= running.keys()
            if not running:
                return None
            life = min(self._wanted or running, key=lambda one: self._cases[one].asked)
            case = self._cases[life]
            if life not in self._wanted and now - case.asked < self._every:
                return None
            self._wanted.discard(life)
            case.asked = now
            return running[life]

    def _look(self, entry: Entry, life: Life) -> None:
        now = time.time()
        macs = {one.mac for one in entry.domain.nics}
        self._keep(life, Source.BRIDGE, self._bridges.words(entry.domain.nics, now))
        try:
            for witness, source in _HOST.items():
                if time.monotonic() < self._mute.get(witness, 0.0):
                    continue
                found = self._hypervisor.statement(entry.domain.uuid, witness)
                self._count(witness, said=found is not None)
                if found is not None:
                    self._keep(life, f"hypervisor {source}", of_host(_rows(found, macs), source, now))
        except GuestwrightError:
            _LOG.debug("nobody could be asked", exc_info=True, extra={"domain": life.uuid})
            return
        port = entry.domain.channel(AGENT)
        if port is not None and port.open is not False:
            self._ask(life)
        self._compare(entry, life)

    def _count(self, witness: Witness, *, said: bool) -> None:
        """Ask no more for a while what the hypervisor cannot tell: each question would be in its log."""
        self._vain[witness] = 0 if said else self._vain.get(witness, 0) + 1
        if self._vain[witness] >= VAIN_MAX:
            self._vain[witness] = 0
            self._mute[witness] = time.monotonic() + MUTE

    def _keep(self, life: Life, who: str, words: list[Word]) -> None:
        with self._changed:
            case = self._cases.get(life)
            if case is not None and words:
                case.words[who] = words

    def _compare(self, entry: Entry, life: Life) -> None:
        found = self._agreed(entry)
        with self._changed:
            case = self._cases.get(life)
            if found is None or case is None:
                return
            now = {name: one.disagreement for name, one in found.items() if one.disagreement}
            before, case.flagged = case.flagged, now
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                self._told(life, name, now.get(name, ""))

    # -- qemu-ga

    def _ask(self, life: Life) -> None:
        with self._changed:
            if life in self._open:
                return
            full = len(self._open) >= OPEN_MAX
            warn, self._full = full and not self._full, full
            if not full:
                self._open.add(life)
        if warn:
            _LOG.warning("%d guests' qemu-ga do not answer; no other is asked until some do", OPEN_MAX)
        if not full:
            threading.Thread(target=self._hear, args=(life,), name="qemu-ga", daemon=True).start()

    def _hear(self, life: Life) -> None:
        try:
            found = self._hypervisor.statement(DomainId(life.uuid), Witness.GUEST_AGENT)
        except GuestwrightError:
            found = None
        finally:
            with self._changed:
                self._open.discard(life)
        if found is not None:
            cards = [(one.mac, one.addresses) for one in found.cards]
            self._keep(life, Source.QEMU_GA, of_qemu_ga(found.hostname, found.system, cards, time.time()))
            entry = next((one for one in self._entries() if one.life == life), None)
            if entry is not None:
                self._compare(entry, life)


def _rows(found: Statement, macs: set[str]) -> list[dict[str, str]]:
    """Rows for the domain's own cards."""
    return [
        {"mac": card.mac.lower(), "ip": address}
        for card in found.cards
        if card.mac.lower() in macs
        for address in card.addresses
    ]
