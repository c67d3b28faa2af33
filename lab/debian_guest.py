"""A Debian guest in QEMU, by emulation, that takes commands; its store is a xenstore server of this host.

    with DebianGuest(image, store="/run/x/vm7.port") as guest:
        guest.wait_until_ready(600)
        guest.run("ip address").text
        guest.qmp("device_add", driver="virtio-net-pci", id="nic2", netdev="net2")

Theory of operation: the image is one of `lab.debian`, sealed with our own program, which also puts in the
lab's agent (`lab.xen.inside`) with a unit that starts it on a virtio port. A second port,
"org.guestwright.xenstore.0", is the guest's channel to the store: QEMU connects it to the server's socket,
and again when the server was away. The disk is opened with `snapshot=on`. Kernel and initrd come out of the
image beforehand, because there is no boot loader.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from lab.xen.host import Done
from lab.xen.inside.agent import PORT
from lab.xen.line import Line, NoAnswer

CHANNEL: Final = "org.guestwright.xenstore.0"
NETWORKS: Final = 3
_GRACE: Final = 60.0
_LATE: Final = 124
_TAIL: Final = 4000
_QMP_SECONDS: Final = 30.0
_INSIDE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "xen", "inside")
_UNIT: Final = """\
[Unit]
Description=Takes commands for the lab
[Service]
Environment=PYTHONPATH=/lab
ExecStart=/usr/bin/python3 -m lab.xen.inside.agent guest
[Install]
WantedBy=multi-user.target
"""


class GuestFailed(Exception):
    """The guest did not do what it was asked; the text ends with its console's last lines."""


def seal_options() -> list[str]:
    """Options for `guestwright seal run` that put the lab's agent into an image of `lab.debian`."""
    units = "/etc/systemd/system"
    return [
        *("--mkdir", "/lab/lab/xen", "--copy-in", f"{_INSIDE}:/lab/lab/xen"),
        *("--write", f"{units}/lab.service:{_UNIT}"),
        *("--link", f"{units}/lab.service:{units}/multi-user.target.wants/lab.service"),
    ]


class DebianGuest:
    """A running guest; use it in a `with` statement, or call `close`.

    Args:
        image: raw, sealed with `seal_options`.
        kernel, initrd, root: what `tests.support.boot.take_kernel` found in it.
        store: path of the server's socket for this guest; "" for a guest without a channel.
        memory: MiB.
        networks: how many NICs it has from the start; `NETWORKS` networks exist for more.
        ports: names of more virtio ports, and the sockets here that QEMU makes for them.
    """

    def __init__(
        self,
        image: str,
        *,
        kernel: str,
        initrd: str,
        root: str,
        store: str = "",
        memory: int = 512,
        networks: int = 1,
        ports: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = tempfile.mkdtemp(prefix="lab-debian-guest-")
        self._console, self._said = self._path("console"), self._path("qemu")
        self._line = Line(self._path("line"), lambda: self._process.poll() is None)
        devices = [
            *("-drive", f"file={image},format=raw,if=virtio,snapshot=on"),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=line,path={self._path('line')}"),
            *("-device", f"virtserialport,chardev=line,name={PORT}"),
        ]
        if store:
            devices += ["-chardev", f"socket,id=store,path={store},reconnect=1"]
            devices += ["-device", f"virtserialport,chardev=store,name={CHANNEL}"]
        for number, (name, path) in enumerate((ports or {}).items()):
            devices += ["-chardev", f"socket,id=more{number},path={path},server=on,wait=off"]
            devices += ["-device", f"virtserialport,chardev=more{number},name={name}"]
        for number in range(NETWORKS):
            devices += ["-netdev", f"hubport,id=net{number},hubid={number}"]
        for number in range(networks):
            mac = f"52:54:00:00:00:{number:02x}"
            devices += ["-device", f"virtio-net-pci,id=nic{number},netdev=net{number},mac={mac},romfile="]
        argv = [
            *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"),
            *("-machine", "pc,accel=tcg", "-smp", "1", "-m", str(memory)),
            *("-nodefaults", "-no-reboot", "-display", "none", "-serial", f"file:{self._console}"),
            *("-qmp", f"unix:{self._path('qmp')},server=on,wait=off", "-kernel", kernel, "-initrd", initrd),
            *("-append", f"root=UUID={root} ro console=ttyS0 quiet systemd.show_status=no mitigations=off"),
            *devices,
        ]
        with open(self._said, "wb") as said:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self._line.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def wait_until_ready(self, seconds: float) -> float:
        """Wait until it takes commands; seconds between its kernel's start and then.

        Raises:
            GuestFailed: see there.
        """
        try:
            self._line.wait_until_ready(seconds)
        except NoAnswer as error:
            raise self._failure(f"the guest said nothing: {error}") from None
        return float(self._line.hello["uptime"])

    def run(self, script: str, *, data: bytes = b"", seconds: float = 60, check: bool = True) -> Done:
        """Run a shell script in the guest as root; parameters as of `lab.xen.host.Host.run`.

        Raises:
            GuestFailed: no answer at all; or, with `check`, a status other than 0.
        """
        request = {"script": script, "input": data, "seconds": seconds}
        try:
            reply = self._line.ask(request, seconds + _GRACE)
        except NoAnswer as error:
            raise self._failure(f"no answer to {script[:300]}: {error}") from None
        done = Done(status=reply["status"], output=reply["output"], error=reply["error"])
        if check and done.status:
            late = " (its time was up)" if done.status == _LATE else ""
            said = (done.error + done.output).decode("utf-8", "replace")[-_TAIL:]
            raise self._failure(f"status {done.status}{late} of {script[:300]}\n{said}")
        return done

    def qmp(self, command: str, **arguments: Any) -> Any:
        """Ask QEMU, for example to plug a device in; what it returned.

        Raises:
            GuestFailed: QEMU said no.
        """
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_QMP_SECONDS)
            line.connect(self._path("qmp"))
            with line.makefile("rwb") as stream:
                stream.readline()
                for name, values in (("qmp_capabilities", {}), (command, arguments)):
                    body = {"execute": name, **({"arguments": values} if values else {})}
                    stream.write(json.dumps(body).encode() + b"\n")
                    stream.flush()
                    answer = self._answer(stream)
        return answer

    def console(self) -> str:
        """What came over its serial port."""
        return _text(self._console)

    def close(self) -> None:
        """Switch it off at once. May be called again."""
        self._process.kill()
        self._process.wait()
        self._line.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answer(self, stream: Any) -> Any:
        while True:
            message = json.loads(stream.readline())
            if "error" in message:
                raise self._failure(f"QEMU: {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _failure(self, why: str) -> GuestFailed:
        return GuestFailed(f"{why}\n--- QEMU:\n{_text(self._said)}\n--- console:\n{self.console()[-_TAIL:]}")


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read().replace("\r", "")
