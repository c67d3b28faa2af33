"""Our store on a host without Xen: the server in a thread of this process, and who is who in it.

Theory of operation: a domain gets a number for each life, the next that is free, so that a number is not used
again soon. Which life has which number is kept in the store itself, where guests cannot read it, and so
survives with it: saved when the service stops, in its journal when it is killed. A life is told by the
domain's uuid, the hypervisor's number of the run, and when the socket of the agent's port was made, because
libvirt counts runs from 1 again after some restarts. A guest that reboots begins a new life, as it would on
Xen. What belonged to a life that is over is removed before the next one has a number.

What was saved is of no use when it is damaged: it is put aside, and guests' agents write everything again.
"""

from __future__ import annotations

import json
import math
import os
import socket
import uuid
from collections.abc import Callable
from typing import Any, Final

from guestwright.host.service.kept_server import KeptServer
from guestwright.host.service.layout import create, home, tell
from guestwright.hypervisor.domain import Domain
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import NoSuchPath
from guestwright.xenstore.core.wire import DOMID_FIRST_RESERVED
from guestwright.xenstore.server.errors import UnknownDomain
from guestwright.xenstore.server.link import Link

CHANNEL: Final = "org.guestwright.xenstore.0"
LIVES: Final = "/guestwright/lives"
_LAST: Final = "/guestwright/last"


class OwnStore:
    """A store of our own.

    Args:
        directory: of its socket and its saved state; must not outlive the host.
        failed: called, on the server's thread, when that ends by a fault.

    Raises:
        AlreadyServed: another process serves there.
        BadSocket, StateNotSaved: the directory is not usable.
    """

    kind = "own"
    native = False

    def __init__(self, directory: str, failed: Callable[[BaseException], object]) -> None:
        self._kept = KeptServer(directory, failed)
        self._closed = False
        self.client = Client(self._kept.socket, patience=math.inf)
        self._lives: dict[int, list[Any]] = self._known_lives()
        self._last = int(self.client.get(_LAST) or b"0")

    def connect(self) -> Client:
        """See `stores.Store`."""
        return Client(self._kept.socket)

    def on_closed(self, told: Callable[[int], object]) -> None:
        """Have somebody told, on the server's thread, when a guest's line has ended."""

        def closed(link: Link) -> None:
            if link.guest:
                told(link.connection.domain.domid)

        self._kept.server.traffic.on_closed = closed

    def begin(self, domain: Domain, *, afresh: bool) -> int:
        """See `stores.Store`."""
        birth = _birth(domain)
        for domid, (owner, run, born) in list(self._lives.items()):
            if owner != domain.uuid:
                continue
            if not afresh and run == domain.run and (born == birth or not born or not birth):
                self._note(domid, domain, birth or born)
                self.client.run(tell(domid, domain))
                return domid
            self.end(domid)
        domid = self._free()
        self.client.write(_LAST, str(domid))
        _remove(self.client, home(domid))
        self.client.run(create(domid, domain, str(uuid.uuid4())))
        self._note(domid, domain, birth)
        return domid

    def end(self, domid: int) -> None:
        """See `stores.Store`."""
        self._kept.inside(lambda: self._kept.server.store.domain_destroyed(domid))
        _remove(self.client, home(domid))
        _remove(self.client, f"{LIVES}/{domid}")
        self._lives.pop(domid, None)

    def bury(self, keep: set[int]) -> int:
        """End the lives that are not among these; how many that were."""
        others = [domid for domid in self._lives if domid not in keep]
        for domid in others:
            self.end(domid)
        return len(others)

    def serve(self, domid: int, sock: socket.socket) -> None:
        """Serve a guest at a connected socket; what it says from now on is a new stream."""

        def add() -> None:
            try:
                self._kept.server.add(sock, domid=domid)
            except UnknownDomain:
                sock.close()

        self._kept.server.call(add)

    def disconnect(self, domid: int) -> None:
        """End a guest's line, if there is one; its keys stay."""

        def remove() -> None:
            connection = self._kept.server.store.guest(domid)
            if connection is not None and connection.label is not None:
                self._kept.server.remove(connection.label)

        self._kept.inside(remove)

    def healthy(self) -> bool:
        """See `stores.Store`."""
        return self._kept.alive

    def beat(self) -> None:
        """Wait until the server has taken a turn.

        Raises:
            PartFailed: it does not, or has ended.
        """
        self._kept.inside(lambda: None)

    def close(self) -> None:
        """See `stores.Store`. What was answered is saved."""
        if not self._closed:
            self._closed = True
            self.client.close()
            self._kept.close()

    def _known_lives(self) -> dict[int, list[Any]]:
        """Number to uuid, run, and birth of the port."""
        try:
            numbers = [int(one) for one in self.client.children(LIVES)]
        except NoSuchPath:
            self.client.write("/guestwright", b"")
            self.client.set_perms("/guestwright", ["n0"])
            self.client.write(LIVES, b"")
            return {}
        return {one: json.loads(self.client.read(f"{LIVES}/{one}")) for one in numbers}

    def _note(self, domid: int, domain: Domain, birth: str) -> None:
        life = [domain.uuid, domain.run, birth]
        if self._lives.get(domid) != life:
            self._lives[domid] = life
            self.client.write(f"{LIVES}/{domid}", json.dumps(life))

    def _free(self) -> int:
        while True:
            self._last = self._last % (DOMID_FIRST_RESERVED - 1) + 1
            if self._last not in self._lives:
                return self._last


def _birth(domain: Domain) -> str:
    """What tells the socket of this run's port from that of another run; "" when it is not there yet."""
    channel = domain.channel(CHANNEL)
    if channel is None:
        return ""
    try:
        found = os.stat(channel.path)
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}:{found.st_mtime_ns}"


def _remove(client: Client, path: str) -> None:
    try:
        client.rm(path)
    except NoSuchPath:
        return
