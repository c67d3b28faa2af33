"""How the end of a job gets into the store, also when the host is in trouble."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from guestwright.host.jobs.errors import JobCrashed, JobsUnusable
from guestwright.host.jobs.model import Job, Status
from guestwright.host.jobs.store import JobStore

_PAUSE: Final = 1.0  # seconds between two tries on a full file system
_ACTIVE: Final = (Status.RUNNING, Status.ABORTING)


def end(store: JobStore, job: Job, values: Mapping[str, Any], ending: threading.Event) -> Job:
    """Keep the end of a job; on a full file system try again until there is room or the service ends.

    Raises:
        Fenced: it is another's now.
        JobsUnusable: the service ended first.
        BadJob: the result is no plain JSON, or too much of it.
    """
    while True:
        try:
            return store.change(job, among=_ACTIVE, **values)
        except JobsUnusable:
            if ending.wait(_PAUSE):
                raise


def crashed(log: logging.Logger, job: Job, failure: Exception) -> JobCrashed:
    """What is told of a mistake of the program: where it is, and of which kind, never the values in it."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""
    detail = type(failure).__name__ + place
    log.error("job %s of kind %s crashed: %s", job.id, job.kind, detail)
    return JobCrashed(job=job.id, detail=detail)
