"""The work of moving a domain: when it is cancelled, fenced, too late, or found half done."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from guestwright.base.progress import Step
from guestwright.base.record import asdict
from guestwright.host.acting.migration_job import NAME, MigrationJobs
from guestwright.host.jobs.errors import BadJob, Cancelled, ServiceEnding
from guestwright.host.jobs.model import Job
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound, HypervisorLost, MigrationCancelled
from guestwright.hypervisor.spec import Migration
from tests.support.host_service import WEB1, ScriptedHost

HOW = Migration(destination="fake://b")


class Asked:
    """`kind.Work` of an attempt that is ended with `reason` once somebody moves."""

    def __init__(self, attempt: int = 1, reason: Exception | None = None, **parameters: Any) -> None:
        given = {"domain": WEB1, "how": asdict(HOW), **parameters}
        self.job = Job(id="j", kind=NAME, parameters=given, attempt=attempt)
        self.reason = reason

    def progress(self, step: Step, /) -> None:
        """Nobody looks."""

    def check(self) -> None:
        if self.reason is not None:
            raise self.reason

    def save(self, state: Any) -> None:
        """Nothing is kept."""

    def commit(self) -> None:
        """It can always be called off."""


class Moving(ScriptedHost):
    """A host whose moves last until they are called off, `heard` calls later."""

    def __init__(self, heard: int = 1, *, late: bool = False) -> None:
        super().__init__()
        self.left, self.over = heard, threading.Event()

        def move(domain: DomainId, how: Migration) -> None:
            assert self.over.wait(60)
            if not late:
                raise MigrationCancelled(domain=domain, destination=how.destination)

        def stop(domain: DomainId) -> bool:
            del domain
            self.left -= 1
            if self.left > 0:
                raise HypervisorLost(uri="fake:///", action="cancel migration")
            self.over.set()
            return True

        self.moves, self.stops = move, stop


@pytest.mark.parametrize("reason", [Cancelled(job="j"), ServiceEnding(job="j")])
@pytest.mark.parametrize("heard", [1, 3])
def test_a_move_that_is_no_longer_wanted_is_called_off_until_that_is_heard(
    reason: Exception, heard: int
) -> None:
    with pytest.raises(type(reason)):
        MigrationJobs(Moving(heard)).kind.run(Asked(reason=reason))


def test_one_that_was_called_off_too_late_is_done() -> None:
    host = Moving(late=True)
    assert MigrationJobs(host).kind.run(Asked(reason=Cancelled(job="j"))) == {"destination": "fake://b"}


def test_one_that_somebody_else_called_off_fails() -> None:
    host = Moving()
    host.over.set()
    with pytest.raises(MigrationCancelled):
        MigrationJobs(host).kind.run(Asked())


def test_what_a_killed_service_left() -> None:
    host = ScriptedHost()
    answers = [True, True, False]
    host.stops = lambda _: answers.pop(0)
    assert MigrationJobs(host).kind.run(Asked(attempt=2)) == {"destination": "fake://b"}
    assert [one[0] for one in host.called] == ["cancel-migration"] * 3 + ["migrate"]
    host.known.clear()
    host.stops = lambda _: False
    assert MigrationJobs(host).kind.run(Asked(attempt=2)) == {"destination": "fake://b"}
    with pytest.raises(DomainNotFound):
        MigrationJobs(host).kind.run(Asked(attempt=1))


def test_a_job_that_makes_no_sense() -> None:
    with pytest.raises(BadJob):
        MigrationJobs(ScriptedHost()).kind.run(Asked(how={"where": "there"}))
