"""Payloads over the life of domains on a fake hypervisor: runs, reboots, migrations, kills."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.media.errors import PayloadGone, PayloadInUse, PayloadNotFound, PayloadNotPlaced
from guestwright.host.media.following import Said
from guestwright.host.media.model import Persistence, Scrub, State
from guestwright.host.media.moving import accept, call_off, hand_over
from guestwright.host.media.starting import with_payloads
from guestwright.hypervisor.domain import Boundary, Bus, Device, DomainId, OsFamily, Platform, Virtualisation
from guestwright.hypervisor.errors import MediumNotFound, NoPlacement, TrayLocked
from guestwright.hypervisor.events import Event, EventKind, Reason
from guestwright.hypervisor.spec import DriveSpec, Migration, RunOnce
from tests.support.agent_process import eventually
from tests.support.payload_bench import CANARY, PayloadBench, cloud, on_medium, payload_bench, plain

pytestmark = pytest.mark.system
PERMANENT, ONCE = Persistence.PERMANENT, Persistence.RUN_ONCE


@pytest.fixture
def host() -> Iterator[PayloadBench]:
    with payload_bench() as one:
        yield one


def follow(host: PayloadBench, *kinds: EventKind) -> None:
    """Pass on what the hypervisor tells, once it has told of all these."""
    eventually(lambda: all(any(one.kind is kind for one in list(host.events)) for kind in kinds))
    while host.events:
        host.following.happened(host.events.pop(0))


def test_a_run_once_payload_is_there_for_one_run_and_then_nowhere(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), ONCE)
    assert host.images() == []
    host.payloads.start(domain)
    (entry,) = host.payloads.of(domain)
    assert entry.state is State.ATTACHED
    path = host.medium(domain, entry)
    assert on_medium(path, "/token.txt") == CANARY.encode()
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert entry.place is not None
    assert entry.place.target not in [one.target for one in host.hypervisor.defined(domain).drives]
    host.following.observe(domain, Said(seen=b"sr1 PAYLOAD", consumed=b"OTHER"))
    assert host.payloads.of(domain)[0].state is State.SEEN
    host.following.observe(domain, Said(seen=b"sr1 PAYLOAD", consumed=b"OTHER payload"))
    (entry,) = host.payloads.of(domain)
    assert entry.state is State.SCRUBBED
    assert not os.path.exists(path)
    assert on_medium(host.medium(domain, entry), "/token.txt") == b""
    host.hypervisor.stop(domain)
    follow(host, EventKind.STOPPED)
    assert host.images() == []
    assert host.payloads.of(domain)[0].contents == ""
    host.payloads.start(domain)
    assert host.images() == []
    with pytest.raises(PayloadGone):
        host.payloads.show(domain, ONCE)


def test_one_that_was_not_consumed_has_failed_and_its_secrets_are_gone(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), ONCE)
    host.payloads.start(domain)
    host.hypervisor.stop(domain)
    follow(host, EventKind.STOPPED)
    (entry,) = host.payloads.of(domain)
    assert (entry.state, entry.contents) == (State.FAILED, "")
    assert "before the guest said" in entry.reason
    assert [one.state for one in host.told] == [State.DEFINED, State.ATTACHED, State.FAILED]


def test_a_permanent_payload_is_there_at_every_boot(host: PayloadBench) -> None:
    domain = host.bench.define()
    entry = host.payloads.define(domain, plain(), PERMANENT)
    assert entry.own_drive
    assert entry.place is not None
    target = entry.place.target
    assert host.hypervisor.defined(domain).drive(target).medium == ""
    for _ in range(2):
        host.payloads.start(domain)
        (entry,) = host.payloads.of(domain)
        assert entry.place is not None
        assert entry.place.target == target
        assert on_medium(host.medium(domain, entry), "/token.txt") == CANARY.encode()
        host.hypervisor.reboot(domain)
        follow(host, EventKind.REBOOTED)
        assert host.medium(domain, host.payloads.of(domain)[0])
        host.hypervisor.eject(domain, target)
        host.following.happened(Event(kind=EventKind.TRAY, domain=domain, detail=target))
        assert host.images() == []
        host.hypervisor.reboot(domain)
        follow(host, EventKind.REBOOTED)
        (entry,) = host.payloads.of(domain)
        assert entry.state is State.ATTACHED
        assert host.medium(domain, entry) == host.payloads.showing.path(entry)
        host.hypervisor.stop(domain)
        follow(host, EventKind.STOPPED)
        assert host.payloads.of(domain)[0].state is State.DEFINED
        assert host.images() == []
    host.payloads.remove(domain, PERMANENT)
    assert target not in [one.target for one in host.hypervisor.defined(domain).drives]
    assert os.listdir(os.path.join(host.state, "payloads")) == []


def test_cloud_inits_payload_is_scrubbed_once_the_guest_is_up(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, cloud(), PERMANENT)
    host.payloads.start(domain)
    host.following.observe(domain, Said(boot=b"booting"))
    assert host.payloads.of(domain)[0].state is State.ATTACHED
    host.following.observe(domain, Said(boot=b"up"))
    (entry,) = host.payloads.of(domain)
    assert entry.state is State.SCRUBBED
    path = host.medium(domain, entry)
    assert CANARY.encode() not in Path(path).read_bytes()
    assert b"i-1" in on_medium(path, "/meta-data")
    host.hypervisor.stop(domain)
    follow(host, EventKind.STOPPED)
    host.payloads.start(domain)  # the twin at each later boot
    (entry,) = host.payloads.of(domain)
    assert entry.state is State.SCRUBBED
    assert CANARY.encode() not in Path(host.medium(domain, entry)).read_bytes()


def test_a_domain_that_somebody_else_started_gets_its_payload(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, cloud(), PERMANENT)
    host.hypervisor.start(domain)
    follow(host, EventKind.STARTED)
    (entry,) = host.payloads.of(domain)
    assert entry.state is State.ATTACHED
    assert on_medium(host.medium(domain, entry), "/meta-data")
    host.following.observe(domain, Said(boot=b"up"))  # it may have booted without
    assert host.payloads.of(domain)[0].state is State.ATTACHED


def test_a_run_once_payload_takes_the_place_of_the_permanent_one(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain("permanent"), PERMANENT)
    host.payloads.define(domain, plain("once"), ONCE)
    host.payloads.start(domain, RunOnce(paused=True))
    assert len(host.images()) == 1
    states = {one.persistence: one.state for one in host.payloads.of(domain)}
    assert states == {ONCE: State.ATTACHED, PERMANENT: State.DEFINED}
    with pytest.raises(PayloadInUse):
        host.payloads.define(domain, plain(), ONCE)


def test_another_cd_in_the_payloads_drive(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), PERMANENT)
    host.payloads.start(domain)
    (entry,) = host.payloads.of(domain)
    assert entry.place is not None
    other = host.bench.image("other.iso")
    host.hypervisor.guest(domain).locked.add(entry.place.target)
    with pytest.raises(TrayLocked):
        host.payloads.change_cd(domain, PERMANENT, other)
    assert len(host.images()) == 1
    host.payloads.change_cd(domain, PERMANENT, other, force=True)
    assert host.medium(domain, entry) == other
    assert host.images() == []
    host.payloads.change_cd(domain, PERMANENT)
    assert host.medium(domain, entry) == ""
    shown = host.payloads.show(domain, PERMANENT)
    assert shown.place is not None
    assert shown.place.target == entry.place.target
    assert host.medium(domain, entry) == host.payloads.showing.path(shown)


@pytest.mark.parametrize("wanted", [Device.CD, Device.FLOPPY])
def test_a_pv_guest_gets_a_labelled_disk(host: PayloadBench, wanted: Device) -> None:
    domain = host.bench.define(
        platform=Platform(virtualisation=Virtualisation.XEN, boundary=Boundary.PV),
        os=OsFamily.LINUX,
        drives=(DriveSpec(device=Device.DISK, bus=Bus.XEN, medium=host.bench.image("pv.img")),),
    )
    host.payloads.define(domain, plain(), PERMANENT, wanted=wanted)
    host.payloads.start(domain)
    (entry,) = host.payloads.of(domain)
    assert entry.place is not None
    assert (entry.place.device, entry.place.target) == (Device.DISK, "xvdb")
    path = host.medium(domain, entry)
    assert on_medium(path, "/token.txt") == CANARY.encode()
    before = os.stat(path)
    host.payloads.consumed(domain, PERMANENT)
    assert (os.stat(path).st_ino, os.stat(path).st_size) == (before.st_ino, before.st_size)
    assert CANARY.encode() not in Path(path).read_bytes()
    assert on_medium(path, "/token.txt") == b""
    with pytest.raises(PayloadNotPlaced):
        host.payloads.change_cd(domain, PERMANENT, host.bench.image("other.iso"))


def test_whoever_starts_domains_starts_their_payloads(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), ONCE)
    hypervisor = with_payloads(host.hypervisor, host.payloads)
    hypervisor.start(domain)
    (entry,) = host.payloads.of(domain)
    assert (entry.state, entry.from_start) == (State.ATTACHED, True)
    assert hypervisor.get(domain) == host.hypervisor.get(domain)
    hypervisor.stop(domain)


def test_what_cannot_be_placed_or_started_leaves_nothing(host: PayloadBench) -> None:
    full = host.bench.define(
        drives=[DriveSpec(device=Device.DISK, bus=Bus.IDE, medium=host.bench.image(f"{n}")) for n in range(4)]
    )
    host.payloads.define(full, plain(), ONCE)  # not on IDE
    host.payloads.start(full)
    (entry,) = host.payloads.of(full)
    assert entry.place is not None
    assert entry.place.bus is not Bus.IDE
    with pytest.raises(NoPlacement):
        host.payloads.define(
            host.bench.define(platform=Platform(virtualisation=Virtualisation.QEMU, machine="odd")),
            plain(),
            ONCE,
        )
    missing = host.bench.define()
    host.payloads.define(missing, plain(), ONCE)
    os.unlink(next(one.medium for one in host.hypervisor.get(missing).drives if one.medium))
    with pytest.raises(MediumNotFound):
        host.payloads.start(missing)
    assert host.payloads.of(missing)[0].state is State.DEFINED
    assert len(host.images()) == 1
    with pytest.raises(PayloadNotFound):
        host.payloads.remove(missing, PERMANENT)


def test_a_drive_that_does_not_take_the_twin_has_no_secret_in_it(
    host: PayloadBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, cloud(), PERMANENT)
    host.payloads.start(domain)

    def jammed(*_: object, **__: object) -> None:
        raise TrayLocked(domain=domain, target="hdd")

    monkeypatch.setattr(host.hypervisor, "change", jammed)
    host.following.observe(domain, Said(boot=b"up"))
    (entry,) = host.payloads.of(domain)
    assert "was not scrubbed" in entry.reason
    assert not any(CANARY.encode() in Path(host.run, one).read_bytes() for one in host.images())


def test_a_suspended_domain_finds_its_medium_again(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), ONCE)
    host.payloads.start(domain)
    host.hypervisor.suspend(domain)
    follow(host, EventKind.STOPPED)
    (image,) = host.images()
    os.unlink(os.path.join(host.run, image))  # the host was started anew
    host.open()
    host.following.recover()
    assert host.images() == [image]
    host.payloads.start(domain)
    follow(host, EventKind.STARTED)
    assert host.payloads.of(domain)[0].state is State.ATTACHED


def test_a_migrated_domain_has_the_same_devices_and_nothing_stays_behind() -> None:
    worlds: dict[str, object] = {}
    with (
        payload_bench("fake://a", worlds) as here,
        payload_bench("fake://b", worlds, run=here.run + "-of-b") as there,
    ):
        domain = here.bench.define()
        here.payloads.define(domain, plain(), PERMANENT)
        here.payloads.start(domain)
        handed = hand_over(here.payloads, domain)
        assert CANARY not in repr(handed)
        with pytest.raises(Exception, match="but in"):
            accept(there.payloads, handed)
        # Two hosts have a directory each, of one path; here the source's is moved out of the way.
        (image,) = here.images()
        before = Path(here.run, image).read_bytes()
        os.rename(here.run, here.run + "-source")
        there.run = here.run
        there.open()
        accept(there.payloads, handed)
        assert Path(there.run, image).read_bytes() == before
        here.hypervisor.migrate(domain, Migration(destination="fake://b"))
        follow(there, EventKind.STARTED)
        (entry,) = there.payloads.of(domain)
        assert there.medium(domain, entry) == os.path.join(there.run, image)
        assert (entry.state, entry.incoming) == (State.ATTACHED, 0.0)
        os.rename(there.run, there.run + "-target")
        os.rename(there.run + "-source", here.run)
        follow(here, EventKind.STOPPED)
        assert here.payloads.all() == ()
        assert os.listdir(here.run) == []
        assert os.listdir(os.path.join(here.state, "payloads")) == []
        there.hypervisor.stop(domain)


def test_a_migration_that_does_not_happen(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), PERMANENT)
    with payload_bench(run=host.run + "-x") as there:
        object.__setattr__(there.payloads.shelf, "directory", host.run)
        accept(there.payloads, hand_over(host.payloads, domain))
        there.following.recover()  # it is expected, so it stays
        assert len(there.payloads.of(domain)) == 1
        call_off(there.payloads, domain)
        assert there.payloads.all() == ()


@pytest.mark.parametrize("when", ["started", "stopped", "ejected", "undefined"])
def test_a_service_that_was_killed_finds_its_way(host: PayloadBench, when: str) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), PERMANENT, scrub=Scrub.NEVER)
    host.payloads.start(domain)
    (entry,) = host.payloads.of(domain)
    Path(host.run, "f" * 32 + ".payload.img").write_text(CANARY)  # of a payload that nobody knows
    if when == "ejected":
        assert entry.place is not None
        host.hypervisor.eject(domain, entry.place.target)
    elif when != "started":
        host.hypervisor.stop(domain)
    if when == "undefined":
        host.hypervisor.undefine(domain)
    host.open()
    host.following.recover()
    found = host.payloads.of(domain)
    if when == "undefined":
        assert found == ()
        assert os.listdir(os.path.join(host.state, "payloads")) == []
    else:
        assert found[0].state is (State.DEFINED if when == "stopped" else State.ATTACHED)
    assert len(host.images()) == (when in ("started", "ejected"))


def test_what_happened_while_nobody_heard_is_caught_up_with(host: PayloadBench) -> None:
    ended, begun = host.bench.define(), host.bench.define()
    for domain in (ended, begun):
        host.payloads.define(domain, plain(), PERMANENT)
    host.payloads.start(ended)
    host.hypervisor.stop(ended)
    host.hypervisor.start(begun)
    host.following.happened(Event(kind=EventKind.FOUND))
    (one,), (other,) = host.payloads.of(ended), host.payloads.of(begun)
    assert (one.state, other.state) == (State.DEFINED, State.ATTACHED)
    assert len(host.images()) == 1


def test_events_of_others_and_late_ones_do_nothing(host: PayloadBench) -> None:
    domain = host.bench.define()
    host.payloads.define(domain, plain(), ONCE)
    host.payloads.start(domain)
    before = host.payloads.of(domain)
    for event in (
        Event(kind=EventKind.STOPPED, domain=domain, reason=Reason.GUEST),
        Event(kind=EventKind.STARTED, domain=domain),
        Event(kind=EventKind.UNDEFINED, domain=domain),
        Event(kind=EventKind.LOST),
        Event(kind=EventKind.STOPPED, domain=DomainId("00000000-0000-0000-0000-000000000000")),
    ):
        host.following.happened(event)
    assert host.payloads.of(domain) == before


def test_the_secret_is_in_memory_only(host: PayloadBench) -> None:
    domain = host.bench.define()
    for persistence in Persistence:
        host.payloads.define(domain, plain(), persistence)
    host.payloads.start(domain)
    kept = [one for one in Path(host.state).rglob("*") if one.is_file()]
    assert len(kept) >= 5
    assert not any(CANARY.encode() in one.read_bytes() for one in kept)
    assert CANARY not in repr(host.told) + repr(host.payloads.all())
    assert all(
        CANARY.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        for pid in os.listdir("/proc")
        if pid.isdigit() and os.path.exists(f"/proc/{pid}/cmdline")
    )
