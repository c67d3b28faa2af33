"""Runs one sequence on both stores, and finds the shortest that still shows a difference.

Theory of operation: replies are compared at each step. Everything that a connection received, events and
replies in their order, is compared when the sequence ends, or the connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from guestwright.xenstore.core.wire import INTRODUCE, OK, RELEASE, WATCH, WATCH_EVENT, domid, frame, strings
from tests.support.real_xenstored import DOMAINS, Died, Message, Mint, Peer, RealStore
from tests.system.xenstore.differential.differences import DIFFERENCES, Case, excuse, foreseen
from tests.system.xenstore.differential.ours import OurStore
from tests.system.xenstore.differential.steps import NAMES, Step, Steps

_KILLED: Final = 9  # how the real server ends: by us
_AGAIN: Final = 3  # on two busy cores one sequence of 20,000 was unlucky twice


class Differ(Exception):
    """The stores differ in a way that is not listed."""


class Finished(Exception):
    """The sequence ends here: after this the stores differ by right."""


@dataclass(slots=True)
class Tally:
    """What a run consisted of.

    Attributes:
        replies: by operation and outcome.
        excused: listed differences by name.
        events: received by anybody.
        unsteady: sequences that differed, and then did not.
    """

    sequences: int = 0
    unsteady: int = 0
    steps: int = 0
    events: int = 0
    replies: Counter[tuple[str, str]] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)


class Duel:
    """One sequence on both stores.

    Args:
        mint: makes the real one.
        tally: what is added to.
        lenient: whether listed differences are passed over.
    """

    def __init__(self, mint: Mint, tally: Tally, *, lenient: bool = True) -> None:
        self.lenient = lenient
        self.ours = OurStore()
        self.real = RealStore(mint)
        self.tally = tally
        self.excused: set[int] = set()
        self.order: list[str | int] = []  # as the real server keeps them
        self.answered = False  # with OK, the last request
        self.died = False  # the real one, by right
        self.dying: set[int] = set()
        self.late: set[int] = set()  # releases that it may answer before their events

    def run(self, steps: Steps) -> None:
        """Run a sequence.

        Raises:
            Differ: the stores disagree.
        """
        found = ""
        number = 0
        try:
            for name in ("a", "b"):
                self._present(name)
            for number, step in enumerate(steps, 1):
                self._step(number, step)
                self._flush(step[0], step[1])
            self._settle()
        except Finished:
            pass
        except Differ as error:
            found = f"step {number}: {error}"
        except Died as error:
            found = f"step {number}: the real server: {error}"
        finally:
            status = self.real.end()
        if status != _KILLED and not self.died:
            found += f"; the real server ended with status {status}"
        if found:
            raise Differ(found)

    def _flush(self, who: str | int, kind: object) -> None:
        """See that no event waits unsent in the real server, which would swallow the next that is equal."""
        self.real.drain()
        if kind == WATCH and self.answered:
            self.real.hear(who)
        if who in self.order and isinstance(who, int):
            later = self.order[self.order.index(who) + 1 :]
            self.real.settle(*[one for one in later if isinstance(one, str)])

    def _step(self, number: int, step: Step) -> None:
        self.tally.steps += 1
        self.answered = False
        name = foreseen(step, self.ours, self.dying) if self.lenient else None
        if name is not None:
            self.tally.excused[name] += 1
            self._settle()
            raise Finished
        who, what = step[0], step[1]
        if what == "exists":
            self.ours.host.alive.add(who)
            self.dying.discard(who)
            self.real.exists(who)
        elif what == "close":
            if who in self.ours.peers:
                self._settle(who)
                self.ours.disconnect(who)
                self.real.disconnect(who)
                if who in self.order:
                    self.order.remove(who)
        elif isinstance(who, int) and isinstance(what, str) and what != "raw":
            self._hypervisor(who, what)
        elif self._present(who):
            if what == "raw":
                self._broken(number, who, step[2])
            else:
                self._request(number, who, what, step[2], step[3])

    def _present(self, who: str | int) -> bool:
        if isinstance(who, int):
            return who in self.real.peers and not self.real.peers[who].closed and self.ours.introduced(who)
        if who not in self.ours.peers:
            self.ours.connect(who)
            self.real.connect(who)
            self.order.append(who)
        return not self.real.peers[who].closed

    def _hypervisor(self, who: int, what: str) -> None:
        if who not in self.ours.host.alive:
            return
        if what in {"gone", "d"}:
            self.dying.add(who)
            if what == "gone":
                self.ours.host.alive.discard(who)
        else:
            self.dying.discard(who)
            self.ours.store.domain_shutdown(who)
        for one in sorted(self.dying):  # all of them, whenever there is news of one
            self._leave(one)
            self.ours.store.domain_destroyed(one)
        self.real.changed(who, b"\0" if what == "gone" else what.encode())
        self.ours.deliver()

    def _leave(self, who: int) -> None:
        """A domain's connection is about to end."""
        if who in self.real.peers:
            if who in self.ours.peers:
                self._settle(who)
                self.ours.disconnect(who)
                self.order.remove(who)
            self.real.unmap_ring(who)

    def _broken(self, number: int, who: str | int, data: bytes) -> None:
        """Bytes that no request is made of: both end the connection."""
        self._settle(who)
        ours = self.ours.request(who, data, number)
        real = self.real.request(who, data, number)
        if (ours, real) != (None, None):
            raise Differ(f"{who} sent {data!r}: ours {_tell(ours)}, real {_tell(real)}")
        if isinstance(who, str):
            self.order.remove(who)

    def _request(self, number: int, who: str | int, kind: int, payload: bytes, transaction: int) -> None:
        affected = None
        if isinstance(who, str) and kind in {INTRODUCE, RELEASE}:
            affected = domid(strings(payload)[0]) if b"\0" in payload else None
            if affected is not None and affected < DOMAINS:
                self._before(number, who, kind, affected)
        message = frame(kind, number, transaction, payload)
        before = {name: len(peer.received) for name, peer in self.ours.peers.items()}
        ours = self.ours.request(who, message, number)
        died = False
        try:
            real = self.real.request(who, message, number)
        except Died:
            real, died = None, True
        if affected is not None:
            self._after(affected)
        if ours == real and not died:
            self.answered = ours is not None and ours[3] == OK
            if ours is not None:
                outcome = ours[3][:-1].decode() if ours[0] != kind else "ok"
                self.tally.replies[NAMES.get(kind, str(kind)), outcome] += 1
            return
        path_max = self.ours.store.core.limits.path_max
        case = Case(who, kind, payload, transaction, ours, real, path_max, died)
        name = excuse(case) if self.lenient else None
        if name is None:
            raise Differ(
                f"{who} {NAMES.get(kind, kind)} {payload[:100]!r} in {transaction}: "
                f"ours {_tell(ours)}, real {'died' if died else _tell(real)}"
            )
        self.tally.excused[name] += 1
        self.excused.add(number)
        if not DIFFERENCES[name].goes_on(case):
            self.died = died
            if not died:
                # A guest that only the real server has let go of would never settle.
                sockets = [one for one in self.ours.peers if isinstance(one, str)]
                self._settle(*(sockets if kind in {INTRODUCE, RELEASE} else ()), upto=before)
            raise Finished

    def _before(self, number: int, who: str, kind: int, domain: int) -> None:
        """A domain's ring comes, goes or starts anew with this request, if the request is right."""
        if self.ours.store.guest(domain) is not None:
            self._settle(domain)
            # The real server defers the end of the connection that is next to the one it is serving.
            if kind == RELEASE and self.order.index(domain) == self.order.index(who) + 1:
                self.tally.excused["release-order"] += 1
                if self.lenient:
                    self.late.add(number)
        elif kind == INTRODUCE and domain in self.ours.host.alive:
            self.real.map_ring(domain)

    def _after(self, domain: int) -> None:
        """The domain may be there now, or not any more."""
        if self.ours.introduced(domain):
            if domain not in self.order:
                self.order.append(domain)
        elif domain in self.ours.peers:
            self.ours.disconnect(domain)
            self.real.unmap_ring(domain)
            self.order.remove(domain)

    def _settle(self, *names: str | int, upto: dict[str | int, int] | None = None) -> None:
        """Compare what the connections received, or these, or each up to a number of messages."""
        chosen = names or tuple(self.ours.peers)
        self.real.settle(*chosen)
        for name in chosen:
            ours, real = self.ours.peers[name], self.real.peers[name]
            if upto is None:
                self._compare(name, self._heard(ours), self._heard(real))
            else:
                count = upto.get(name, 0)
                self._compare(name, self._heard(ours)[:count], self._heard(real)[:count])

    def _heard(self, peer: Peer) -> list[Message]:
        """What a peer received, but for what settling added and for answers whose place is left open."""
        late = self.late
        return [one for one in peer.received if one[1] < RealStore.SETTLING and one[1] not in late]

    def _compare(self, name: str | int, ours: list[Message], real: list[Message]) -> None:
        self.tally.events += sum(one[0] == WATCH_EVENT for one in ours)
        if ours == real:
            return
        excused = self.excused
        for at in range(max(len(ours), len(real))):
            mine = ours[at] if at < len(ours) else None
            theirs = real[at] if at < len(real) else None
            if mine == theirs or (mine and theirs and mine[1] == theirs[1] and mine[1] in excused):
                continue
            last = max((one[1] for one in ours[:at]), default=0)
            raise Differ(f"{name}, after its request {last}: ours {_tell(mine)}, real {_tell(theirs)}")


def _tell(message: Message | None) -> str:
    if message is None:
        return "nothing"
    kind, _, _, payload = message
    return f"{NAMES.get(kind, kind)} {payload[:120]!r}"


def shrink(steps: Steps, fails: Callable[[Steps], bool]) -> Steps:
    """A shorter sequence that fails as well: pieces are left out as long as that can be done."""
    size = len(steps) // 2
    while size:
        at = 0
        while at < len(steps):
            shorter = steps[:at] + steps[at + size :]
            if fails(shorter):
                steps = shorter
            else:
                at += size
        size //= 2
    return steps


def difference(mint: Mint, steps: Steps, tally: Tally | None = None) -> str | None:
    """What differs in a sequence; None if nothing does.

    The real server depends on timing where we do not, so what does not differ every time does not count.
    """
    tally = tally or Tally()
    tally.sequences += 1
    found = _try(mint, steps, tally)
    for _ in range(_AGAIN):
        if found is None:
            return None
        found = _try(mint, steps, tally)
        tally.unsteady += found is None
    return found


def _try(mint: Mint, steps: Steps, tally: Tally) -> str | None:
    try:
        Duel(mint, tally).run(steps)
    except Differ as error:
        return str(error)
    return None


def reduced(mint: Mint, steps: Steps, found: str) -> tuple[Steps, str]:
    """The shortest sequence that shows the same difference, and what it is then."""

    def same(shorter: Steps) -> bool:
        return _essence(_try(mint, shorter, Tally()) or "") == _essence(found)

    steps = shrink(steps, same)
    return steps, difference(mint, steps) or "not again"


def _essence(found: str) -> str:
    """What is said about a difference without the step and the client."""
    return found[found.find("ours ") :]
