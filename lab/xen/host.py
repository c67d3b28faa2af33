"""A Xen host for tests: hypervisor, Debian's dom0, `xl`, real xenstored, PV guests.

    with boot() as host:
        host.copy_in("src", "/opt/guestwright/src")
        host.run("xl list").output
        with host.start_guest("g1", payload=["/opt/guestwright"]) as guest:
            guest.run("ls -l /dev/xen/xenbus")

Everything has a deadline in seconds. A guest is one kernel and one initramfs: Python, busybox, and the
directories of dom0 that are its payload; it forgets everything when it ends.
"""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from lab.xen import image
from lab.xen.inside.wire import MARK, decode, encode
from lab.xen.machine import LabFailed, Machine

KERNEL = "/lab/guest/kernel"
"""A guest's kernel, in dom0."""
COMMAND_LINE = "console=hvc0 quiet rootfstype=ramfs"
"""What a guest's kernel is told."""
_MEMORY = 1536
_DOM0_MEMORY = 896
_LATE = 124
_GRACE = 30.0
_TAIL = 40
_COPY_DISK = "xvdz"
_INITRAMFS = "/lab/guest/initramfs"
_LEFT_OUT = ("__pycache__", ".pyc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a command. `status`: exit status, negative for a signal, 124 when its time was up."""

    status: int
    output: bytes
    error: bytes

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.output.decode("utf-8", "replace")


def build(*, hvm: bool = False) -> image.Image:
    """The image that `boot` starts; built when the cache has none. As `lab.xen.image.build`."""
    return image.build(hvm=hvm)


def boot(
    *,
    xenstored: str = "xenstored",
    memory: int = _MEMORY,
    dom0_memory: int = _DOM0_MEMORY,
    seconds: float = 180,
    hvm: bool = False,
) -> Host:
    """Build if needed, start a host and wait until its dom0 takes commands.

    Args:
        xenstored: "xenstored" (the C one) or "oxenstored".
        memory: of the machine in MiB.
        dom0_memory: dom0's part of it in MiB; the rest is for guests, and about 150 MiB for Xen.
        seconds: deadline from power-on.
        hvm: with what HVM guests need: nested SVM, and a device model in dom0.

    Raises:
        LabFailed: dom0 did not come up in time.
    """
    machine = Machine(build(hvm=hvm), memory=memory, dom0_memory=dom0_memory, xenstored=xenstored, hvm=hvm)
    try:
        machine.wait_until_ready(seconds)
    except BaseException:
        machine.close()
        raise
    return Host(machine)


class Host:
    """A running host; use it in a `with` statement, or call `close`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    @property
    def uptime(self) -> float:
        """Seconds between dom0's start and its readiness for commands."""
        return float(self._machine.hello["uptime"])

    def run(self, script: str, *, data: bytes = b"", seconds: float = 60, check: bool = True) -> Done:
        """Run a shell script in dom0 as root.

        Args:
            script: for /bin/sh.
            data: its standard input.
            seconds: after which it is killed, with its process group.
            check: raise when its status is not 0.

        Raises:
            LabFailed: no answer at all; or, with `check`, a status other than 0.
        """
        request = {"script": script, "input": data, "seconds": seconds}
        reply = self._machine.ask(request, seconds + _GRACE)
        done = Done(status=reply["status"], output=reply["output"], error=reply["error"])
        if check and done.status:
            raise self._machine.failure(f"dom0: {_complaint(script, done)}")
        return done

    def copy_in(self, source: str, target: str, *, seconds: float = 120) -> None:
        """Copy a file, or a directory's content, from here to dom0 (without compiled Python files).

        Args:
            source: path here.
            target: path in dom0 that the copy gets; directories above it are made.
            seconds: deadline.
        """
        above = shlex.quote(os.path.dirname(target))
        script = f"mkdir -p {above} && tar -C {above} -xf -"
        self.run(script, data=packed(source, target), seconds=seconds)

    def start_guest(
        self,
        name: str = "guest",
        *,
        memory: int = 256,
        payload: Sequence[str] = (),
        config: str = "",
        seconds: float = 180,
    ) -> Guest:
        """Start a PV guest and wait until it takes commands.

        Args:
            name: of the domain.
            memory: in MiB.
            payload: absolute paths of dom0 that the guest has under the same names.
            config: more lines for xl.cfg(5).
            seconds: deadline.

        Raises:
            LabFailed: `xl create` failed, or the guest said nothing in time; with the end of its console.
        """
        base = f"/tmp/lab-{name}"
        text = f'name = "{name}"\ntype = "pv"\nkernel = "{KERNEL}"\nramdisk = "{base}.initramfs"\n'
        text += f'extra = "{COMMAND_LINE}"\nvcpus = 1\non_crash = "destroy"\n'
        text += f"memory = {memory}\n{config}\n"
        self.make_initramfs(f"{base}.initramfs", payload)
        script = f"set -e; cat >{base}.cfg; rm -f {console_log(name)}\n"
        script += f"xl create -q {base}.cfg >&2\nrm {base}.initramfs\nxl domid {name}"
        domid = int(self.run(script, data=text.encode(), seconds=seconds).output)
        return self.reach_guest(name, domid, seconds=seconds)

    def make_initramfs(self, path: str, payload: Sequence[str], *, seconds: float = 180) -> None:
        """Write the initramfs of a guest.

        Args:
            path: in dom0.
            payload: absolute paths of dom0 that the guest has under the same names.
            seconds: deadline.
        """
        chosen = " ".join(shlex.quote(one.strip("/")) for one in payload)
        above = "\n".join(one for each in payload for one in _above(each.strip("/")))
        script = f"set -e; cp {_INITRAMFS} {path}\n"
        if chosen:
            names = f"{{ echo {shlex.quote(above)}; find {chosen}; }}"
            script += f"(cd / && {names} | busybox cpio -o -H newc) >>{path} 2>/dev/null\n"
        self.run(script, seconds=seconds)

    def reach_guest(self, name: str, domid: int, *, seconds: float = 180) -> Guest:
        """Wait until a guest that was started takes commands.

        Args:
            name: of the domain, whose console's log began with this start.
            domid: its number.
            seconds: deadline.

        Raises:
            LabFailed: the guest said nothing in time, or ended; with the end of its console.
        """
        guest = Guest(self, name, domid)
        hello = f"grep -q '{MARK.decode()}.*hello' {console_log(name)}"
        waiting = f"until {hello}; do sleep 0.2; xl domid {name} >/dev/null || exit; done"
        done = self.run(waiting, seconds=seconds, check=False)
        if done.status:
            raise guest.failure(
                f"guest {name} said nothing in {seconds:.0f} s, or ended: {_complaint('', done)}"
            )
        return guest

    def console(self) -> str:
        """All that Xen and dom0 wrote to their console."""
        return self._machine.console()

    def close(self) -> None:
        """Switch the machine off at once. May be called again."""
        self._machine.close()


class Guest:
    """A running PV guest of a host; `with` destroys it at the end."""

    def __init__(self, host: Host, name: str, domid: int) -> None:
        self._host = host
        self.name = name
        self.domid = domid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.destroy()

    def run(self, script: str, *, data: bytes = b"", seconds: float = 60, check: bool = True) -> Done:
        """Run a shell script in the guest as root, over its console. Parameters and errors as `Host.run`.

        A console is slow: some 20 KB a second, compressed. For much data there is `copy_in`.
        """
        request = encode({"id": 0, "script": script, "input": data, "seconds": seconds})
        relay = f"python3 -m lab.xen.inside.relay {self.domid} {seconds + _GRACE / 2}"
        relayed = self._host.run(relay, data=request, seconds=seconds + _GRACE, check=False)
        reply: dict[str, Any] | None = decode(relayed.output.strip(b"\n"))
        if reply is None:
            raise self.failure(f"guest {self.name} did not answer: {_complaint(script, relayed)}")
        done = Done(status=reply["status"], output=reply["output"], error=reply["error"])
        if check and done.status:
            raise self.failure(f"guest {self.name}: {_complaint(script, done)}")
        return done

    def copy_in(self, source: str, target: str, *, seconds: float = 120) -> None:
        """Copy a file, or a directory, from here to the guest, by way of a disk that is plugged in for it."""
        path = f"/tmp/lab-{self.name}.tar"
        disk = f"format=raw,vdev={_COPY_DISK},access=ro,target={path}"
        attach = f"cat >{path}; xl block-attach {self.domid} {disk}"
        self._host.run(attach, data=packed(source, target), seconds=seconds)
        above = shlex.quote(os.path.dirname(target))
        device = f"/dev/{_COPY_DISK}"
        wait = f"until [ -b {device} ]; do sleep 0.1; done; mkdir -p {above} && tar -C {above} -xf {device}"
        self.run(wait, seconds=seconds)
        self._host.run(f"xl block-detach {self.domid} {_COPY_DISK}; rm {path}", seconds=seconds)

    def console(self) -> str:
        """What the guest wrote to its console, without the lab's own messages."""
        done = self._host.run(f"cat {console_log(self.name)}", check=False)
        lines = done.text.replace("\r", "").splitlines()
        return "\n".join(line for line in lines if line and MARK.decode() not in line)

    def failure(self, why: str) -> LabFailed:
        """An error with the last lines of the guest's console."""
        tail = "\n".join(self.console().splitlines()[-_TAIL:])
        return LabFailed(f"{why}\n--- console of guest {self.name}, last {_TAIL} lines:\n{tail}")

    def destroy(self) -> None:
        """End the guest at once, if it still runs."""
        self._host.run(f"xl destroy {self.domid}", check=False)


def packed(source: str, target: str) -> bytes:
    """A tar of a file or a directory, whose names are those below `target`'s directory."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(source, os.path.basename(target), filter=_filter)
    return stream.getvalue()


def console_log(name: str) -> str:
    """Where dom0 keeps what a guest writes to its console; runs of the same name follow each other there."""
    return f"/var/log/xen/console/guest-{name}.log"


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _filter(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if member.name.endswith(_LEFT_OUT):
        return None
    member.uid = member.gid = 0
    return member


def _complaint(script: str, done: Done) -> str:
    said = (done.error + done.output).decode("utf-8", "replace").strip()
    late = " (its time was up)" if done.status == _LATE else ""
    return f"status {done.status}{late} of {script[:300]}\n{said[-4000:]}"
