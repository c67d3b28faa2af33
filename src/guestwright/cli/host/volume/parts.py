"""What the commands about volumes share: names of volumes, and jobs that are waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from guestwright.cli.host.options import connect
from guestwright.cli.output import print_json, say

if TYPE_CHECKING:
    from guestwright.host.client.client import HostClient

Command = TypeVar("Command", bound=Callable[..., Any])
Json = dict[str, Any]
_ENDED: Final = ("done", "failed", "aborted")
_WAIT: Final = 50  # seconds that the service waits at most
_FAILED: Final = 500


def name_of(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, str]:
    """STORAGE/NAME as a pair; a callback of click's."""
    storage, slash, name = value.partition("/")
    if not (storage and slash and name) or "/" in name:
        raise click.BadParameter(f"{value!r} is no STORAGE/NAME, such as main/web1", context, parameter)
    return storage, name


def names_of(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Several of them."""
    return tuple(name_of(context, parameter, one) for one in values)


def wait_option(command: Command) -> Command:
    """Add `--no-wait`."""
    text = "Only begin it; `guestwright host job ID` tells how it goes."
    return click.option("--no-wait", is_flag=True, help=text)(command)


def do(params: Json, kind: str, parameters: Json, done: str, *, wait: bool) -> None:
    """Have a job done, and tell.

    Args:
        params: of `service_options`.
        kind: of job.
        parameters: of the job.
        done: what to say when it is.
        wait: until it has ended; its result is collected then.

    Raises:
        HostRefused: it is not possible, or has failed.
        ClientError: there is no answer.
    """
    with connect(params) as client:
        job = client.submit_job(kind, parameters)
        if wait:
            job = ended(client, job)
    tell(params, job, done if wait else f"job {job['id']}")


def ended(client: HostClient, job: Json) -> Json:
    """A job when it has ended, collected.

    Raises:
        HostRefused: it has failed or was given up; with the code of what made it fail.
    """
    from guestwright.host.client.errors import HostRefused

    while job["status"] not in _ENDED:
        job = client.job(job["id"], _WAIT)
    job = client.collect_job(job["id"])
    if job["status"] != "done":
        given_up = {"code": "job-cancelled", "message": f"job {job['id']} was given up"}
        raise HostRefused.of(_FAILED, job["error"] or given_up)
    return job


def tell(params: Json, job: Json, text: str) -> None:
    """The job as JSON, or a line."""
    if params["as_json"]:
        print_json({"kind": "guestwright.host.job", "schema": 1, "job": job})
    else:
        say(text)
