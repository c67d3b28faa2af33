"""The host service on a real Xen host, with a PV guest of libvirt's Xen driver."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.machine.xen.in_dom0 import MIB
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(1800),
    needs("qemu-system-x86_64", "mmdebstrap", "mke2fs", "depmod", "setpriv"),
]

TARGET = 200 * MIB >> 10  # KiB
SLACK = 1024  # KiB that libxl grants above the target


@pytest.fixture
def served(visit: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    found = visit("xenstored")
    if "service-failure" in found:
        pytest.fail(found["service-failure"], pytrace=False)
    seen: dict[str, Any] = found["service"]
    return seen


def test_a_domain_of_others_is_adopted(served: dict[str, Any]) -> None:
    adopted, about = served["start"]["adopted"], served["start"]["about"]
    assert (about["hypervisor"], about["store"]) == ("Xen", "xenstored")
    assert (adopted["power"], adopted["domain"]["owned"]) == ("halted", False)
    started = served["start"]["started"]
    assert (started["power"], started["channel"], started["domid"]) == (
        "running",
        "native",
        started["domain"]["run"],
    )


def test_a_payload_is_a_labelled_disk(served: dict[str, Any]) -> None:
    (payload,) = served["start"]["payloads"]
    (drive,) = served["start"]["started"]["domain"]["drives"]
    assert (payload["state"], payload["inside"]) == ("attached", True)
    assert (payload["place"]["device"], payload["place"]["bus"]) == ("disk", "xen")
    assert payload["place"]["reason"].startswith("labelled disk on xen instead of a cd")
    assert (drive["target"], drive["read_only"]) == (payload["place"]["target"], True)
    assert served["payload"] == "CANARY-xen-payload"


def test_facts_and_what_is_allowed(served: dict[str, Any]) -> None:
    facts = served["act"]["guest"]["facts"]
    assert facts["system"]["value"]["distro"] == "debian"
    assert [one["mac"] for one in facts["nics"]["value"]] == ["00:16:3e:00:00:09"]
    allowed = set(served["act"]["allowed"])
    assert allowed >= {"shutdown", "reboot", "memory-target", "sysprep", "exec", "set-hostname"}
    assert not allowed & {"start", "cd-insert", "file"}
    assert served["act"]["renamed"]


def test_a_guest_cannot_balloon_above_its_target(served: dict[str, Any]) -> None:
    assert served["act"]["target"] == str(TARGET)
    assert served["limit"] << 2 == TARGET + SLACK
    taken = served["act"]["taken"]
    assert taken["status"] == 0
    assert TARGET <= int(base64.b64decode(taken["out"])) <= TARGET + SLACK


def test_a_killed_service_and_a_killed_libvirtd_lose_nothing(served: dict[str, Any]) -> None:
    started, again = served["start"]["started"], served["again"]
    assert again["domain"]["domid"] == started["domid"]
    assert again["guest"]["facts"]["host"]["value"]["name"] == "renamed"
    (payload,) = again["payloads"]
    assert payload["inside"]
    assert payload["state"] in ("attached", "seen")  # the agent tells that it sees the label


def test_the_kernel_takes_note_of_a_reboot(served: dict[str, Any]) -> None:
    assert served["reboot"]["after"] > served["reboot"]["before"]


def test_sysprep_by_a_disk_that_is_plugged_in(served: dict[str, Any]) -> None:
    found = served["sysprep"]
    assert (found["job"]["status"], found["job"]["error"]) == ("done", None)
    texts = "\n".join(found["job"]["result"]["log"])
    assert "labelled disk on xen instead of a cd" in texts
    assert "the guest sees the medium" in texts
    assert found["left"] == {"files": [], "loops": ""}
    assert "CANARY" not in served["log"]


def test_the_store_tells_of_a_domain_that_is_gone_while_libvirtd_is_away(served: dict[str, Any]) -> None:
    lost, found = served["lost"], served["found"]
    assert served["live"]["domain"]["agent"]["state"] == "live"
    assert lost["about"]["hypervisor_lost"] is not None
    assert lost["domain"]["agent"]["state"] == "lost"
    assert (found["domain"]["power"], found["domain"]["agent"]) == ("halted", None)
    assert found["left"] == {"files": [], "loops": ""}
