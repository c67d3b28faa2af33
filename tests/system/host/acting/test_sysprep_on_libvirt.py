"""A guest that dies in the middle of its sysprep, as a real libvirt tells it; our real agent is its agent."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from guestwright.host.acting.sysprep import SysprepHost, SysprepRequest, SysprepRun
from guestwright.host.errors import SysprepFailed
from guestwright.host.sysprep.model import Limits
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.spec import When
from guestwright.xenstore.client.client import Client
from tests.support.acting_host import DOMID, kernel_tells
from tests.support.agent_process import HOME, PATIENCE, agent, eventually, made, serving
from tests.support.hypervisors import Bench
from tests.support.libvirtd import NEEDS, Daemon, private_libvirtd
from tests.support.payload_bench import MEMORY

pytestmark = [
    pytest.mark.system,
    NEEDS,
    pytest.mark.skipif(not kernel_tells() and "CI" not in os.environ, reason="the kernel tells of no device"),
]
OWNER = (65534, 65534) if os.geteuid() == 0 else None
CANARY = b"CANARY-dies-5c1e07"


class Wired(LibvirtHypervisor):
    """What is in the CD drive is also at the /dev/sr0 of an agent's root."""

    device: Path

    def insert(self, domain: DomainId, target: str, medium: str, *, when: When = When.NOW) -> None:
        """See `port.Devices`."""
        super().insert(domain, target, medium, when=when)
        self.device.symlink_to(medium)
        tell()

    def eject(self, domain: DomainId, target: str, **options: Any) -> bool:
        """See `port.Devices`."""
        with suppress(FileNotFoundError):
            self.device.unlink()
        return super().eject(domain, target, **options)


def tell() -> None:
    """Have the kernel say that a device has changed."""
    for file in sorted(glob.glob("/sys/block/*/uevent"))[:1]:
        Path(file).write_text("change")


def killed(hypervisor: LibvirtHypervisor, daemon: Daemon, domain: DomainId) -> None:
    name = hypervisor.get(domain).name
    (file,) = Path(daemon.directory, "run").rglob(f"{name}.pid")
    os.kill(int(file.read_text()), signal.SIGKILL)


def destroyed(hypervisor: LibvirtHypervisor, daemon: Daemon, domain: DomainId) -> None:
    del daemon
    hypervisor.stop(domain)


@pytest.mark.parametrize(
    ("end", "failure"), [(killed, "guest-crashed"), (destroyed, "guest-went-down-early")]
)
def test_a_guest_that_dies_half_way(
    end: Callable[[LibvirtHypervisor, Daemon, DomainId], None], failure: str, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    begun = root / "begun"
    script = made(tmp_path / "script", f"#!/bin/sh\ntouch {begun}\nexec sleep 600\n")
    os.makedirs(root / "sys/block/sr0")
    os.makedirs(root / "dev")
    media = tempfile.mkdtemp(prefix="gw-dies-", dir=MEMORY)
    os.chmod(media, 0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, media)
        daemon = stack.enter_context(private_libvirtd())
        hypervisor = Wired(daemon.uri)
        stack.callback(hypervisor.close)
        hypervisor.device = root / "dev/sr0"
        bench = Bench(hypervisor, daemon.directory, real=True)
        domain = bench.start()
        stack.callback(bench.clean)
        address, options = stack.enter_context(serving("ours", tmp_path))
        store = stack.enter_context(Client(address))
        stack.enter_context(agent(options, tmp_path, f'[sysprep]\ncommand = ["{script}"]\n', str(root)))
        store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, PATIENCE)
        host = SysprepHost(
            hypervisor=hypervisor,
            connect=lambda: Client(address),
            directory=media,
            clock=lambda: 1_700_000_000.0,
            owner=OWNER,
        )
        limits = Limits(deadline=300, seen=PATIENCE, answer=PATIENCE)
        request = SysprepRequest(domain=domain, name="web1", domid=DOMID, answers=CANARY, limits=limits)

        def kill() -> None:
            eventually(begun.exists)
            end(hypervisor, daemon, domain)

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(SysprepFailed) as caught:
            SysprepRun(host, request).run()
        thread.join()
        assert caught.value.params["failure"] == failure
        assert os.listdir(media) == []
        assert hypervisor.get(domain).drive("hdc").medium == ""
        assert hypervisor.defined(domain).drive("hdc").medium == ""
        assert store.get(f"{HOME}/control/sysprep/action") is None
