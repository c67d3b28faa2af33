"""News of jobs come into the stream of events once, however many engines pass them on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guestwright.engine.inventory.database import Database
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.model import Kind, Step
from guestwright.engine.process.job_news import CHANGED, JobNews

pytestmark = pytest.mark.system


def test_each_is_told_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/engine.db", clock=time.time)
    kind = Kind(
        name="nothing", version=1, check=lambda _: None, steps=(Step(name="none", run=lambda _: None),)
    )
    jobs = Jobs(MemoryBook(), [kind])
    jobs.submit("nothing", {})  # before there was anybody to tell
    engines = [JobNews(jobs, database, lambda: True) for _ in range(2)]
    with database.read() as tx:
        begin = tx.events.token
    told = []
    for _ in range(3):
        for one in engines:
            one.once()
        told.append(jobs.submit("nothing", {}).id)
    for one in engines:
        one.once()
    with database.read() as tx:
        found = [one.subject for one in tx.events.after(begin).events if one.kind == CHANGED]
    assert found == told
    database.close()
