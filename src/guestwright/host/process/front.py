"""The API, put together from the operations of all parts."""

from __future__ import annotations

import os
from contextlib import ExitStack

from prometheus_client import CollectorRegistry

from guestwright.host.api.callers import Access
from guestwright.host.api.figures import HostCollector
from guestwright.host.api.operations.everything import all_endpoints
from guestwright.host.api.parts import Parts
from guestwright.host.api.server import ApiServer
from guestwright.host.api.tally import Tally
from guestwright.host.enrol.authority import Authority
from guestwright.host.process.sections import Sections


def api(parts: ExitStack, shown: Parts, sections: Sections) -> ApiServer:
    """The API, listening.

    Args:
        parts: where its end is noted.
        shown: what it shows.
        sections: settings.

    Raises:
        CannotListen, NoServerCertificate: see `ApiServer.start`.
    """
    registry = CollectorRegistry()
    tally = Tally(registry)
    registry.register(HostCollector(shown.service, shown.journal, shown.jobs))
    server = ApiServer(
        all_endpoints(shown, tally),
        shown.journal,
        unix=sections.socket,
        access=Access(owner=os.geteuid(), group=sections.group),
        registry=registry,
        tally=tally,
        tls=sections.tls,
        authority=None if sections.tls is None else Authority(sections.authority),
    )
    parts.callback(server.stop)
    server.start()
    return server
