"""Our client and our agent on a real Xen host: in dom0 and in a PV guest, against both real xenstoreds.

The agent's tests stand here and not beside those in Debian: one process makes each visit, and none waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.xenstore.run import cases
from tests.machine.agent.checks import CHECKS
from tests.machine.agent.scenario import Seen
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(1800),
    needs("qemu-system-x86_64", "mmdebstrap", "mke2fs", "depmod", "setpriv"),
]

_PLACES = ["dom0-socket", "dom0-device", "guest-device"]


@pytest.fixture(params=["xenstored", "oxenstored"])
def visited(request: pytest.FixtureRequest, visit: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return {"daemon-wanted": request.param} | visit(request.param)


@pytest.mark.parametrize("place", _PLACES)
def test_the_contract_holds(visited: dict[str, Any], place: str) -> None:
    said = visited[place]
    passed = set(re.findall(r"^ok (\S+)", said, re.MULTILINE))
    assert said.endswith("all passed\nstatus 0"), said[-6000:]
    assert passed == set(cases())


def test_host_and_guest_hear_each_other(visited: dict[str, Any]) -> None:
    assert visited["exchange-dom0"] == "asked 20\nstatus 0"
    assert visited["exchange-guest"] == "answered 20\nstatus 0"


def test_it_is_a_xen_host_with_a_pv_guest(visited: dict[str, Any]) -> None:
    assert "control_d" in visited["xen"]
    assert re.search(r"xen_version +: 4\.17", visited["xen"])
    assert re.search(r"^visited +\d", visited["domains"], re.MULTILINE)
    assert f"bin/{visited['daemon-wanted']}\0" in visited["daemon"]
    kind, guest_type, uuid = visited["guest"].split()
    assert (kind, guest_type) == ("xen", "PV")
    assert uuid in visited["guest-uuid"]


def test_the_lab_reports_status_and_time(visited: dict[str, Any]) -> None:
    assert visited["failed"] == 7
    assert visited["late"] == 124
    assert visited["behind"] == "started\n"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_agent(visit: Callable[[str], dict[str, Any]], check: Callable[[Seen], None]) -> None:
    found = visit("xenstored")
    if "agent-failure" in found:
        pytest.fail(found["agent-failure"], pytrace=False)
    check(found["agent"])


def test_an_address_of_a_bridge_is_also_its_vif_s(visit: Callable[[str], dict[str, Any]]) -> None:
    """A VIF that is the only physical member: hosts know no bridges of guests."""
    store = visit("xenstored")["agent"]["bridged"]
    assert {store[f"attr/vif/0/ipv4/{index}"] for index in (0, 1)} == {"192.0.2.7", "198.51.100.5"}
