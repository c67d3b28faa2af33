"""A host whose hypervisor is the fake one, and a guest that is our real agent in a process.

Theory of operation: the agent's root is a directory with stand-ins for programs. What the hypervisor puts
into the domain's CD drive is a link at the agent's /dev/sr0, and this machine's kernel is asked to say that
a device has changed. When the guest powers off, the domain ends and its directory in the store goes.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guestwright.host.acting.audit import Actor, AuditLine
from guestwright.host.acting.sysprep import SysprepHost, SysprepRequest
from guestwright.host.capabilities import Power, Situation
from guestwright.host.facts.state import AgentState
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.events import Reason
from guestwright.hypervisor.spec import When
from guestwright.xenstore.client.client import Client
from tests.support.agent_process import HOME, PATIENCE, agent, made, serving
from tests.support.hypervisors import Bench
from tests.support.payload_bench import MEMORY

DOMID = 5


def kernel_tells() -> bool:
    """Whether this machine's kernel can be asked to tell of a device."""
    return any(os.access(file, os.W_OK) for file in glob.glob("/sys/block/*/uevent"))


class WiredHypervisor(FakeHypervisor):
    """The fake, with its first CD drive wired to an agent's root."""

    def wire(self, domain: DomainId, root: Path) -> None:
        """Show this domain's media there from now on."""
        os.makedirs(root / "sys/block/sr0", exist_ok=True)
        os.makedirs(root / "dev", exist_ok=True)
        self.device = root / "dev/sr0"
        self.wired = domain

    def insert(self, domain: DomainId, target: str, medium: str, *, when: When = When.NOW) -> None:
        """See `port.Devices`."""
        super().insert(domain, target, medium, when=when)
        self._show(medium)

    def change(
        self, domain: DomainId, target: str, medium: str, *, force: bool = False, when: When = When.NOW
    ) -> None:
        """See `port.Devices`."""
        super().change(domain, target, medium, force=force, when=when)
        self._show(medium)

    def eject(self, domain: DomainId, target: str, **options: Any) -> bool:
        """See `port.Devices`."""
        out = super().eject(domain, target, **options)
        if out:
            self._show("")
        return out

    def attach_drive(self, domain: DomainId, drive: Any, *, when: When = When.NOW) -> Any:
        """See `port.Devices`."""
        found = super().attach_drive(domain, drive, when=when)
        if when is When.NOW:
            self._show(found.medium)
        return found

    def detach_drive(self, domain: DomainId, target: str, **options: Any) -> None:
        """See `port.Devices`."""
        super().detach_drive(domain, target, **options)
        self._show("")

    def _show(self, medium: str) -> None:
        with suppress(FileNotFoundError):
            self.device.unlink()
        if medium:
            self.device.symlink_to(medium)
        for file in sorted(glob.glob("/sys/block/*/uevent"))[:1]:
            if os.access(file, os.W_OK):
                Path(file).write_text("change")


@dataclass(slots=True)
class ActingHost:
    """All of it.

    Attributes:
        hypervisor: the fake.
        domain: that the agent is in, running.
        address: of the store's socket.
        store: client with the host's rights.
        root: of the guest.
        media: where images of syspreps are.
        audit: lines so far.
        log: what the agent says.
    """

    hypervisor: WiredHypervisor
    bench: Bench
    domain: DomainId
    address: str
    store: Client
    root: Path
    media: str
    log: Path
    audit: list[AuditLine] = field(default_factory=list)

    def connect(self) -> Client:
        """A connection with the host's rights."""
        return Client(self.address)

    def actor(self) -> Actor:
        """Somebody who does something."""
        return Actor(who="tester", domain=self.domain, audit=self.audit.append, clock=lambda: 0.0)

    def sysprep(self, **more: Any) -> SysprepHost:
        """For syspreps."""
        return SysprepHost(
            hypervisor=self.hypervisor,
            connect=self.connect,
            directory=self.media,
            clock=lambda: 1_700_000_000.0,
            **more,
        )

    def request(self, answers: bytes, **more: Any) -> SysprepRequest:
        """A sysprep of the guest as it is."""
        situation = Situation(
            power=Power.RUNNING,
            agent=AgentState.LIVE,
            features={"sysprep": self.get("data/guestwright/features/sysprep") or ""},
            drives=1,
            free_drives=1,
            hotplug=True,
        )
        values = {"domain": self.domain, "name": "web1", "domid": DOMID, "situation": situation}
        return SysprepRequest(answers=answers, **{**values, **more})

    def get(self, path: str) -> str | None:
        """A value of the guest."""
        value = self.store.get(f"{HOME}/{path}")
        return None if value is None else value.decode("utf-8", "replace")

    def power_off_with_guest(self, reason: Reason = Reason.GUEST) -> threading.Thread:
        """End the domain when the guest's own poweroff has run.

        Its directory in the store goes when its medium has gone: no guest is down within the milliseconds
        that a busy host may need to hear its last words.
        """
        done = self.root / "done"

        def work() -> None:
            until = threading.Event()
            ended = False
            for _ in range(int(PATIENCE * 100)):
                if done.exists() and not ended:
                    self.hypervisor.end(self.domain, reason)
                    ended = True
                if ended and not os.listdir(self.media):
                    self.store.rm(HOME)
                    return
                until.wait(0.01)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


@contextmanager
def acting_host(directory: Path, config: str = "", kind: str = "ours", **domain: Any) -> Iterator[ActingHost]:
    """A host and a guest, until the end of the block."""
    root = directory / "root"
    made(root / "sbin/poweroff", f"#!/bin/sh\necho off > {root}/done\n")
    made(root / "etc/hostname", "web1\n", mode=0o644)
    made(root / "etc/hosts", "127.0.1.1 web1\n", mode=0o644)
    hypervisor = WiredHypervisor()
    media = tempfile.mkdtemp(prefix="gw-acting-", dir=MEMORY)
    os.chmod(media, 0o711)
    try:
        with ExitStack() as stack:
            state = stack.enter_context(tempfile.TemporaryDirectory(prefix="gw-fake-"))
            bench = Bench(hypervisor, state, real=False)
            uuid = bench.define(**domain)
            hypervisor.wire(uuid, root)
            hypervisor.start(uuid)
            address, options = stack.enter_context(serving(kind, directory))
            store = stack.enter_context(Client(address))
            _, log = stack.enter_context(agent(options, directory, config, str(root)))
            store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, PATIENCE)
            yield ActingHost(hypervisor, bench, uuid, address, store, root, media, log)
    finally:
        hypervisor.close()
        shutil.rmtree(media)
