"""The host service in dom0 of a real Xen host: what the visit to that host does with it.

Theory of operation: libvirt's Xen driver and the service run in dom0; virsh defines a domain that the service
adopts. `in_dom0` asks the service by its API, one step in each process; in between the lab looks into the
guest by its console. The service's dependencies are those of this interpreter, copied. The steps and the
guest's boots are in an order that needs three boots.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from importlib.util import find_spec
from typing import Any, Final

from lab.xen import toolstack
from lab.xen.host import Guest, Host
from lab.xen.machine import LabFailed
from lab.xen.shell import CHECKOUT
from tests.machine.xen import agent_visit, in_dom0

UUID: Final = "6a2f41a3-c54c-4ce8-b2d2-0324e1c32e22"
NAME: Final = "served"
SECONDS: Final = 600.0  # for one step; some on an idle machine
_SITE: Final = "/opt/site"
_LOG: Final = "/var/log/guestwright.log"
_NEEDED: Final = (
    *("anyio", "cffi", "_cffi_backend", "click", "cryptography", "h11", "idna", "msgspec"),
    *("prometheus_client", "pycparser", "starlette", "typing_extensions", "uvicorn", "yaml"),
)
_NIC: Final = (
    '<interface type="bridge"><source bridge="xenbr0"/><mac address="00:16:3e:00:00:09"/></interface>'
)
_SETTINGS: Final = b"""\
[hypervisor]
uri = "xen:///system"
[log]
format = "text"
[allow]
operations = ["exec", "set-hostname"]
"""
_PYTHON: Final = f"PYTHONPATH={CHECKOUT}/src:{_SITE} python3"
_SERVE: Final = f"""
cd /; setsid env {_PYTHON} -m guestwright.cli host serve >>{_LOG} 2>&1 </dev/null & echo $! >/run/service.pid
until [ "$(grep -c 'ready after' {_LOG})" = COUNT ]; do
  kill -0 $(cat /run/service.pid) || {{ cat {_LOG}; exit 1; }}
  sleep 0.3
done
"""
AGENT: Final = f"""
mkdir -p /etc/guestwright
cat >/etc/guestwright/agent.toml <<END
[features]
exec = true
[exec]
commands = ["*"]
[sysprep]
command = ["/tmp/personalise"]
END
chmod 600 /etc/guestwright/agent.toml
printf '#!/bin/sh -e\\ngrep -q ^secret=CANARY-xen "$1"\\n' >/tmp/personalise
chmod 755 /tmp/personalise
python3 -I -S -E {agent_visit.AGENT} >>/tmp/agent.log 2>&1 </dev/null &
"""
_READ: Final = "modprobe isofs; mkdir /m; mount -t iso9660 -o ro /dev/xvda /m && cat /m/token.txt; umount /m"
_MAXMEM: Final = "xl debug-keys q; xl dmesg | sed -n 's/.*max_pages=//p' | tail -n 1"
Seen = dict[str, Any]


class ServiceSite:
    """Dom0 with the service.

    Args:
        host: with the agent's archive and the checkout (`agent_visit.prepare`, `put_checkout`).
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._starts = 0

    def prepare(self) -> None:
        """libvirtd, the service's dependencies and settings, a domain that virsh defines."""
        toolstack.start_libvirtd(self.host)
        with tempfile.TemporaryDirectory(prefix="xen-site-") as scratch:
            for name in _NEEDED:
                _copy(name, scratch)
            self.host.copy_in(scratch, _SITE)
        self.host.copy_in(in_dom0.__file__, f"{CHECKOUT}/in_dom0.py")
        self.host.run("mkdir -p /etc/guestwright; cat >/etc/guestwright/host.toml", data=_SETTINGS)
        toolstack.define_guest(self.host, NAME, UUID, payload=agent_visit.PAYLOAD, devices=_NIC)

    def serve(self) -> None:
        """Start the service, and wait until it is ready."""
        self._starts += 1
        self.host.run(_SERVE.replace("COUNT", str(self._starts)), seconds=SECONDS)

    def step(self, name: str, uuid: str = UUID) -> Seen:
        """A step of `in_dom0` with a domain."""
        done = self.host.run(f"{_PYTHON} {CHECKOUT}/in_dom0.py {uuid} {name}", seconds=SECONDS, check=False)
        if done.status:
            log = self.host.run(f"tail -n 40 {_LOG}").text
            raise LabFailed(f"step {name}: {done.error.decode()[-2000:]}\n--- the service:\n{log}")
        seen: Seen = json.loads(done.text)
        return seen

    def guest(self) -> Guest:
        """The guest of the present run, with its agent started."""
        guest = toolstack.reach(self.host, NAME, seconds=SECONDS)
        guest.run(AGENT)
        return guest


def visit(host: Host) -> Seen:
    """All that is done with the service; what was seen."""
    site = ServiceSite(host)
    site.prepare()
    site.serve()
    seen: Seen = {"start": site.step("start")}
    guest = site.guest()
    seen["payload"] = guest.run(_READ).text
    seen["act"] = site.step("act")
    seen["limit"] = int(host.run(_MAXMEM).output)
    host.run("kill -9 $(cat /run/service.pid)")
    site.serve()
    toolstack.kill_libvirtd(host)
    toolstack.resume_libvirtd(host)
    seen["again"] = site.step("again")
    seen["reboot"] = site.step("reboot")
    site.guest()
    seen["sysprep"] = site.step("sysprep")
    host.run(f"virsh -q -c {toolstack.URI} start {NAME}", seconds=SECONDS)
    site.guest()
    seen["live"] = site.step("again")
    toolstack.kill_libvirtd(host)
    host.run(f"xl destroy {NAME}")
    seen["lost"] = site.step("lost")
    toolstack.resume_libvirtd(host)
    seen["found"] = site.step("found")
    seen["log"] = host.run(f"cat {_LOG}").text
    return seen


def _copy(name: str, target: str) -> None:
    """A package, or a module of one file, out of this interpreter's."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    if spec.submodule_search_locations:
        shutil.copytree(os.path.dirname(spec.origin), os.path.join(target, name))
    else:
        shutil.copy(spec.origin, target)
