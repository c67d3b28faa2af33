"""The agent in a PV guest of a real Xen host: what the visit to that host does with it.

The guest is saved and restored on the way, as a migration does it: it gets another domain and an empty store.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Final

from guestwright.agent.package import pyz
from lab.xen.host import Guest, Host
from lab.xen.shell import CHECKOUT
from tests.machine.agent import scenario
from tests.machine.agent.checks import EXEC_LINE
from tests.machine.agent.scenario import Seen, Store

AGENT: Final = f"{CHECKOUT}/agent.pyz"
_ETC: Final = ("os-release", "machine-id", "debian_version", "timezone")
PAYLOAD: Final = [CHECKOUT, "/usr/lib/os-release", *(f"/etc/{name}" for name in _ETC)]
CONFIG: Final = 'vif = ["mac=00:16:3e:00:00:01,bridge=xenbr0"]\n'
_EXCHANGED: Final = ("data/question", "data/exchange")  # left by what `exchange.py` did before
_LENGTH: Final = 256 << 10
_MOVING: Final = 300.0  # seconds; 20 on an idle machine
_LINE: Final = re.compile(r'^/local/domain/\d+/(\S+) = "(.*)"$', re.MULTILINE)
_CALL: Final = f"""
import hashlib, json, sys
from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client
with Client("/run/xenstored/socket") as store:
    script = "yes {EXEC_LINE.decode().strip()} | head -c {_LENGTH}"
    done = Guest(store, "/local/domain/" + sys.argv[1], patience=60).run(["/bin/sh", "-c", script])
said = {{"how": done.how, "bytes": len(done.out), "errors": repr(done.err[:200])}}
print(json.dumps({{"status": done.status, "sha256": hashlib.sha256(done.out).hexdigest(), **said}}))
"""


def prepare(host: Host) -> None:
    """Before guests start: the agent, and a bridge for their NICs."""
    bridge = "ip link add xenbr0 type bridge; ip link set xenbr0 up"
    facts = f"echo {'5' * 32} >/etc/machine-id; echo Etc/UTC >/etc/timezone"
    host.run(f"cat >{AGENT}; {bridge}; {facts}", data=pyz.build())


class XenSite:
    """The guest and dom0, for the scenario."""

    nic = "eth0"
    kind = "vif"

    def __init__(self, host: Host, guest: Guest) -> None:
        self.host = host
        self.guest = guest

    def run(self, script: str) -> str:
        """Run a script in the guest."""
        return self.guest.run(script).text

    def store(self) -> Store:
        """The guest's part of the store."""
        return dict(_LINE.findall(self.host.run(f"xenstore-ls -f /local/domain/{self.guest.domid}").text))

    def plug(self, mac: str) -> None:
        """Plug a NIC in. xl gives its scripts 10 s, which a busy machine may exceed once."""
        attach = f"xl network-attach {self.guest.domid} mac={mac} bridge=xenbr0"
        self.host.run(f"{attach} || {{ xl network-detach {self.guest.domid} 1; {attach}; }}")

    def unplug(self) -> None:
        """Pull it out."""
        self.host.run(f"xl network-detach {self.guest.domid} 1")

    def agent(self, verb: str) -> None:
        """Start, or kill, the agent."""
        start = f"python3 -I -S -E {AGENT} >>/tmp/agent.log 2>&1 </dev/null & echo $! >/tmp/agent.pid"
        self.run("kill -9 $(cat /tmp/agent.pid)" if verb == "kill" else start)

    def move(self) -> None:
        """Save the guest and restore it."""
        path = "/var/moved"
        name = shlex.quote(self.guest.name)
        script = f"xl save {name} {path} >&2 && xl restore {path} >&2 && rm {path} && xl domid {name}"
        self.guest.domid = int(self.host.run(script, seconds=_MOVING).output)


def visit(host: Host, guest: Guest) -> Seen:
    """All that is done with the agent; what the host saw."""
    here = XenSite(host, guest)
    here.run("hostname lab-guest")
    here.agent("start")
    seen = scenario.play(here)
    before = here.store()
    here.move()
    there = scenario.wait(
        here,
        "the agent in another domain",
        lambda store: "data/updated" in store and scenario.addresses(store, "br0"),
    )
    seen["reconnected"] = {"moved": (_without_devices(before), _without_devices(there))}
    seen["exec"] = _exec(here)
    seen["resident"] = int(here.run("awk '/VmRSS/{print $2}' /proc/$(cat /tmp/agent.pid)/status"))
    return seen


def _without_devices(store: Store) -> Store:
    """What the agent writes."""
    ours = ("data/", "attr/", "drivers/", "control/feature-balloon")
    return {path: value for path, value in store.items() if path.startswith(ours) and path not in _EXCHANGED}


def _exec(here: XenSite) -> dict[str, Any]:
    script = f"PYTHONPATH={CHECKOUT}/src python3 -c {shlex.quote(_CALL)} {here.guest.domid}"
    done: dict[str, Any] = json.loads(here.host.run(script, seconds=_MOVING).text)
    return {**done, "length": _LENGTH}
