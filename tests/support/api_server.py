"""The API over a scripted host, listening for real; and a client that is not ours."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry

from guestwright.host.api.callers import Access
from guestwright.host.api.endpoint import Endpoint
from guestwright.host.api.figures import HostCollector
from guestwright.host.api.listening import Address
from guestwright.host.api.operations.domains import domain_endpoints
from guestwright.host.api.operations.host import event_endpoints, host_endpoints
from guestwright.host.api.operations.jobs import job_endpoints
from guestwright.host.api.server import ApiServer
from guestwright.host.api.tally import Tally
from guestwright.host.enrol.authority import Authority
from guestwright.host.enrol.certificates import Bundle
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.journal import Journal
from guestwright.host.volumes.kinds import kinds as volume_kinds
from tests.support.host_service import ScriptedHost

PATIENCE = 60.0


@dataclass
class Running:
    """A server and what is behind it."""

    server: ApiServer
    host: ScriptedHost
    journal: Journal
    unix: str
    authority: Authority | None

    def client(self) -> httpx2.Client:
        """On the unix socket."""
        transport = httpx2.HTTPTransport(uds=self.unix)
        return httpx2.Client(transport=transport, base_url="http://host", timeout=PATIENCE)


@contextmanager
def serving(
    directory: Path,
    *,
    access: Access | None = None,
    tls: bool = False,
    jobs: Jobs | None = None,
    journal: Journal | None = None,
    host: ScriptedHost | None = None,
    submitted: tuple[str, ...] = (),
    more: tuple[Endpoint, ...] = (),
) -> Iterator[Running]:
    """Serve while the block lasts.

    Args:
        directory: for the socket and the authority; it is short enough for a unix socket.
        access: who may; the present user without it.
        tls: whether to listen at 127.0.0.1, too, with a new authority.
        jobs: whose operations to offer.
        journal: to be used; a new one without it.
        host: likewise.
        submitted: kinds of jobs that may be, besides those of volumes.
        more: further operations.
    """
    journal = journal or Journal()
    host = host or ScriptedHost()
    registry = CollectorRegistry()
    tally = Tally(registry)
    registry.register(HostCollector(host, journal, jobs))
    authority = None
    if tls:
        authority = Authority(str(directory / "pki"))
        now = os.stat(directory).st_mtime
        authority.create("host1", now)
        authority.server(["localhost", "127.0.0.1"], now)
    endpoints = (*host_endpoints(host), *event_endpoints(journal, tally), *domain_endpoints(host), *more)
    server = ApiServer(
        (
            *endpoints,
            *(
                ()
                if jobs is None
                else job_endpoints(jobs, [*submitted, *(one.name for one in volume_kinds({}))])
            ),
        ),
        journal,
        unix=str(directory / "api.sock"),
        access=access or Access(owner=os.geteuid()),
        registry=registry,
        tally=tally,
        tls=Address(host="127.0.0.1", port=0) if tls else None,
        authority=authority,
    )
    server.start()
    try:
        yield Running(
            server=server, host=host, journal=journal, unix=str(directory / "api.sock"), authority=authority
        )
    finally:
        host.go.set()
        server.stop()


def put(directory: Path, bundle: Bundle) -> Path:
    """A bundle as files: `client.pem` with certificate and key, `authority.pem`."""
    directory.mkdir(exist_ok=True)
    (directory / "client.pem").write_bytes(bundle.certificate + bundle.key.reveal().encode())
    (directory / "authority.pem").write_bytes(bundle.authority)
    return directory


def context(directory: Path) -> ssl.SSLContext:
    """The context of somebody with such files."""
    made = ssl.create_default_context(cafile=str(directory / "authority.pem"))
    made.load_cert_chain(directory / "client.pem")
    return made
