"""Jobs, and the worker that does them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack

from guestwright.base.ids import new_run_id
from guestwright.engine.disks.finish import DiskServices
from guestwright.engine.hosts.addresses import HostAddresses
from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.inventory.database import Database
from guestwright.engine.jobs.dbos_journal import DbosJournal
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.sql_book import SqlBook
from guestwright.engine.jobs.worker import Settings as WorkerSettings
from guestwright.engine.jobs.worker import Worker
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.process.job_news import JobNews
from guestwright.engine.process.kinds import kinds
from guestwright.engine.process.settings import Settings
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.database_inventory import DatabaseInventory


def start_jobs(
    parts: ExitStack,
    settings: Settings,
    database: Database,
    payloads: Payloads,
    addresses: HostAddresses,
    clock: Callable[[], float],
    leads: Callable[[], bool],
) -> Jobs:
    """Begin to take up jobs: new ones, and those that a killed engine left.

    Args:
        parts: where the end of each part is noted.
        settings: of the engine.
        database: the inventory.
        payloads: whose contents hosts get.
        addresses: of hosts.
        clock: seconds since 1970.
        leads: whether this engine passes on news of jobs, of several.

    Raises:
        JobBookUnreachable: the database of jobs does not answer.
    """
    hosts = ClientHosts(addresses, payloads.for_host)
    parts.callback(hosts.close)
    book = SqlBook(settings.jobs_url)
    parts.callback(book.close)
    made: list[Jobs] = []
    services = Services(hosts=hosts, inventory=DatabaseInventory(database))
    disks = DiskServices(database=database, orders=hosts.orders)
    known = kinds(services, disks, lambda: made[0])
    journal = DbosJournal(settings.jobs_url, new_run_id(clock(), os.urandom(10)))
    paces = WorkerSettings(places=settings.places, lease=settings.lease)
    worker = Worker(book, journal, known, settings=paces)
    made.append(Jobs(book, known, wake=worker.wake, clock=clock))
    worker.start()
    parts.callback(worker.close)
    news = JobNews(made[0], database, leads)
    parts.callback(news.stop)
    news.start()
    return made[0]
