"""Sysprep over real stores, with guests that do what agents do, and guests that do not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import pytest

from guestwright.base.progress import Step
from guestwright.host.capabilities import Power, Situation
from guestwright.host.errors import AnswersTooBig, HostError, SysprepFailed, SysprepRefused
from guestwright.host.facts.state import AgentState
from guestwright.host.sysprep.conversation import Conversation, Wish, check, retract
from guestwright.host.sysprep.model import Event, Limits, Phase
from guestwright.xenstore.client.client import Client
from tests.support.xenstored import KINDS, missing, started

pytestmark = pytest.mark.system

LABEL = "GW_01HV"
LIMITS = Limits(deadline=10, seen=5, unseen=0.2, answer=5)
HOME = "/local/domain/5"


class Drive:
    """A drive that remembers what was done with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.inserted, self.ejected = threading.Event(), threading.Event()
        self.refuses = ""

    def insert(self) -> None:
        self.done.append("insert")
        if self.refuses:
            raise HostError(problem=self.refuses)
        self.inserted.set()

    def eject(self) -> None:
        self.done.append("eject")
        self.ejected.set()

    def destroy(self) -> None:
        self.done.append("destroy")


class Guest:
    """A guest's agent, in a thread with a connection of its own."""

    def __init__(self, address: str, drive: Drive, behave: Callable[[Guest], None]) -> None:
        self.store = Client(address)
        self.drive = drive
        self.failure: BaseException | None = None
        self._behave = behave
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.store.write(f"{HOME}/control/feature-sysprep", "1")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)
        self.store.close()
        if self.failure is not None:
            raise self.failure

    def tell(self, name: str, value: str) -> None:
        self.store.write(f"{HOME}/data/guestwright/sysprep/{name}", value)

    def see(self) -> None:
        assert self.drive.inserted.wait(60)
        self.tell("media-seen", f"sr0 {LABEL}")

    def begin(self) -> None:
        self.store.wait_until(f"{HOME}/control/sysprep/action", lambda value: value == b"sysprep", 60)
        assert self.store.read(f"{HOME}/control/sysprep/filename") == b"D://unattend.xml"
        self.store.write(f"{HOME}/control/sysprep/action", "running")

    def end(self) -> None:
        self.store.rm(f"{HOME}/control/sysprep/action")

    def go_down(self) -> None:
        """As no real guest can, at once when the host has noticed its end."""
        assert self.drive.ejected.wait(60)
        self.store.rm(HOME)

    def _run(self) -> None:
        try:
            self._behave(self)
        except BaseException as error:  # noqa: BLE001  # shown by the thread of the test
            self.failure = error


@pytest.fixture(scope="module", params=KINDS)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    lacking = missing(request.param)
    if lacking and "CI" not in os.environ:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    with started(request.param) as server:
        yield server.socket


@pytest.fixture
def store(address: str) -> Iterator[Client]:
    with Client(address) as client:
        client.write(HOME, "")
        yield client
        client.rm(HOME)


def converse(
    store: Client,
    drive: Drive,
    *,
    speaks: bool = True,
    limits: Limits = LIMITS,
    steps: list[Step] | None = None,
) -> Conversation:
    wish = Wish(domain="vm", domid=5, label=LABEL, filename="D://unattend.xml", medium="uuid", speaks=speaks)
    told = [] if steps is None else steps
    return Conversation(store, wish, drive, limits=limits, progress=told.append)


def well(guest: Guest) -> None:
    guest.see()
    guest.begin()
    guest.tell("state", "running")
    guest.tell("progress", "removed the machine id")
    guest.tell("state", "finished")
    guest.end()
    guest.go_down()


def as_xapi_knows(guest: Guest) -> None:
    guest.begin()
    guest.end()
    guest.go_down()


def test_a_guest_with_our_agent(address: str, store: Client) -> None:
    drive, steps = Drive(), list[Step]()
    with Guest(address, drive, well):
        conversation = converse(store, drive, steps=steps)
        before = time.monotonic()
        conversation.run()
        seconds = time.monotonic() - before
    assert drive.done == ["insert", "eject", "destroy"]
    assert steps[-1].name == "domain-down"
    assert seconds < 30  # the guest takes no time; mostly less than a tenth of a second


def test_a_guest_with_an_agent_that_knows_only_xapi(address: str, store: Client) -> None:
    drive = Drive()
    with Guest(address, drive, as_xapi_knows):
        converse(store, drive, speaks=False).run()
    assert drive.done == ["insert", "eject", "destroy"]


def failed(guest: Guest) -> None:
    guest.see()
    guest.begin()
    guest.tell("error", "C:\\sysprep ended with 31\nline 2")
    guest.tell("state", "failed")
    guest.end()


def refused(guest: Guest) -> None:
    guest.see()
    guest.store.wait_until(f"{HOME}/control/sysprep/action", lambda value: value == b"sysprep", 60)
    guest.tell("error", "disabled in the guest")
    guest.tell("state", "refused")
    guest.end()


def dies(guest: Guest) -> None:
    guest.see()
    guest.begin()
    guest.store.rm(HOME)


def never_answers(guest: Guest) -> None:
    guest.see()


def never_ends(guest: Guest) -> None:
    guest.see()
    guest.begin()


@pytest.mark.parametrize(
    ("behave", "speaks", "failure", "words"),
    [
        (failed, True, "failed-in-guest", "C:\\sysprep ended with 31\\x0aline 2"),
        (refused, True, "refused-in-guest", "disabled in the guest"),
        (dies, True, "guest-went-down-early", "gone"),
        (lambda guest: None, True, "medium-not-seen", ""),
        (lambda guest: None, False, "no-answer", ""),
        (never_answers, True, "no-answer", ""),
        (never_ends, True, "deadline", "while it was running"),
    ],
    ids=["fails", "refuses", "dies", "sees nothing", "is no agent", "never answers", "never ends"],
)
def test_each_failure_has_a_name_and_no_medium_stays(
    address: str, store: Client, behave: Callable[[Guest], None], speaks: bool, failure: str, words: str
) -> None:
    drive = Drive()
    limits = Limits(deadline=2.5, seen=1, unseen=0.1, answer=1)
    with Guest(address, drive, behave), pytest.raises(SysprepFailed) as caught:
        converse(store, drive, speaks=speaks, limits=limits).run()
    assert caught.value.params["failure"] == failure
    assert words in caught.value.params["detail"]
    assert drive.done == ["insert", "eject", "destroy"]
    assert store.get(f"{HOME}/control/sysprep/action") is None


@pytest.mark.parametrize("event", [Event.CANCEL, Event.CRASHED])
def test_it_can_be_ended_from_outside(address: str, store: Client, event: Event) -> None:
    drive = Drive()
    conversation = converse(store, drive)

    def end_it(guest: Guest) -> None:
        never_ends(guest)
        conversation.tell(event, "by the test")

    with Guest(address, drive, end_it), pytest.raises(SysprepFailed, match="by the test"):
        conversation.run()
    assert drive.done == ["insert", "eject", "destroy"]


def test_a_drive_that_takes_no_medium(store: Client) -> None:
    drive = Drive()
    drive.refuses = "the tray is jammed"
    with pytest.raises(SysprepFailed, match="the tray is jammed"):
        converse(store, drive).run()
    assert drive.done == ["insert", "eject", "destroy"]


def test_a_store_that_goes_away(address: str, store: Client) -> None:
    drive = Drive()
    with Client(address, patience=0) as own:
        conversation = converse(own, drive)
        threading.Timer(0.2, own.close).start()
        with pytest.raises(SysprepFailed, match="connection-lost"):
            conversation.run()
    assert drive.done == ["insert", "eject", "destroy"]


def test_what_a_killed_service_left_is_not_taken_for_a_request(address: str, store: Client) -> None:
    store.write(f"{HOME}/control/sysprep/action", "sysprep")
    store.write(f"{HOME}/data/guestwright/sysprep/state", "failed")
    store.write(f"{HOME}/data/guestwright/sysprep/error", "of the last time")
    retract(store, 5)
    retract(store, 4711)
    assert store.get(f"{HOME}/control/sysprep/action") is None
    drive = Drive()
    with Guest(address, drive, well):
        converse(store, drive).run()


def test_what_is_missing_is_told_before_anything_is_touched() -> None:
    ready = Situation(
        power=Power.RUNNING, agent=AgentState.LIVE, features={"sysprep": "1"}, drives=1, free_drives=1
    )
    check("vm", 32 * 1024, ready)
    with pytest.raises(AnswersTooBig):
        check("vm", 32 * 1024 + 1, ready)
    with pytest.raises(SysprepRefused, match="agent-never-seen") as caught:
        check("vm", 1, Situation(power=Power.RUNNING, features={"sysprep": "1"}, drives=1, free_drives=1))
    assert "install the agent" in caught.value.advice


def test_an_interrupted_service_leaves_no_medium(store: Client) -> None:
    class Interrupted(Drive):
        def insert(self) -> None:
            super().insert()
            raise KeyboardInterrupt

    drive = Interrupted()
    conversation = converse(store, drive)
    with pytest.raises(KeyboardInterrupt):
        conversation.run()
    assert drive.done == ["insert", "eject", "destroy"]
    assert conversation.machine.phase is Phase.FAILED
