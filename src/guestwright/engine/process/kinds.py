"""The work that the engine knows, all versions of which there may still be jobs."""

from __future__ import annotations

from collections.abc import Callable

from guestwright.engine.disks.finish import DiskServices, disk_upload
from guestwright.engine.disks.remove import disk_remove
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.model import Kind
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.create import template_create
from guestwright.engine.templates.import_job import template_import
from guestwright.engine.templates.remove import template_remove
from guestwright.engine.vms.create import vm_create
from guestwright.engine.vms.create_many import vm_create_many
from guestwright.engine.vms.remove import vm_remove


def kinds(services: Services, disks: DiskServices, jobs: Callable[[], Jobs]) -> tuple[Kind, ...]:
    """All kinds.

    Args:
        services: what they work with.
        disks: likewise, those of disks.
        jobs: where those that are made of others submit these; asked for when they run.
    """
    return (
        template_create(services),
        template_remove(services),
        template_import(services),
        vm_create(services),
        vm_create_many(jobs),
        vm_remove(services),
        disk_upload(disks),
        disk_remove(services),
    )
