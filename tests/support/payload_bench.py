"""Payloads on a fake hypervisor, in directories of a test's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from guestwright.host.media.following import Following
from guestwright.host.media.model import Entry
from guestwright.host.media.payloads import Payloads
from guestwright.host.media.shelf import Shelf
from guestwright.host.media.vault import Vault, host_key
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.events import Event, Subscription
from guestwright.media.image import ImageFile, contents, lookup
from guestwright.media.read import read_medium
from guestwright.media.sources import files, nocloud
from guestwright.media.sources.model import Input, Payload
from tests.support.hypervisors import Bench

CANARY = "CANARY-payload-5f2a91c07be4"
MEMORY = "/dev/shm"


def cloud(secret: str = CANARY) -> Payload:
    """A NoCloud payload with a secret in it."""
    text = f"#cloud-config\npassword: {secret}\n".encode()
    return nocloud.build(user_data=Input(name="user-data", data=text), instance_id="i-1", hostname="web1")


def plain(secret: str = CANARY) -> Payload:
    """A file with a secret in it."""
    return files.build([("token.txt", Input(name="token", data=secret.encode()))])


def on_medium(path: str, name: str) -> bytes:
    """A file on an image."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        medium = read_medium(ImageFile(descriptor))
        return b"".join(contents(medium, lookup(medium, name)))
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class PayloadBench:
    """A host.

    Attributes:
        hypervisor: the fake.
        state: directory of what is kept.
        run: directory of images, in memory.
        told: entries that have changed.
        events: of the hypervisor, not yet followed.
    """

    hypervisor: FakeHypervisor
    state: str
    run: str
    bench: Bench
    payloads: Payloads = field(init=False)
    following: Following = field(init=False)
    told: list[Entry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    place: Subscription = field(init=False)

    def __post_init__(self) -> None:
        self.open()
        self.place = self.hypervisor.subscribe(self.events.append)

    def open(self) -> None:
        """Start the service's part, as after a kill."""
        vault = Vault(os.path.join(self.state, "payloads"), host_key(os.path.join(self.state, "key")))
        self.payloads = Payloads(
            self.hypervisor,
            vault,
            Shelf(self.run),
            clock=lambda: 1_700_000_000.0,
            randomness=lambda count: b"\1" * count,
            told=self.told.append,
        )
        self.following = Following(self.payloads)

    def medium(self, domain: DomainId, entry: Entry) -> str:
        """What is in the payload's drive now."""
        assert entry.place is not None
        return self.hypervisor.get(domain).drive(entry.place.target).medium

    def images(self) -> list[str]:
        """Images that are there."""
        return sorted(os.listdir(self.run))


@contextmanager
def payload_bench(
    uri: str = "fake:///", neighbours: dict[str, object] | None = None, run: str = ""
) -> Iterator[PayloadBench]:
    """A host with a fake hypervisor."""
    state = tempfile.mkdtemp(prefix="gw-payloads-", dir=MEMORY)  # it is synced often, and disks are slow
    images = run or os.path.join(tempfile.mkdtemp(prefix="gw-images-", dir=MEMORY), "media")
    hypervisor = FakeHypervisor(uri, neighbours)  # type: ignore[arg-type]  # worlds, which only the fake knows
    try:
        yield PayloadBench(hypervisor, state, images, Bench(hypervisor, state, real=False))
    finally:
        hypervisor.close()
        shutil.rmtree(state)
        shutil.rmtree(images if run else os.path.dirname(images), ignore_errors=True)
