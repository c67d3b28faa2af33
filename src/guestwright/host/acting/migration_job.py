"""A domain's move to another host, as a job: it may take long, and outlives who asked for it.

Theory of operation: the hypervisors talk to each other; the job waits, and calls the move off when it is
cancelled or the service ends. The end of the move counts, not the wish: one that was called off too late is
done. When the service was killed meanwhile, the next one looks: a domain that is gone has moved, for one that
is still here the move is called off and begun again. Payloads go before the domain, by the API
(`host.media.moving`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Final

from guestwright.base.progress import Step
from guestwright.base.record import asdict
from guestwright.host.jobs.errors import BadJob, Cancelled, JobError, ServiceEnding
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import Job, Restart
from guestwright.host.service.port import HostService
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound, HypervisorError, MigrationCancelled
from guestwright.hypervisor.spec import Migration

NAME: Final = "domain.migrate"
_LOOK: Final = 0.2  # seconds between two looks at whether the job is still wanted


class MigrationJobs:
    """Submits and runs them.

    Args:
        service: moves domains.
    """

    def __init__(self, service: HostService) -> None:
        self._service = service

    @property
    def kind(self) -> Kind:
        """For the jobs of the host."""
        return Kind(name=NAME, run=self._run, restart=Restart.RESUME)

    def submit(self, jobs: Jobs, domain: DomainId, how: Migration) -> Job:
        """Begin one.

        Args:
            jobs: of the host, with `kind` among theirs.
            domain: to be moved.
            how: see there.

        Raises:
            TooManyJobs: it is not begun.
        """
        return jobs.submit(NAME, {"domain": str(domain), "how": asdict(how)})

    def _run(self, work: Work) -> Any:
        try:
            domain, how = work.job.parameters["domain"], Migration(**work.job.parameters["how"])
        except (KeyError, TypeError) as error:
            raise BadJob(job=work.job.id, problem="it needs a domain, and how to move it") from error
        while work.job.attempt > 1 and self._service.cancel_migration(domain):
            work.check()  # what a killed service had begun goes on without it
            time.sleep(_LOOK)
        work.progress(Step(name="moving", done=0, total=0, text=f"to {how.destination}"))
        try:
            self._move(work, domain, how)
        except DomainNotFound:
            if work.job.attempt < 2:
                raise
        return {"destination": how.destination}

    def _move(self, work: Work, domain: str, how: Migration) -> None:
        """Have the domain moved, and call that off when the job, or the service, is to end.

        A move that was called off too late is one that was done.

        Raises:
            Cancelled, ServiceEnding: it runs on here.
            Fenced: another owner has this job; the move goes on.
            GuestwrightError: it was not moved.
        """
        with ThreadPoolExecutor(1, "migration") as pool:
            moving = pool.submit(self._service.migrate, domain, how)
            wanted: JobError | None = None
            while not wait([moving], _LOOK).done:
                try:
                    work.check()
                except (Cancelled, ServiceEnding) as reason:
                    wanted = reason
                    with suppress(HypervisorError):  # asked again until it is heard
                        self._service.cancel_migration(domain)
        try:
            moving.result()
        except MigrationCancelled as error:
            raise wanted or error from error
