"""An HVM guest with an emulated CD on the emulated Xen host, under the host service: what works, how slowly.

    python bench/hvm.py [--json FILE]

The lab's Xen runs in QEMU without hardware's help; here QEMU also emulates AMD's SVM with nested paging, so
that Xen has HVM guests, whose firmware, chipset and drives qemu-system-xen emulates in dom0. That is slow
(the guest's boot is minutes where a PV guest takes seconds) and no part of the tests. libvirt's Xen driver
defines the guest with an empty CD drive; the service in dom0 adopts it, starts it with a payload, hears its
agent, moves its memory, runs a command, gives it a name, and tries a sysprep by a medium in the empty drive.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src"), ROOT]

from lab.xen import toolstack
from lab.xen.host import COMMAND_LINE, KERNEL, Guest, Host, boot
from lab.xen.shell import put_checkout
from tests.machine.xen import agent_visit
from tests.machine.xen.host_visit import AGENT, ServiceSite

NAME = "hvm"
UUID = "6a2f41a3-c54c-4ce8-b2d2-0324e1c32e33"
SECONDS = 1800.0
XML = """\
<domain type="xen">
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit="MiB">256</memory><vcpu>1</vcpu>
  <os><type arch="x86_64" machine="xenfv">hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>{line}</cmdline></os>
  <features><acpi/><apic/><pae/></features>
  <on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/libexec/xen-qemu-system-i386</emulator>
    <disk type="file" device="cdrom"><driver name="qemu" type="raw"/>
      <target dev="hdc" bus="ide"/><readonly/></disk>
    <interface type="bridge"><source bridge="xenbr0"/><mac address="00:16:3e:00:00:0a"/>
      <model type="netfront"/></interface>
    <serial type="pty"><target port="0"/></serial>
    <console type="pty"><target type="serial" port="0"/></console>
  </devices>
</domain>
"""
LOOK = """
cat /sys/hypervisor/guest_type; modprobe -a ata_piix sr_mod isofs
for i in $(seq 100); do [ -e /sys/block/sr1 ] && break; sleep 0.2; done
ls /sys/block; dmesg | sed -n 's/.*\\(Hypervisor detected.*\\|ata.*ATAPI.*\\)/\\1/p'
"""
READ = "mkdir -p /m; mount -t iso9660 -o ro /dev/sr0 /m && cat /m/token.txt; umount /m"
Report = dict[str, Any]


def define(host: Host) -> None:
    """Have virsh define the guest."""
    initrd = f"/var/lab-{NAME}.initramfs"
    host.make_initramfs(initrd, agent_visit.PAYLOAD)
    text = XML.format(name=NAME, uuid=UUID, kernel=KERNEL, initrd=initrd, line=COMMAND_LINE)
    host.run(f"cat >/tmp/hvm.xml; virsh -q -c {toolstack.URI} define /tmp/hvm.xml", data=text.encode())


def use(site: ServiceSite, guest: Guest, report: Report) -> None:
    """What is done with the guest that is up."""
    report["kernel says"] = guest.run(LOOK).text.splitlines()
    report["payload on the CD"] = guest.run(READ).text
    guest.run(AGENT)
    acted = site.step("act", UUID)
    report["system"] = acted["guest"]["facts"]["system"]["value"]["name"]
    report["kinds of facts"] = len(acted["guest"]["facts"])
    report["memory, asked and in the store"] = acted["target"]
    report["command"] = acted["taken"]["status"]
    report["renamed"] = acted["renamed"]
    job = site.step("sysprep_job", UUID)
    report["sysprep"] = job["error"] or job["result"]
    log = "cat /var/log/libvirt/libxl/*.log | grep -i qmp | tail -n 3"
    report["libxl says"] = site.host.run(log, check=False).text.splitlines()


def main() -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    report: Report = {"load": os.getloadavg()}
    with boot(hvm=True, seconds=SECONDS) as host:
        put_checkout(host)
        agent_visit.prepare(host)
        site = ServiceSite(host)
        site.prepare()
        define(host)
        report["Xen has"] = host.run("xl info | sed -n 's/^virt_caps *: //p'").text.strip()
        site.serve()
        start = site.step("start", UUID)
        report["place of the payload"] = start["payloads"][0]["place"]
        begin = time.monotonic()
        guest = toolstack.reach(host, NAME, seconds=SECONDS)
        report["seconds until the guest was up"] = round(time.monotonic() - begin)
        use(site, guest, report)
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
