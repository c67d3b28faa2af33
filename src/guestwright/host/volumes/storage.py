"""The storage domains and the jobs of one host together, as a service starts and ends them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Final, Self

from guestwright.base.record import record
from guestwright.host.jobs.jobs import Changed, Jobs, Restarted
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.model import Job, Status
from guestwright.host.jobs.store import JobStore
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.kinds import kinds
from guestwright.host.volumes.recover import Recovered, recover

DATABASE: Final = "jobs.db"
_LOG: Final = logging.getLogger(__name__)


def _nobody(job: Job) -> None:
    del job


@record
class Started:
    """What a start found to settle.

    Attributes:
        recovered: by name of the domain.
        restarted: jobs that go on, and those that were ended.
    """

    recovered: Mapping[str, Recovered]
    restarted: Restarted


class Storage:
    """Opens everything when made; `start` settles what the last service left and begins to work.

    Args:
        state: directory of the service's own, for the database of jobs.
        domains: paths of storage domains by name; made if they are not there.
        more: kinds of jobs about other things than volumes.
        threads: how many jobs run at a time.
        changed: told each job that has changed; see `Jobs`.
        clock: seconds since 1970.

    Attributes:
        jobs: of this host.
        domains: by name.

    Raises:
        DomainUnusable, JobsUnusable: a directory or the database cannot be used; nothing stays open.
    """

    def __init__(
        self,
        state: str,
        domains: Mapping[str, str],
        more: Iterable[Kind] = (),
        *,
        threads: int = 4,
        changed: Changed = _nobody,
        clock: Callable[[], float] = time.time,
    ) -> None:
        with ExitStack() as stack:
            self._store = stack.enter_context(JobStore(os.path.join(state, DATABASE)))
            self.domains: Final[Mapping[str, Domain]] = {
                name: stack.enter_context(Domain(path, make=True)) for name, path in domains.items()
            }
            every = [*kinds(self.domains, clock, self._alive), *more]
            self.jobs: Final = Jobs(self._store, every, threads=threads, changed=changed, clock=clock)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Started:
        """Settle, then begin. Called once.

        Raises:
            VolumeError, JobError: a domain or the jobs cannot be settled.
        """
        alive = self._alive()
        recovered = {name: recover(domain, alive) for name, domain in self.domains.items()}
        for name, found in recovered.items():
            for problem in found.problems:
                _LOG.warning("storage domain %s: %s", name, problem)
            if found != Recovered():
                _LOG.info("storage domain %s: settled: %s", name, found)
        restarted = self.jobs.start()
        return Started(recovered=recovered, restarted=restarted)

    def _alive(self) -> list[str]:
        return [job.id for job in self._store.all(Status.PENDING, Status.RUNNING, Status.ABORTING)]

    def stop(self, seconds: float = 30.0) -> bool:
        """End the work, which goes on at the next start, and close everything. May be called twice.

        Args:
            seconds: how long to wait for jobs that run.

        Returns:
            Whether all have stopped.
        """
        stopped = self.jobs.stop(seconds)
        self._open.close()
        return stopped
