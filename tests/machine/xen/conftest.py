"""One boot of a Xen host per kind of xenstored, however many processes the tests are spread over.

Theory of operation: a visit does all that is to be done on a host and keeps what came of it as JSON in the
directory that the processes of a test run share; the first test takes the lock and makes the visit, the
others read it. A visit that is interrupted has failed for all: nobody makes it again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.xen.host import Done, Guest, Host, boot
from lab.xen.machine import LabFailed
from lab.xen.shell import CHECKOUT, put_checkout
from tests.machine.agent.scenario import NotSeen
from tests.machine.xen import agent_visit, exchange, host_visit

ROOT = Path(__file__).parents[3]
_SUITE = "tests/contract/xenstore"
_CASES = 600.0  # seconds for all cases together; 30 on an idle machine
_EXCHANGE = 120.0  # seconds

Visit = dict[str, Any]


@pytest.fixture(scope="session")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Visit]:
    """What came of the visit to a host with "xenstored" or "oxenstored"."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def result(xenstored: str) -> Visit:
        path = shared / f"xen-{xenstored}.json"
        with open(shared / f"xen-{xenstored}.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                path.write_text(json.dumps({"failure": f"the visit to {xenstored} was interrupted"}))
                path.write_text(json.dumps(_visit(xenstored)))
            found: Visit = json.loads(path.read_text())
        if "failure" in found:
            pytest.fail(found["failure"], pytrace=False)
        return found

    return result


def _visit(xenstored: str) -> Visit:
    try:
        with boot(xenstored=xenstored) as host:
            put_checkout(host)
            host.copy_in(str(ROOT / _SUITE), f"{CHECKOUT}/{_SUITE}")
            host.copy_in(exchange.__file__, f"{CHECKOUT}/exchange.py")
            agent_visit.prepare(host)
            with _guest(host) as guest:
                seen = _facts(host, guest) | _suites(host, guest, xenstored) | _exchange(host, guest)
            if xenstored == "oxenstored":
                return seen
            # Another guest, since this one is saved: clients that end within a transaction, as those of the
            # suite may, leave a Linux that cannot be (docs/decisions/0007).
            with _guest(host) as guest:
                seen |= _agent(host, guest)
            return seen | _service(host)
    except LabFailed as error:
        return {"failure": str(error)}


def _guest(host: Host) -> Guest:
    return host.start_guest("visited", payload=agent_visit.PAYLOAD, config=agent_visit.CONFIG)


def _agent(host: Host, guest: Guest) -> Visit:
    """What came of the agent. Its failure is that of its own tests only."""
    try:
        return {"agent": agent_visit.visit(host, guest)}
    except (LabFailed, NotSeen) as error:
        return {"agent-failure": f"{error}\n--- agent:\n{_log(guest)}"}


def _service(host: Host) -> Visit:
    """What came of the host service, which has the memory of the other guest. Its failure is its own."""
    try:
        return {"service": host_visit.visit(host)}
    except LabFailed as error:
        return {"service-failure": str(error)}


def _log(guest: Guest) -> str:
    try:
        return guest.run("cat /tmp/agent.log", check=False).text[-4000:]
    except LabFailed as error:
        return str(error)


def _facts(host: Host, guest: Guest) -> Visit:
    """What proves that this is Xen, and that the lab does what it says."""
    return {
        "xen": host.run("cat /proc/xen/capabilities; xl info | grep xen_version").text,
        "daemon": host.run("cat /proc/$(cat /run/xenstored.pid)/cmdline").text,
        "domains": host.run("xl list").text,
        "guest": guest.run("cat /sys/hypervisor/type /sys/hypervisor/guest_type /sys/hypervisor/uuid").text,
        "guest-uuid": host.run("xl vm-list").text,
        "failed": guest.run("echo out; echo err >&2; exit 7", check=False).status,
        "late": guest.run("sleep 60", seconds=1, check=False).status,
        "behind": host.run("sleep 60 & echo started", seconds=10).text,
    }


def _suites(host: Host, guest: Guest, xenstored: str) -> Visit:
    suite = f"cd {CHECKOUT} && PYTHONPATH=src:. python3 -m tests.contract.xenstore.run"
    suite += " --oxenstored" if xenstored == "oxenstored" else ""

    def in_guest() -> str:
        script = f"{suite} --guest --address /dev/xen/xenbus 2>&1"
        return _said(guest.run(script, seconds=_CASES, check=False))

    def in_dom0(address: str) -> str:
        script = f"{suite} --address {address} --base /contract 2>&1"
        return _said(host.run(script, seconds=_CASES, check=False))

    with ThreadPoolExecutor(1) as pool:  # the guest's beside those of dom0
        from_guest = pool.submit(in_guest)
        found = {
            "dom0-socket": in_dom0("/run/xenstored/socket"),
            "dom0-device": in_dom0("/dev/xen/xenbus"),
        }
        return {**found, "guest-device": from_guest.result()}


def _exchange(host: Host, guest: Guest) -> Visit:
    run = f"cd {CHECKOUT} && PYTHONPATH=src python3 exchange.py"
    with ThreadPoolExecutor(1) as pool:
        from_guest = pool.submit(guest.run, f"{run} guest", seconds=_EXCHANGE, check=False)
        dom0 = host.run(f"{run} dom0 {guest.domid}", seconds=_EXCHANGE, check=False)
        in_guest = from_guest.result()
    return {"exchange-dom0": _said(dom0), "exchange-guest": _said(in_guest)}


def _said(done: Done) -> str:
    return f"{done.text}{done.error.decode()}status {done.status}"
