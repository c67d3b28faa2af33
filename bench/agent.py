"""The guest agent on this machine, and in real guests, all of them emulated here.

    python bench/agent.py [--only native,debian,xen] [--events 30] [--minutes 10] [--megabytes 50]
                          [--json FILE]

- `event`: from the command to add an address until the host sees the address in the store, on the host's
  clock. A helper in the guest (`bench/addresses.py`) does it through rtnetlink at once; the command's way to
  the guest is part of what is measured, so the truth is less. `way` is that way alone, there and back.
- `idle`: what agent and qemu-ga do while nothing happens: wake-ups (context switches of their own will),
  processor time, memory, children, and keys written to the store.
- `exec`: a small command, and one with much output, which must arrive whole within the default quotas.

`native` is the agent on this machine, without any guest (`bench/agent_native.py`): with our server, with C
xenstored, and with C xenstored behind something like Linux' xenbus device, the last also with latency.

Debian runs in QEMU with our server on this host; on Xen the store is C xenstored, and the host's side dom0.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "src")]

from bench.measuring import Report, executed, measure
from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import TimedOut
from lab.debian import Recipe, build
from lab.debian_guest import DebianGuest, seal_options
from lab.xen.host import boot
from lab.xen.shell import CHECKOUT, put_checkout
from tests.machine.agent import scenario
from tests.machine.agent.debian import HOME, DebianSite, Server
from tests.machine.xen import agent_visit
from tests.support.boot import take_kernel
from tests.support.program import guestwright

_HERE = os.path.dirname(os.path.abspath(__file__))
_PORT = "lab.bench"
_QUIET = 0.3  # seconds before each change: the agent gathers what comes sooner after another one
_RIVAL = "org.qemu.guest_agent.0"
_UNITS = {"agent": "guestwright-agent.service", "qemu-ga": "qemu-guest-agent.service"}
_LOOK = r"""
for unit in UNITS; do
    pid=$(systemctl show -p MainPID --value "$unit")
    set -- "$unit" "$pid"
    set -- "$@" "$(awk '/^voluntary/{print $2}' /proc/$pid/status)"
    set -- "$@" "$(awk '/^VmRSS/{print $2}' /proc/$pid/status)"
    set -- "$@" "$(awk '/^Pss:/{print $2}' /proc/$pid/smaps_rollup)"
    set -- "$@" "$(awk '{print $14+$15, $11+$13}' /proc/$pid/stat)"
    echo "$@" "$(awk '/^syscw/{print $2}' /proc/$pid/io)"
done
"""


@contextmanager
def debian(directory: Path) -> Iterator[tuple[DebianSite, str]]:
    """A Debian with the agent and qemu-ga; also the socket of the helper's port."""
    path, helper = str(directory / "guest.img"), str(directory / "helper")
    build(path, Recipe(profile="agents", size=2 << 30, dirty=False))
    more = ["--mkdir", "/etc/guestwright", "--write", f"/etc/guestwright/agent.toml:{scenario.ALLOWED}"]
    more += ["--upload", f"{_HERE}/addresses.py:/lab/addresses.py"]
    done = guestwright("seal", "run", "--no-manifest", "--agent", *seal_options(), *more, path, timeout=300)
    if done.status:
        raise SystemExit(done.err)
    kernel = take_kernel(path, str(directory))
    server = Server(directory)
    server.introduce()
    server.start()
    try:
        with DebianGuest(
            path,
            kernel=kernel.kernel,
            initrd=kernel.initrd,
            root=kernel.root,
            store=server.port,
            ports={_PORT: helper, _RIVAL: str(directory / "rival")},
        ) as guest:
            guest.wait_until_ready(900)
            site = DebianSite(guest, server)
            scenario.wait(site, "facts", lambda store: "data/updated" in store)
            with socket.socket(socket.AF_UNIX) as rival:  # with nobody there qemu-ga tries ten times a second
                rival.connect(str(directory / "rival"))
                yield site, helper
    finally:
        server.stop(signal.SIGKILL)


def events_over_port(site: DebianSite, helper: str, count: int) -> Report:
    """Latencies in Debian."""
    site.run(f"ip link set {site.nic} up")
    site.guest.run(
        f"python3 /lab/addresses.py {site.nic} port /dev/virtio-ports/{_PORT} </dev/null >/tmp/helper 2>&1 &"
        "\necho $! >/tmp/helper.pid"
    )
    with socket.socket(socket.AF_UNIX) as line, Client(site.server.socket) as store:
        line.settimeout(60)
        line.connect(helper)

        def ask(command: str) -> None:
            line.sendall(command.encode() + b"\n")
            if line.recv(100) != b"ok\n":
                raise SystemExit(f"{command}: not done")

        ask("ping")
        home = f"{HOME}/data/net/{scenario.nic(site.store(), 'name', site.nic)}/ipv4"
        return measure(store, home, ask, count, quiet=_QUIET)


def idle(site: DebianSite, minutes: float) -> Report:
    """What both agents do while nothing happens."""
    look = _LOOK.replace("UNITS", " ".join(_UNITS.values()))
    time.sleep(20)  # what the start has left behind
    with Client(site.server.socket) as store, store.watch(f"{HOME}/data", f"{HOME}/attr") as watch:
        before = _looked(site.run(look))
        _drain(watch, 2)
        until, written = time.monotonic() + minutes * 60, 0
        while (left := until - time.monotonic()) > 0:
            written += _drain(watch, min(left, 30))
        after = _looked(site.run(look))
    found = {}
    for name, unit in _UNITS.items():
        old, new = before[unit], after[unit]
        found[name] = {
            "wake-ups": new[1] - old[1],
            "resident kB": new[2],
            "proportional kB": new[3],
            "processor ms": (new[4] - old[4]) * 10,
            "faults of children": new[5] - old[5],
            "write calls": new[6] - old[6],
        }
    return {"minutes": minutes, "keys written to the store": written, **found}


def _looked(text: str) -> dict[str, list[int]]:
    rows = (line.split() for line in text.splitlines())
    return {row[0]: [int(one) for one in row[1:]] for row in rows if row}


def _drain(watch: Any, seconds: float) -> int:
    """How many events come in this time."""
    count, until = 0, time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            watch.get(left)
        except TimedOut:
            break
        count += 1
    return count


def in_debian(events: int, minutes: float, megabytes: float) -> Report:
    """Everything in Debian."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-agent-") as scratch,
        debian(Path(scratch)) as (site, helper),
    ):
        found: Report = {"events": events_over_port(site, helper, events)}
        print(json.dumps(found), flush=True)
        if minutes:
            site.run("kill $(cat /tmp/helper.pid)")
            found["idle"] = idle(site, minutes)
            print(json.dumps(found["idle"]), flush=True)
        if megabytes:
            with Client(site.server.socket) as store:
                found["exec"] = executed(Guest(store, HOME), megabytes)
        return found


def on_xen(events: int, megabytes: float) -> Report:
    """Events and exec in a PV guest; the host's side (`bench/in_dom0.py`) runs in dom0."""
    with boot(seconds=600) as host:
        put_checkout(host)
        host.copy_in(os.path.join(ROOT, "bench"), f"{CHECKOUT}/bench")
        agent_visit.prepare(host)
        payload = [f"{CHECKOUT}/src", f"{CHECKOUT}/bench", *agent_visit.PAYLOAD[1:], agent_visit.AGENT]
        with host.start_guest("g", payload=payload, config=agent_visit.CONFIG, seconds=600) as guest:
            site = agent_visit.XenSite(host, guest)
            site.run(
                f"mkdir -p /etc/guestwright; printf '%s' '{scenario.ALLOWED}' >/etc/guestwright/agent.toml"
            )
            site.agent("start")
            scenario.wait(site, "facts", lambda store: "data/updated" in store)
            helper = f"PYTHONPATH={CHECKOUT}/src python3 {CHECKOUT}/bench/addresses.py {site.nic} store"
            site.run(f"ip link set {site.nic} up; {helper} </dev/null >/tmp/helper 2>&1 &")
            scenario.wait(site, "the helper", lambda store: "data/bench/done" in store)
            arguments = f"{guest.domid} {events} {megabytes}"
            script = f"cd {CHECKOUT} && PYTHONPATH=src:. python3 bench/in_dom0.py {arguments}"
            found: Report = json.loads(host.run(script, seconds=7200).text.splitlines()[-1])
            found["resident kB"] = int(site.run("awk '/VmRSS/{print $2}' /proc/$(cat /tmp/agent.pid)/status"))
            return found


def native(events: int, megabytes: float) -> list[Report]:
    """The agent on this machine; each time in a network namespace of its own."""
    found = []
    for kind, delay, window in (
        ("ours", 0, 0),
        ("c", 0, 0),
        ("device", 0, 16),
        ("device", 5, 16),
        ("device", 5, 1),
    ):
        size = megabytes if not delay else megabytes / 20
        arguments = [kind, str(events), str(size), str(delay), str(window)]
        command = ["unshare", "--net", sys.executable, f"{_HERE}/agent_native.py", *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(done.stdout))
        print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="native,debian,xen")
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--json", dest="output")
    args = parser.parse_args()
    report: Report = {}
    if "native" in args.only:
        report["native"] = native(args.events, args.megabytes)
    if "debian" in args.only:
        report["debian"] = in_debian(args.events, args.minutes, args.megabytes)
        print(json.dumps(report["debian"], indent=2), flush=True)
    if "xen" in args.only:
        report["xen"] = on_xen(args.events, args.megabytes)
        print(json.dumps(report["xen"], indent=2), flush=True)
    if args.output:
        Path(args.output).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
