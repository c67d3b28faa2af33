"""A real guest in QEMU, adopted from virsh: facts, media, exec, memory, sysprep; one boot for all tests."""

from __future__ import annotations

import pytest

from guestwright.host.media.model import State
from guestwright.hypervisor.domain import Device
from guestwright.hypervisor.domain import State as Run
from guestwright.hypervisor.events import EventKind
from guestwright.hypervisor.statement import SeenCard, Statement
from tests.machine.host import guest_in_qemu as site
from tests.machine.host.guest_in_qemu import Seen
from tests.support.libvirtd import NEEDS
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(1500),
    NEEDS,
    needs("mmdebstrap", "mke2fs", "debugfs", "virsh", "sfdisk"),
]


@pytest.fixture(scope="module")
def seen() -> Seen:
    return site.visit()


def test_the_domain_is_somebody_elses_and_has_the_agents_port(seen: Seen) -> None:
    assert not seen["adopted"].owned
    assert seen["adopted"].channel(site.PORT) is None
    assert not seen["running"].owned
    assert seen["running"].channel(site.PORT).open


def test_facts(seen: Seen) -> None:
    told = seen["facts"]
    assert told.system.distro == "debian"
    assert told.system.major == "12"
    assert told.boot == "up"
    assert told.memory is not None
    assert 400_000 < told.memory.total < 512 * 1024
    assert any("/" in one.mounts for one in told.filesystems)
    assert told.features["exec"] == "1"
    assert told.features["clipboard"] == "disabled in the guest"


def test_a_permanent_payload_is_there_again_after_a_reboot_in_the_same_drive(seen: Seen) -> None:
    before, *after = seen["permanent devices"]  # libvirt may tell of one reboot twice
    assert after
    assert all(one == before for one in after)
    drives, place = before
    (drive,) = [one for one in drives if one.target == place.target]
    assert drive.medium
    assert place.device is Device.CD
    (entry,) = seen["permanent"]
    assert entry.state is not State.FAILED
    first, second = seen["permanent read"]  # the guest's own device, and a hash of what is on it
    assert first == second
    assert first[1].split()[0] == site.hash_of(site.PERMANENT)
    assert seen["traces of permanent"] == []


def test_a_run_once_payload_is_read_and_then_scrubbed(seen: Seen) -> None:
    before, after, over = seen["payload"]
    assert before.state is State.SEEN
    assert before.place.device is Device.CD
    assert seen["payload read"] == site.PAYLOAD
    assert after.state is State.SCRUBBED
    assert seen["twin read"] == ""
    assert (over.state, over.contents) == (State.SCRUBBED, "")


def test_the_definition_knows_nothing_of_it(seen: Seen) -> None:
    assert [one.target for one in seen["definition"].drives] == ["vda", "hdc"]
    assert all(one.medium == "" for one in seen["definition"].drives if one.device is Device.CD)


def test_cds_are_changed(seen: Seen) -> None:
    assert (seen["cd FIRST"], seen["cd SECOND"]) == ("on FIRST", "on SECOND")


def test_exec_name_clock_and_memory(seen: Seen) -> None:
    assert seen["exec"].split()[0] == site.hash_of("x" * (1 << 20))
    assert seen["renamed"] == (True, "between")
    assert seen["clock"][0].startswith("set")
    assert seen["clock"][1] < 60
    assert seen["memory"].actual == 400 * 1024


def test_what_qemu_ga_says_comes_through_libvirt(seen: Seen) -> None:
    silent, found = seen["qemu-ga"]
    assert silent is None
    card = SeenCard(mac="52:54:00:00:00:01", addresses=("192.0.2.1",))
    assert found == Statement(hostname="of-qemu-ga", system="Debian 12", cards=(card,))


def test_what_is_missing_fails_cleanly(seen: Seen) -> None:
    failures = seen["failures"]
    assert failures["feature off"][0] == "guest-call-not-offered"
    assert failures["no drive"][0] == "host-sysprep-failed"
    assert "medium-not-inserted" in failures["no drive"][1]
    assert "the domain has no USB controller" in failures["no drive"][1]
    assert failures["no such program"][0] == "guest-call-failed"


def test_a_disk_is_plugged_in_where_no_cd_can_be_and_goes_again(seen: Seen) -> None:
    assert any("labelled disk on virtio" in text for text in seen["plugged"])
    assert "failed-in-guest" in seen["failures"]["guest fails"][1]
    assert "ended with status 3: as it was told" in seen["failures"]["guest fails"][1]
    assert sorted(one.target for one in seen["drives"]) == ["hda", "hdc", "vda"]


def test_an_agent_that_is_killed_closes_its_port_and_comes_back(seen: Seen) -> None:
    assert seen["ports"] == [EventKind.PORT_CLOSED, EventKind.PORT_OPENED]
    assert seen["seconds"]["agent closed"] < 60
    assert seen["agent back"] == "back"


def test_a_service_killed_half_way_is_swept_up_behind(seen: Seen) -> None:
    assert seen["killed"]
    assert seen["killed drive"]
    assert (seen["swept"].images, seen["swept"].problems) == (1, ())
    assert seen["swept drive"] == ""
    assert seen["alive"] == "alive"


def test_sysprep_personalises_the_guest_from_the_disc(seen: Seen) -> None:
    assert seen["state"] is Run.OFF
    assert seen["hostname"].strip() == site.NEW_NAME
    assert seen["personalised"].split()[0] == site.hash_of(site.ANSWERS)
    names = [step.name for _, step in seen["steps"]]
    assert [one for one in dict.fromkeys(names) if one != "drive"] == [
        *("inserting-media", "media-inserted", "asked", "running", "finished", "domain-down"),
    ]


def test_no_secret_and_no_medium_is_left(seen: Seen) -> None:
    assert seen["traces of payload"] == []
    assert seen["traces of answers"] == []
    assert seen["left"] == []
    assert site.PAYLOAD not in repr(seen["audit"])
