"""What stands beside the service proper: what a killed one has left, storage and jobs."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from typing import Final

from guestwright.host.acting.define_job import DEFINE, UNDEFINE, DefineJobs
from guestwright.host.acting.drive import Lender
from guestwright.host.acting.migration_job import MigrationJobs
from guestwright.host.acting.sysprep import SysprepHost, sweep_sysprep
from guestwright.host.acting.sysprep_job import SysprepJobs
from guestwright.host.jobs.model import Job
from guestwright.host.journal import Journal
from guestwright.host.process.sections import Sections
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.service import Service
from guestwright.host.volumes.kinds import kinds
from guestwright.host.volumes.storage import Storage

JOB_CHANGED: Final = "job-changed"
_LOG: Final = logging.getLogger(__name__)


def sweep(service: Service, configuration: Configuration, sections: Sections, lender: Lender) -> SysprepHost:
    """Clean up what syspreps of a killed service have left.

    Args:
        service: started.
        configuration: of directories.
        sections: whose the images are.
        lender: who may spare a drive.

    Returns:
        What the next syspreps need.
    """
    host = SysprepHost(
        hypervisor=service.hypervisor,
        connect=service.store.connect,
        directory=os.path.join(configuration.runtime, "sysprep"),
        clock=time.time,
        owner=sections.owner,
        lender=lender,
    )
    running = [one.domid for one in service.domains() if one.domid is not None]
    swept = sweep_sysprep(host, running)
    for problem in swept.problems:
        _LOG.warning("left by a former sysprep: %s", problem)
    if swept.images:
        _LOG.info("%d images of former syspreps are destroyed", swept.images)
    return host


def storage(
    parts: ExitStack,
    service: Service,
    configuration: Configuration,
    sections: Sections,
    journal: Journal,
    syspreps: SysprepJobs,
) -> Storage:
    """Storage domains and jobs, at work."""

    def changed(job: Job) -> None:
        journal.publish(JOB_CHANGED, job.id, {"kind": job.kind, "status": job.status})

    domains = DefineJobs(service, service.hypervisor, lambda: made.domains, emulate=configuration.emulate)
    made = Storage(
        configuration.state,
        sections.storage,
        [syspreps.kind, MigrationJobs(service).kind, *domains.kinds],
        threads=sections.threads,
        changed=changed,
    )
    parts.callback(made.stop)
    made.start()
    syspreps.sweep({one.id for one in made.jobs.all() if not one.status.ended})
    return made


def submitted(stored: Storage) -> tuple[str, ...]:
    """Kinds of jobs that a caller may submit as they are."""
    return (*(one.name for one in kinds(stored.domains)), DEFINE, UNDEFINE)
