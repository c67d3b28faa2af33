"""The agent on this very machine: a part of `bench/agent.py`; to be run in a network namespace of its own.

    unshare --net python bench/agent_native.py KIND EVENTS MEGABYTES DELAY WINDOW

KIND is the store: `ours`, `c` (C xenstored), or `device` (C xenstored through what is like Linux' xenbus
device: one message per write). DELAY, in milliseconds, is how long the device takes each way, since guests of
a Xen host have latency that this machine has not; WINDOW is how many requests the agent may have under way
there, 0 for what it has by itself.

A veth pair stands for the guest's VIF 0. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

from bench.addresses import Addresses
from bench.measuring import Report, executed, measure
from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client
from tests.support.agent_process import HOME, agent, serving

_CONFIG = '[features]\nexec = true\n[exec]\ncommands = ["*"]\n'
_NIC = "bench0"
_PRELUDE = f"""
from guestwright.agent.linux import devices
from guestwright.base.record import replace
_nic = devices.nic

def nic(link, files):
    found = _nic(link, files)
    return replace(found, id="vif-0", kind="vif", vif=0) if link.name == "{_NIC}" else found

devices.nic = nic
"""
_WINDOW = """
from guestwright.agent.channel import transport
transport.Xenbus.window = %d
"""


def processor(pid: int) -> float:
    """Milliseconds on a processor so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def main() -> None:
    """Command line; see the module's docstring."""
    kind, events, megabytes = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    delay, window = float(sys.argv[4]) / 1000, int(sys.argv[5])
    for words in (f"link add {_NIC} type veth peer name bench1", "link set bench1 up", f"link set {_NIC} up"):
        subprocess.run(["ip", *words.split()], check=True)
    addresses = Addresses(_NIC)
    prelude = _PRELUDE + (_WINDOW % window if window else "")
    with (
        tempfile.TemporaryDirectory(prefix="bench-agent-") as scratch,
        serving(kind, Path(scratch), delay=delay) as (socket, options),
        Client(socket) as store,
        agent(options, Path(scratch), _CONFIG, prelude=prelude) as (process, _),
    ):
        store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, timeout=60)
        time.sleep(1)  # what the start has left behind

        def ask(command: str) -> None:
            if addresses.perform(command) != "ok":
                raise SystemExit(f"{command}: not done")

        before = processor(process.pid)
        found: Report = {"store": kind, "delay ms": delay * 1000, "window": window or "as it is"}
        if events:
            found["events"] = measure(store, f"{HOME}/attr/vif/0/ipv4", ask, events, quiet=0.05)["event"]
            found["processor ms of a change"] = round((processor(process.pid) - before) / events / 2, 2)
        if megabytes:
            found["exec"] = executed(Guest(store, HOME, patience=60), megabytes)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
