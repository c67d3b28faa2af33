"""The engine's API, listening, over a real service of a host with one storage domain; and disks' files."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.model import Host, StorageDomain
from tests.support import real_hosts
from tests.support.engine_api import ApiStand, listening, standing
from tests.support.inventories import some_id

STORAGE = real_hosts.STORAGE
GIB = 1 << 30


@dataclass
class DiskStand:
    """All of it.

    Attributes:
        api: the engine's API and what is behind it; its worker runs.
        host: id of the host.
        url: of the engine.
        token: of an operator.
        place: of the host's files.
    """

    api: ApiStand
    host: str
    url: str
    token: str
    place: Path
    services: ExitStack = field(default_factory=ExitStack)

    def stop_host(self) -> None:
        """End the service of the host."""
        self.services.close()

    def start_host(self) -> None:
        """Start it, again."""
        self.services.enter_context(real_hosts.process(self.place))

    def token_of(self, role: Role) -> str:
        """A token of a new user."""
        return self.api.token(self.api.user(f"user-{some_id()[-6:]}", role), 86400.0)

    def wanted(self, **more: Any) -> dict[str, Any]:
        """An upload of a raw disk of 1 MiB."""
        size = more.pop("size", 1 << 20)
        given = {"name": "root", "host": self.host, "storage": STORAGE, "format": "raw"}
        return {**given, "size": size, "file_size": size, **more}

    def volumes(self) -> dict[str, Any]:
        """What lies on the host."""
        return dict(real_hosts.volumes(self.place))


@contextmanager
def disk_stand(directory: Path) -> Iterator[DiskStand]:
    """A stand while the block lasts.

    Args:
        directory: for the engine's files.
    """
    with ExitStack() as stack:
        place = stack.enter_context(real_hosts.short_directory())
        api = stack.enter_context(standing(directory))
        host = record_host(api, place)
        url = stack.enter_context(listening(api)).removesuffix("/api/v1")
        stand = DiskStand(api, host, url, "", place)
        stack.callback(stand.stop_host)
        stand.start_host()
        stand.token = stand.token_of(Role.OPERATOR)
        api.worker.start()
        yield stand


def record_host(api: ApiStand, place: Path) -> str:
    """The host in the inventory, as following it would have it there."""
    with api.parts.database.write() as tx:
        host = tx.hosts.add(Host(id=some_id(), name="one", address=f"unix:{place}/run/api.sock"))
        storage = tx.storage.add(StorageDomain(id=some_id(), host_id=host.id, name=STORAGE))
        connected = states.HostEvent.CONNECTED
        tx.storage.move(storage.id, states.STORAGE, connected, capacity=8 * GIB, free=2 * GIB)
    return host.id


def contents(size: int, seed: int = 1) -> bytes:
    """Bytes that look like nothing, with holes of zeros in between."""
    chosen = random.Random(seed)
    parts = [chosen.randbytes(65536) if chosen.random() < 0.5 else bytes(65536) for _ in range(size >> 16)]
    return b"".join(parts) + chosen.randbytes(size & 65535)


def sparse(path: Path, size: int, seed: int = 1) -> bytes:
    """A file of holes with a few bytes in between, the last of them at its end; gives these."""
    mark = random.Random(seed).randbytes(4096)
    with path.open("wb") as file:
        for at in range(0, size, size // 4):
            os.pwrite(file.fileno(), mark, at)
        os.pwrite(file.fileno(), mark, size - len(mark))
    return mark


def memory_peak(process: int) -> int:
    """Most bytes of memory that a process has had since the last time that this was asked."""
    place = Path(f"/proc/{process}")
    for line in (place / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            (place / "clear_refs").write_text("5")  # proc(5): the peak begins anew
            return int(line.split()[1]) << 10
    raise AssertionError("the kernel tells no peak")
