"""All that stands beside the service proper, in the order in which it starts."""

from __future__ import annotations

import os
from contextlib import ExitStack

from guestwright.base.record import record
from guestwright.host.acting.claiming import claims
from guestwright.host.acting.sysprep_job import SysprepJobs
from guestwright.host.api.parts import Parts
from guestwright.host.api.server import ApiServer
from guestwright.host.journal import Journal
from guestwright.host.media.payloads import Payloads
from guestwright.host.media.vault import Vault, host_key
from guestwright.host.process.assembly import storage, submitted, sweep
from guestwright.host.process.front import api
from guestwright.host.process.payload_keeper import PayloadKeeper
from guestwright.host.process.sections import read_sections
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.service import Service


@record
class Others:
    """What others than the process itself ask for.

    Attributes:
        payloads: of domains.
        api: listening.
    """

    payloads: Payloads
    api: ApiServer


def start_others(parts: ExitStack, service: Service, journal: Journal, settings: Configuration) -> Others:
    """Start them.

    Args:
        parts: where the end of each is noted.
        service: started.
        journal: of events.
        settings: of all parts.

    Raises:
        GuestwrightError: one cannot be started.
    """
    sections = read_sections(settings)
    keeper = PayloadKeeper(service, journal, settings, sections)
    host = sweep(service, settings, sections, keeper.payloads)
    key = host_key(os.path.join(settings.state, "payloads.key"))
    syspreps = SysprepJobs(host, Vault(os.path.join(settings.state, "syspreps"), key), claims(service))
    stored = storage(parts, service, settings, sections, journal, syspreps)
    parts.callback(keeper.stop)
    keeper.start()
    shown = Parts(
        service=service,
        journal=journal,
        jobs=stored.jobs,
        submitted=submitted(stored),
        storages=stored.domains,
        hypervisor=service.hypervisor,
        connect=service.store.connect,
        payloads=keeper.payloads,
        syspreps=syspreps,
    )
    return Others(payloads=keeper.payloads, api=api(parts, shown, sections))
