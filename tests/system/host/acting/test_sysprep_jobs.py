"""Sysprep as a job, with our real agent in the guest; answers are kept nowhere but in the vault."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.host.acting.sysprep_job import Claimed, SysprepJobs
from guestwright.host.errors import AnswersTooBig
from guestwright.host.jobs.errors import JobExists
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.model import Status
from guestwright.host.jobs.store import JobStore
from guestwright.host.media.vault import Vault
from guestwright.hypervisor.domain import DomainId
from tests.support.acting_host import DOMID, ActingHost, acting_host, kernel_tells
from tests.support.agent_process import PATIENCE, eventually, made

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not kernel_tells() and "CI" not in os.environ, reason="the kernel tells of no device"),
]
CANARY = b"CANARY-sysprep-job-90ab12cd34"


@contextmanager
def jobs_of(host: ActingHost, tmp_path: Path) -> Iterator[tuple[SysprepJobs, Jobs]]:
    @contextmanager
    def claim(domain: DomainId) -> Iterator[Claimed]:
        assert domain == host.domain
        yield Claimed(name="web1", domid=DOMID)

    vault = Vault(str(tmp_path / "vault"), bytes(32))
    syspreps = SysprepJobs(host.sysprep(), vault, claim)
    with JobStore(str(tmp_path / "jobs.sqlite")) as store:
        jobs = Jobs(store, [syspreps.kind])
        jobs.start()
        try:
            yield syspreps, jobs
            assert syspreps.sweep(set()) == 0
        finally:
            jobs.stop()


def traces(tmp_path: Path) -> list[str]:
    """Files in which the secret is, but for the guest's own."""
    root = tmp_path / "root"
    files = [one for one in tmp_path.rglob("*") if one.is_file() and root not in one.parents]
    return [str(one) for one in files if CANARY in one.read_bytes()]


def test_a_job_that_ends_well(tmp_path: Path) -> None:
    script = made(tmp_path / "script", f'#!/bin/sh\ncp "$1" {tmp_path}/root/answers\n')
    with acting_host(tmp_path, f'[sysprep]\ncommand = ["{script}"]\n') as host:
        host.power_off_with_guest()
        with jobs_of(host, tmp_path) as (syspreps, jobs):
            job = syspreps.submit(jobs, host.domain, CANARY, deadline=PATIENCE, job="mine")
            with pytest.raises(JobExists):
                syspreps.submit(jobs, host.domain, b"another's", deadline=PATIENCE, job="mine")
            assert job.id == "mine"
            assert traces(tmp_path) == []
            ended = jobs.wait(job.id, PATIENCE)
            assert ended.status is Status.DONE, ended
            assert CANARY.decode() not in repr(ended)
            log = ended.result["log"]
            assert log[1:4] == ["hdc is an empty cd drive", "media-inserted", "the guest sees the medium"], (
                log
            )
        assert (host.root / "answers").read_bytes() == CANARY
        assert traces(tmp_path) == []


def test_a_job_that_is_cancelled_or_too_big(tmp_path: Path) -> None:
    script = made(tmp_path / "script", f"#!/bin/sh\ntouch {tmp_path}/root/begun; sleep 60\n")
    with (
        acting_host(tmp_path, f'[sysprep]\ncommand = ["{script}"]\n') as host,
        jobs_of(host, tmp_path) as (syspreps, jobs),
    ):
        with pytest.raises(AnswersTooBig):
            syspreps.submit(jobs, host.domain, bytes(40_000))
        job = syspreps.submit(jobs, host.domain, CANARY, deadline=PATIENCE)
        eventually((host.root / "begun").exists)
        jobs.cancel(job.id)
        assert jobs.wait(job.id, PATIENCE).status is Status.ABORTED
        assert traces(tmp_path) == []
        assert host.get("control/sysprep/action") is None
