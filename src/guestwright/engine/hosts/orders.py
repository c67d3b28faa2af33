"""Orders as jobs of a host: sent until they are there, waited for, and what they say in the engine's words.

Theory of operation: a host's job is named after the request, so that it is the same one however often it is
sent, by whichever worker. It says whose order it is, and the host refuses what is too late. Its record is
collected once its end is known here; should the worker die before that is kept, the next one sends the order
again, and the host finds that it is done: each of these jobs knows its own work (`host/volumes/kinds`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

from guestwright.engine.hosts.errors import HostOrderGivenUp
from guestwright.engine.hosts.lines import Lines
from guestwright.engine.jobs.errors import DurableJobTaken, TryAgain
from guestwright.engine.templates.host_port import Order, Told
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import (
    HostAnswerBad,
    HostLost,
    HostNotTrusted,
    HostRefused,
    HostUnreachable,
)

Json = dict[str, Any]
_LOOK: Final = 1  # seconds that the host keeps a question for the end of a job
_SILENT: Final = (HostUnreachable, HostLost, HostAnswerBad, HostNotTrusted)
_TOO_LATE: Final = "job-order-too-late"
_LATER: Final = frozenset(
    (
        *("job-order-waits", "job-not-found", "job-service-ending", "job-too-many"),
        *("hypervisor-lost", "hypervisor-unreachable"),
    )
)
_BUSY: Final = frozenset(
    (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
)


class Orders:
    """Has hosts do jobs. Its calls may come from any thread.

    Args:
        lines: to the hosts.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def job(
        self,
        host: str,
        order: Order,
        kind: str,
        parameters: Mapping[str, Any],
        told: Told = lambda _done, _total: None,
    ) -> Any:
        """Have a host do a job, and wait for its end.

        Args:
            host: id.
            order: who orders.
            kind: of the host's job.
            parameters: of it.
            told: progress; what it raises leaves the job to whoever undoes it.

        Returns:
            the job's result.

        Raises:
            TryAgain: the host does not answer, or cannot now.
            DurableJobTaken: the order is too late.
            HostRefused: the host's own error: it was not done.
            HostOrderGivenUp: somebody cancelled it there.
        """
        name = job_name(order)
        with self.to(host, order) as client:
            body = {"kind": kind, "parameters": dict(parameters), "id": name, "order": said(order)}
            found: Json = client.ask("POST", "/v1/jobs", body)
            while found["ended"] == 0:
                told(found["done"], found["total"])
                found = client.job(name, _LOOK)
            with suppress(*_SILENT, HostRefused):  # another worker has collected it, or the host will
                client.collect_job(name)
            if found["status"] == "failed":
                raise HostRefused.of(HTTPStatus.CONFLICT, found["error"])
        if found["status"] != "done":
            raise HostOrderGivenUp(kind=kind, host=host)
        return found["result"]

    @contextmanager
    def to(self, host: str, order: Order) -> Iterator[HostClient]:
        """A client of a host, whose errors are the engine's; see `job` for them."""
        try:
            with self._lines.to(host) as client:
                yield client
        except _SILENT as error:
            raise TryAgain(job=order.job, problem=error.message) from error
        except HostRefused as error:
            if error.code == _TOO_LATE:
                raise DurableJobTaken(job=order.job, epoch=order.epoch) from error
            if error.code in _LATER or error.status in _BUSY:
                raise TryAgain(job=order.job, problem=error.message) from error
            raise


def job_name(order: Order) -> str:
    """The id that an order's job has on the host."""
    return f"order-{hashlib.sha256(order.request.encode()).hexdigest()[:48]}"


def said(order: Order) -> Json:
    """Who orders, as hosts are told."""
    return {"job": order.job, "epoch": order.epoch, "undo": order.undo}


@contextmanager
def unless(*codes: str) -> Iterator[None]:
    """Do what follows; a host that refuses it for one of these reasons has nothing to do."""
    try:
        yield
    except HostRefused as error:
        if error.code not in codes:
            raise


@contextmanager
def later(order: Order, *codes: str) -> Iterator[None]:
    """Do what follows; what a host refuses for one of these reasons is worth another try."""
    try:
        yield
    except HostRefused as error:
        if error.code not in codes:
            raise
        raise TryAgain(job=order.job, problem=error.message) from error
