"""One sysprep with a real store and a real drive.

Theory of operation: one thread runs the machine and does its effects; a second one waits for events of the
store and wakes the first, as do `tell` (the hypervisor says that the domain went down or crashed, somebody
cancels) and the machine's own limits. Nothing is polled and nothing sleeps. Keys are looked at again after
every event, `action` before the rest, because agents write the rest first.

The medium never passes through here: `Medium` knows what is on it and where, this module only when it goes in
and out. Whatever happens in here, it is ejected and destroyed before `run` returns.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from guestwright.base.errors import GuestwrightError
from guestwright.base.progress import Progress, silent
from guestwright.base.record import record
from guestwright.host.capabilities import Operation, Situation, judge
from guestwright.host.errors import AnswersTooBig, SysprepFailed, SysprepRefused
from guestwright.host.sysprep.answer import ACTION, ASKING, FILENAME, MEDIUM, TOLD, Answer, interpret, said
from guestwright.host.sysprep.machine import Machine
from guestwright.host.sysprep.model import ANSWERS_MAX, Effect, Event, Limits, Phase
from guestwright.xenstore.client.client import Client

_WAKE: Final = "control/sysprep"
_WAIT_MAX: Final = 3600.0


class Medium(Protocol):
    """A medium with answers, for one sysprep. All calls may raise a `GuestwrightError`."""

    def insert(self) -> None:
        """Make it and put it into a drive."""

    def eject(self) -> None:
        """Take it out; by force the second time. A drive that has something else in it is left alone."""

    def destroy(self) -> None:
        """Remove its contents from the host. What does not exist is no error."""


@record
class Wish:
    """What is to be done.

    Attributes:
        domain: name for people.
        domid: number of the domain.
        label: of the medium; different for every sysprep, since guests say by it which medium they see.
        filename: of the answers, as the guest spells it: XAPI writes `D://unattend.xml`.
        medium: its UUID, as XAPI writes it.
        speaks: whether the guest's agent tells what it sees: `data/guestwright/agent/version` is there.
    """

    domain: str
    domid: int
    label: str
    filename: str
    medium: str
    speaks: bool


def check(domain: str, size: int, now: Situation) -> None:
    """Whether a sysprep may be begun.

    Args:
        domain: name for people.
        size: of the answer file, bytes.
        now: of the domain.

    Raises:
        AnswersTooBig: see there.
        SysprepRefused: with cause and remedy.
    """
    if size > ANSWERS_MAX:
        raise AnswersTooBig(size=size, most=ANSWERS_MAX)
    answer = judge(Operation.SYSPREP, now)
    if answer.cause is not None:
        raise SysprepRefused(domain=domain, cause=answer.cause, problem=answer.text, remedy=answer.remedy)


class Conversation:
    """One sysprep.

    Args:
        store: client with the host's rights.
        wish: what.
        medium: see there.
        limits: how long.
        progress: is told of each phase.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        store: Client,
        wish: Wish,
        medium: Medium,
        *,
        limits: Limits | None = None,
        progress: Progress = silent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._wish = wish
        self._home = f"/local/domain/{wish.domid}"
        self._medium = medium
        self._clock = clock
        self._told: queue.SimpleQueue[tuple[Event, str] | None] = queue.SimpleQueue()
        self.machine = Machine(limits or Limits(), clock(), speaks=wish.speaks, progress=progress)

    def tell(self, event: Event, text: str = "") -> None:
        """Something happened elsewhere: `Event.DOWN`, `CRASHED`, `CANCEL`, `LOST`. From any thread."""
        self._told.put((event, text))

    def run(self) -> None:
        """Do it, and wait for its end.

        Raises:
            SysprepFailed: it did not end well; the medium is out.
        """
        machine = self.machine
        try:
            with self._store.watch(*(f"{self._home}/{one}" for one in (_WAKE, TOLD))) as watch:
                waiter = threading.Thread(target=self._wait, args=(watch.get,), daemon=True)
                waiter.start()
                self._do(machine.happened(Event.BEGIN, self._clock()))
                while machine.phase not in (Phase.DOWN, Phase.FAILED):
                    self._turn()
            waiter.join()
        except GuestwrightError as error:
            self._do(machine.happened(Event.LOST, self._clock(), error.message))
        finally:
            if not machine.over:  # an error of this program, or the end of it
                self._do(machine.happened(Event.LOST, self._clock(), "the service was interrupted"))
        if machine.failure is not None:
            detail = machine.detail or machine.failure
            raise SysprepFailed(domain=self._wish.domain, failure=machine.failure, detail=detail)

    def _turn(self) -> None:
        """Wait for one thing, and do what follows from it."""
        machine = self.machine
        wait = min(_WAIT_MAX, max(0.0, machine.due - self._clock()))
        try:
            told = self._told.get(timeout=wait)
        except queue.Empty:
            self._do(machine.tick(self._clock()))
            return
        if told is not None:
            if told[0] is Event.DOWN:
                self._look()  # what the guest did last may have been told later than its end
            self._do(machine.happened(told[0], self._clock(), told[1]))
            return
        # One look may show more than one step: what a guest did since the last.
        for _ in Phase:
            before = machine.phase
            self._look()
            if machine.phase is before:
                break

    def _look(self) -> None:
        machine = self.machine
        answer = self._read()
        if answer.progress is not None:
            machine.said(said(answer.progress), self._clock())
        found = interpret(answer, machine.phase, self._wish.label)
        if found is not None:
            self._do(machine.happened(found[0], self._clock(), found[1]))

    def _read(self) -> Answer:
        get = self._store.get
        action = get(f"{self._home}/{ACTION}")
        names = ("state", "error", "progress", "media-seen")
        state, error, progress, media = (get(f"{self._home}/{TOLD}/{name}") for name in names)
        return Answer(
            home=get(self._home) is not None,
            action=action,
            state=state,
            error=error,
            progress=progress,
            media_seen=media,
        )

    def _wait(self, get: Callable[[], object]) -> None:
        """Wake the other thread whenever a key changes."""
        try:
            while True:
                get()
                self._told.put(None)
        except GuestwrightError as error:  # also at the end, when nobody listens any more
            self._told.put((Event.LOST, error.message))

    def _do(self, effects: tuple[Effect, ...]) -> None:
        """Do what the machine says, and tell it what came of that."""
        todo = list(effects)
        while todo:
            effect = todo.pop(0)
            problem = self._one(effect)
            now = self._clock()
            if effect is Effect.INSERT:
                event = Event.MEDIUM_REFUSED if problem else Event.MEDIUM_IN
                todo.extend(self.machine.happened(event, now, problem))
                if not problem:
                    self._told.put(None)  # the guest may have been quicker than the watch
            elif effect is Effect.ASK and problem:
                todo.extend(self.machine.happened(Event.LOST, now, problem))
            elif effect is Effect.EJECT:
                todo[:0] = self.machine.ejected(problem, now)
            elif effect is Effect.DESTROY:
                self.machine.destroyed(problem, now)
            elif problem:
                self.machine.said(f"keys were left behind: {problem}", now)

    def _one(self, effect: Effect) -> str:
        work: dict[Effect, Callable[[], None]] = {
            Effect.INSERT: self._medium.insert,
            Effect.EJECT: self._medium.eject,
            Effect.DESTROY: self._medium.destroy,
            Effect.ASK: self._ask,
            Effect.RETRACT: lambda: retract(self._store, self._wish.domid),
        }
        try:
            work[effect]()
        except GuestwrightError as error:
            return error.message
        return ""

    def _ask(self) -> None:
        """Write the keys as XAPI does, `action` last; what an earlier run has left is removed before."""
        retract(self._store, self._wish.domid)
        self._store.write(f"{self._home}/{FILENAME}", self._wish.filename)
        self._store.write(f"{self._home}/{MEDIUM}", self._wish.medium)
        self._store.write(f"{self._home}/{ACTION}", ASKING)


def retract(store: Client, domid: int) -> None:
    """Remove the keys of a sysprep, and what the guest has said about it; a domain that is gone is no error.

    Call it for every domain when the service starts: a request that it left behind when it was killed must
    not be found by an agent that starts later.
    """
    home = f"/local/domain/{domid}"
    if store.get(home) is None:
        return
    for path in (ACTION, FILENAME, MEDIUM, f"{TOLD}/state", f"{TOLD}/error", f"{TOLD}/progress"):
        if store.get(f"{home}/{path}") is not None:
            store.rm(f"{home}/{path}")
