"""libvirt in dom0, for what reaches domains by `xen:///system`; its driver knows only what it made itself.

    start_libvirtd(host)
    define_guest(host, "web1", uuid, payload=["/opt/guestwright"])  # then somebody starts it
    with reach(host, "web1") as guest: ...

Theory of operation: Debian's libvirtd, with the Xen driver alone; QEMU's wants users that only its other
packages make, and one driver that fails ends the daemon. The driver looks for a model of the processor, and
every model has "vme", which QEMU's emulation (TCG) lacks: so the oldest model is told to do without.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.xen.host import COMMAND_LINE, KERNEL, Guest, Host, console_log

URI = "xen:///system"
_SECONDS = 300.0  # for libvirtd; 10 on an idle machine
_DRIVERS = "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver"
_PREPARE = f"""
mkdir -p /var/drivers /run/libvirt /var/log/libvirt
for one in {_DRIVERS}/*; do
  case $one in */libvirt_driver_libxl.so) ;; *) mv "$one" /var/drivers/ ;; esac
done
sed -i "/'vme'/d" /usr/share/libvirt/cpu_map/x86_486.xml
"""
_START = f"""
libvirtd -d -p /run/libvirtd.pid
n=0
until virsh -q -c {URI} version; do
  n=$((n + 1)); [ $n -lt 300 ] || {{ cat /var/log/libvirt/libvirtd.log; exit 1; }}
  sleep 0.5
done
"""
_XML = """\
<domain type="xen">
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit="MiB">{memory}</memory><vcpu>1</vcpu>
  <os><type arch="x86_64" machine="xenpv">linux</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>{line}</cmdline></os>
  <on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    {devices}
    <console type="pty"><target type="xen" port="0"/></console>
  </devices>
</domain>
"""


def start_libvirtd(host: Host) -> None:
    """Start it, and wait until it answers.

    Raises:
        LabFailed: it does not, with its log.
    """
    host.run(_PREPARE + _START, seconds=_SECONDS)


def kill_libvirtd(host: Host) -> None:
    """Kill it; domains run on."""
    host.run("pid=$(cat /run/libvirtd.pid); kill -9 $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done")


def resume_libvirtd(host: Host) -> None:
    """Start it again.

    Raises:
        LabFailed: it does not answer, with its log.
    """
    host.run(_START, seconds=_SECONDS)


def define_guest(
    host: Host, name: str, uuid: str, *, memory: int = 256, payload: Sequence[str] = (), devices: str = ""
) -> None:
    """Have virsh define a PV guest, off.

    Args:
        host: whose libvirtd runs.
        name: of the domain.
        uuid: of the domain.
        memory: in MiB.
        payload: absolute paths of dom0 that the guest has under the same names.
        devices: more of libvirt's XML.
    """
    initrd = f"/var/lab-{name}.initramfs"
    host.make_initramfs(initrd, payload)
    text = _XML.format(
        name=name,
        uuid=uuid,
        memory=memory,
        kernel=KERNEL,
        initrd=initrd,
        line=COMMAND_LINE,
        devices=devices,
    )
    host.run(f"cat >/tmp/{name}.xml; virsh -q -c {URI} define /tmp/{name}.xml", data=text.encode())


def reach(host: Host, name: str, *, seconds: float = 180) -> Guest:
    """A guest that somebody has started, when it takes commands.

    Raises:
        LabFailed: it does not in time.
    """
    domid = int(host.run(f"until xl domid {name} 2>/dev/null; do sleep 0.2; done", seconds=seconds).output)
    guest = host.reach_guest(name, domid, seconds=seconds)
    host.run(f": >{console_log(name)}")  # or the next run would seem to have said what this one has
    return guest
