"""A domain's move to another host, as a job: it may take long, and outlives who asked for it.

Theory of operation: the hypervisors talk to each other; the job waits. What began cannot be called back from
here. When the service was killed meanwhile, the next one looks: a domain that is gone has moved, one that is
still here is moved again. Payloads go before the domain, by the API (`host.media.moving`).
"""

from __future__ import annotations

from typing import Any, Final

from guestwright.base.progress import Step
from guestwright.base.record import asdict
from guestwright.host.jobs.errors import BadJob
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import Job, Restart
from guestwright.host.service.port import HostService
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.spec import Migration

NAME: Final = "domain.migrate"


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
        work.commit()
        work.progress(Step(name="moving", done=0, total=0, text=f"to {how.destination}"))
        try:
            self._service.migrate(domain, how)
        except DomainNotFound:
            if work.job.attempt < 2:
                raise
        return {"destination": how.destination}
