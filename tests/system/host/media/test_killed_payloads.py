"""The service is killed at every step of what it does with payloads; the next one finds its way.

Theory of operation: the service's part runs in a forked child that ends itself before its n-th step, where a
step is a change of a file or a call of the hypervisor. What the child's hypervisor had become is told through
a file, as a real hypervisor outlives the service, and taken over before a new service recovers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.record import replace
from guestwright.host.media.following import Said
from guestwright.host.media.model import Persistence, State
from guestwright.hypervisor.domain import Bus, Device, DomainId, Drive
from guestwright.hypervisor.domain import State as Run
from guestwright.hypervisor.drivers.fake.world import World
from guestwright.hypervisor.events import Event, EventKind, Reason
from tests.support.payload_bench import CANARY, PayloadBench, payload_bench, plain

pytestmark = pytest.mark.system
_FILES = ("open", "rename", "link", "unlink", "pwrite", "ftruncate", "fsync")
_CALLS = ("start", "insert", "change", "eject", "attach_drive", "detach_drive")
_MANY = 200
ONCE, PERMANENT = Persistence.RUN_ONCE, Persistence.PERMANENT
Work = Callable[[PayloadBench, DomainId], object]


def define(host: PayloadBench, domain: DomainId) -> None:
    host.payloads.define(domain, plain(), PERMANENT)


def running(host: PayloadBench, domain: DomainId) -> None:
    host.payloads.define(domain, plain(), ONCE)
    host.payloads.start(domain)


def running_permanent(host: PayloadBench, domain: DomainId) -> None:
    define(host, domain)
    host.payloads.start(domain)


def nothing(host: PayloadBench, domain: DomainId) -> None:
    """It begins with a domain that has none."""


def start(host: PayloadBench, domain: DomainId) -> None:
    host.payloads.start(domain)


def scrub(host: PayloadBench, domain: DomainId) -> None:
    host.following.observe(domain, Said(consumed=b"PAYLOAD"))


def remove(host: PayloadBench, domain: DomainId) -> None:
    host.payloads.remove(domain, PERMANENT)


def change(host: PayloadBench, domain: DomainId) -> None:
    host.payloads.change_cd(domain, PERMANENT, host.bench.image("other.iso"))


def run_over(host: PayloadBench, domain: DomainId) -> None:
    host.hypervisor.stop(domain)
    host.following.happened(Event(kind=EventKind.STOPPED, domain=domain, reason=Reason.GUEST))


STORIES: dict[str, tuple[Work, Work]] = {
    "define": (nothing, define),
    "define again": (define, define),
    "start": (define, start),
    "scrub": (running, scrub),
    "scrub permanent": (running_permanent, scrub),
    "remove": (running_permanent, remove),
    "change": (running_permanent, change),
    "run over": (running, run_over),
}


@pytest.mark.parametrize("story", STORIES)
def test_killed_at_every_step(story: str) -> None:
    before, work = STORIES[story]
    for step in range(_MANY):
        with payload_bench() as host:
            domain = host.bench.define()
            before(host, domain)
            if not _killed(host, domain, work, step):
                assert step > 3
                return
            host.open()
            host.following.recover()
            _judge(host, domain, story, step)
    raise AssertionError(f"not done after {_MANY} steps")


def _judge(host: PayloadBench, domain: DomainId, story: str, step: int) -> None:
    """Whatever is there belongs together, and all of it goes."""
    where = f"{story}, step {step}"
    now = host.hypervisor.get(domain)
    ours = [one.medium for one in now.drives if one.medium.startswith(host.run)]
    media = set(ours)
    inside = [one for one in host.payloads.all() if one.inside]
    assert len(ours) == len(media), where
    assert media == {host.payloads.showing.path(one) for one in inside}, where
    assert {os.path.join(host.run, one) for one in host.images()} == media, where
    for entry in inside:
        data = Path(host.payloads.showing.path(entry)).read_bytes()
        assert (CANARY.encode() in data) == (entry.state is not State.SCRUBBED), where
        host.following.observe(domain, Said(consumed=b"PAYLOAD"))
    kept = [one.read_bytes() for one in Path(host.state).rglob("*") if one.is_file()]
    assert not any(CANARY.encode() in one for one in kept), where
    for entry in host.payloads.all():
        host.payloads.remove(domain, entry.persistence)
    assert host.images() == [], where
    assert os.listdir(os.path.join(host.state, "payloads")) == [], where


def _killed(host: PayloadBench, domain: DomainId, work: Work, step: int) -> bool:
    """Do it in a child that dies before a step; whether it died."""
    told = os.path.join(host.state, "told")
    # What another thread holds at a fork stays locked in the child: we hold the only such lock ourselves.
    with host.hypervisor._world.dispatcher._changed:
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _count_down(host, domain, step, told)
            work(host, domain)
            status = 0
        finally:
            os._exit(status)
    _, raw = os.waitpid(pid, 0)
    status = os.waitstatus_to_exitcode(raw)
    assert status in (0, -signal.SIGKILL)
    if os.path.exists(told):
        _take_over(host, domain, Path(told).read_text())
        os.unlink(told)
    return status != 0


def _count_down(host: PayloadBench, domain: DomainId, step: int, told: str) -> None:
    left = [step]
    plain_open, plain_write, plain_close = os.open, os.write, os.close

    def tell() -> None:
        descriptor = plain_open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        plain_write(descriptor, _state(host, domain).encode())
        plain_close(descriptor)

    def counted(function: Callable[..., Any], *, after: Callable[[], None] | None) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            found = function(*values, **named)
            if after is not None:
                after()
            return found

        return call

    for name in _FILES:
        setattr(os, name, counted(getattr(os, name), after=None))
    for name in (*_CALLS, "stop"):
        setattr(host.hypervisor, name, counted(getattr(host.hypervisor, name), after=tell))


def _state(host: PayloadBench, domain: DomainId) -> str:
    """Run and definition of a domain as text."""
    entry = _world(host).entries[domain]
    lines = [str(entry.live.run) if entry.live is not None else ""]
    for view in (entry.live, entry.definition):
        lines.append(
            "|".join(f"{d.device},{d.bus},{d.target},{d.medium}" for d in view.drives) if view else ""
        )
    return "\n".join(lines)


def _take_over(host: PayloadBench, domain: DomainId, text: str) -> None:
    run, live, definition = text.split("\n")
    entry = _world(host).entries[domain]
    assert entry.definition is not None
    entry.definition = replace(entry.definition, drives=_drives(definition))
    begun = replace(entry.definition, run=int(run or 0), state=Run.RUNNING, drives=_drives(live))
    entry.live = begun if run else None


def _drives(text: str) -> tuple[Drive, ...]:
    found = []
    for one in filter(None, text.split("|")):
        device, bus, target, medium = one.split(",", 3)
        found.append(Drive(device=Device(device), bus=Bus(bus), target=target, medium=medium, format="raw"))
    return tuple(found)


def _world(host: PayloadBench) -> World:
    return host.hypervisor._world
