"""Sysprep as a job of the host: it outlives who asked for it, and its answers are in no job's parameters.

Theory of operation: parameters of jobs are kept in a database and shown, so the answers lie encrypted in the
vault beside it, under the name of the job, from the submission to the end of the job. A service that ends in
the middle leaves a job that has failed; the next one takes the answers away (`undo`), and `sweep_sysprep` the
medium and the request. The work itself runs in a thread of its own, since a job is asked now and then whether
it shall be given up.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from guestwright.base.errors import GuestwrightError
from guestwright.base.ids import new_run_id
from guestwright.base.printable import printable
from guestwright.base.progress import Step
from guestwright.base.record import record
from guestwright.host.acting.sysprep import DEFAULT_NAME, SysprepHost, SysprepRequest, SysprepRun
from guestwright.host.errors import AnswersTooBig, SysprepFailed
from guestwright.host.jobs.errors import JobExists
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import Job, Restart, check_id
from guestwright.host.media.vault import Vault
from guestwright.host.sysprep.model import ANSWERS_MAX, Limits
from guestwright.hypervisor.domain import DomainId

NAME: Final = "guest.sysprep"
_PREFIX: Final = "sysprep-answers."
_LOG_MAX: Final = 64  # lines of what was done; a guest may tell its state as often as it likes
_LINE_MAX: Final = 200
_LOOK: Final = 0.2  # seconds between two questions whether it shall be given up


@record
class Claimed:
    """A domain that is kept for this sysprep.

    Attributes:
        name: of the domain, for people.
        domid: number of its directory in the store.
    """

    name: str
    domid: int


class Claim(Protocol):
    """Keeps a domain for a sysprep, or refuses; the service has one."""

    def __call__(self, domain: DomainId, /) -> AbstractContextManager[Claimed]:
        """Until the end of the block nobody else does anything to the domain.

        Raises:
            GuestwrightError: a sysprep is not possible now, with cause and remedy.
        """


class SysprepJobs:
    """Submits and runs them.

    Args:
        host: see `SysprepHost`.
        vault: for answers.
        claim: see there.
        clock: seconds since 1970.
    """

    def __init__(
        self, host: SysprepHost, vault: Vault, claim: Claim, clock: Callable[[], float] = time.time
    ) -> None:
        self._host = host
        self._vault = vault
        self._claim = claim
        self._clock = clock

    @property
    def kind(self) -> Kind:
        """For the jobs of the host."""
        return Kind(name=NAME, run=self._run, restart=Restart.FAIL, undo=self._undo)

    def submit(
        self,
        jobs: Jobs,
        domain: DomainId,
        answers: bytes,
        *,
        filename: str = DEFAULT_NAME,
        deadline: float = 600.0,
        job: str = "",
    ) -> Job:
        """Begin one.

        Args:
            jobs: of the host, with `kind` among theirs.
            domain: whose guest.
            answers: what is in the answer file; secret.
            filename: of the answer file.
            deadline: seconds for all of it.
            job: its id; "" for a new one.

        Raises:
            BadJob, JobExists: the id is none, or taken.
            AnswersTooBig, PayloadNotKept, TooManyJobs: it is not begun.
        """
        if len(answers) > ANSWERS_MAX:
            raise AnswersTooBig(size=len(answers), most=ANSWERS_MAX)
        if job and any(one.id == check_id(job) for one in jobs.all()):
            raise JobExists(job=job)  # whose answers are not to be replaced
        name = job or new_run_id(self._clock(), os.urandom(10))
        self._vault.put(_answers(name), answers)
        try:
            parameters = {"domain": str(domain), "filename": filename, "deadline": deadline}
            return jobs.submit(NAME, parameters, job=name)
        except BaseException:
            self._vault.remove(_answers(name))
            raise

    def sweep(self, known: set[str]) -> int:
        """Take away answers of jobs that are not there; how many there were.

        Args:
            known: ids of the jobs that have not ended.

        Raises:
            PayloadNotKept: they cannot be removed.
        """
        left = [
            name
            for name in self._vault.names()
            if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) not in known
        ]
        for name in left:
            self._vault.remove(name)
        return len(left)

    def _run(self, work: Work) -> Any:
        job = work.job
        log: list[str] = []

        def told(step: Step) -> None:
            text = printable(step.text)[:_LINE_MAX]
            if len(log) < _LOG_MAX and log[-1:] != [text]:
                log.append(text)
            work.progress(step)

        answers = self._vault.get(_answers(job.id))
        if answers is None:
            raise SysprepFailed(
                domain=job.parameters["domain"], failure="lost", detail="its answers are gone"
            )
        try:
            domain = DomainId(job.parameters["domain"])
            with self._claim(domain) as claimed:
                request = SysprepRequest(
                    domain=domain,
                    name=claimed.name,
                    domid=claimed.domid,
                    answers=answers,
                    filename=job.parameters["filename"],
                    limits=Limits(deadline=float(job.parameters["deadline"])),
                )
                began = time.monotonic()
                _attended(SysprepRun(self._host, request, progress=told), work)
        finally:
            self._vault.remove(_answers(job.id))
        return {"seconds": round(time.monotonic() - began, 3), "log": log}

    def _undo(self, work: Work) -> None:
        self._vault.remove(_answers(work.job.id))


def _answers(job: str) -> str:
    return f"{_PREFIX}{job}"


def _attended(run: SysprepRun, work: Work) -> None:
    """Do it in a thread, and give it up when the job is to be given up."""
    failed: list[BaseException] = []

    def body() -> None:
        try:
            run.run()
        except GuestwrightError as error:
            failed.append(error)

    thread = threading.Thread(target=body, name="sysprep", daemon=True)
    thread.start()
    given_up: GuestwrightError | None = None
    while thread.is_alive():
        thread.join(_LOOK)
        if given_up is None:
            try:
                work.check()
            except GuestwrightError as error:
                given_up = error
                run.cancel(error.message)
    if failed:
        raise given_up or failed[0]
