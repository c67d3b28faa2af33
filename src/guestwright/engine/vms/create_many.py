"""The job that makes many machines, by a pattern of names: one job of its own for each.

Theory of operation: each machine's job has a key made of this job's id and the machine's number, so that a
worker that comes after a dead one submits none twice. Then this job only looks, from time to time, without a
worker's place, until all have ended. One machine that cannot be made does not undo the others: the result
tells which were made and which not. Cancelling cancels those that have not ended, and waits for their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from guestwright.engine.jobs.errors import DurableJobEnded, NotYet
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.model import Context, Job, Kind, Status, Step
from guestwright.engine.templates.request import check_request
from guestwright.engine.vms import create
from guestwright.engine.vms.names import COUNT_MAX, names

KIND: Final = "vm.create-many"
_LOOK: Final = 1.0
_FIELDS: Final = {**create.FIELDS, "count": int, "first": int}


def vm_create_many(jobs: Callable[[], Jobs]) -> Kind:
    """The kind of job. Its parameters are those of `vm.create`, `name` being a pattern, `count` and `first`.

    It returns `made`: by name the id of each machine; and `failed`: by name the error of each other.

    Args:
        jobs: where the machines' jobs are submitted; asked for late, since it knows this kind, too.
    """
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            Step(name="submit", run=partial(_submit, jobs), undo=partial(_cancel, jobs)),
            Step(name="wait", run=partial(_wait, jobs)),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request(parameters, _FIELDS)
    names(parameters["name"], parameters["count"], parameters["first"])


def _result(results: Mapping[str, Any]) -> Any:
    return results["wait"]


def _submit(jobs: Callable[[], Jobs], context: Context) -> list[str]:
    wanted = dict(context.job.parameters)
    pattern, count, first = wanted.pop("name"), wanted.pop("count"), wanted.pop("first")
    submitted = []
    for number, name in enumerate(names(pattern, count, first)):
        context.check()
        context.progress(number, count, "submits")
        job = jobs().submit(
            create.KIND,
            {**wanted, "name": name},
            key=f"{context.job.id}/{number}",
            group=context.job.id,
        )
        submitted.append(job.id)
    return submitted


def _wait(jobs: Callable[[], Jobs], context: Context) -> Any:
    context.check()
    known = {job.id: job for job in _children(jobs, context)}
    children = [known[name] for name in context.results["submit"]]  # in the order of their numbers
    ended = [job for job in children if job.status.ended]
    context.progress(len(ended), len(children), "waits for machines")
    if len(ended) < len(children):
        raise NotYet(job=context.job.id, problem=f"{len(ended)} of {len(children)} have ended", seconds=_LOOK)
    return {
        "made": {str(one.parameters["name"]): one.result["vm"] for one in ended if one.status is Status.DONE},
        "failed": {
            str(one.parameters["name"]): (one.error or {}).get("code", "")
            for one in ended
            if one.status is not Status.DONE
        },
    }


def _cancel(jobs: Callable[[], Jobs], context: Context) -> None:
    waiting = 0
    for job in _children(jobs, context):
        if job.status is Status.DONE:
            context.leave(f"machine {job.parameters['name']}", "it was made before")
        elif not job.status.ended:
            waiting += 1
            try:
                jobs().cancel(job.id)
            except DurableJobEnded:
                continue  # seen the next time
    if waiting:
        raise NotYet(job=context.job.id, problem=f"{waiting} machines are taken away", seconds=_LOOK)


def _children(jobs: Callable[[], Jobs], context: Context) -> list[Job]:
    return jobs().find(group=context.job.id, limit=COUNT_MAX)
