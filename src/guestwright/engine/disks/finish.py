"""The job that ends an upload: the host judges what has arrived, and the disk is there.

Theory of operation: the job takes the upload, so that nobody writes any more; has the host judge it, which
makes the volume legal or refuses it; and records that. When it is refused, or cancelled, the upload is as
before: what is missing can be sent and the upload finished again, or given up. A host that has judged already
says so again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from guestwright.base.record import record
from guestwright.engine.disks.errors import BadUpload, UploadEnding
from guestwright.engine.disks.uploads import known_of
from guestwright.engine.hosts.orders import Orders
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import DatabaseBusy, DatabaseUnusable
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.jobs.errors import TryAgain
from guestwright.engine.jobs.model import Context, Kind, Step
from guestwright.engine.templates.copies import order_for, told_by

KIND: Final = "disk.upload"
_HOST_KIND: Final = "volume.upload-finish"
_ID_MAX: Final = 64


@record
class DiskServices:
    """What the job works with: the inventory, and orders to hosts."""

    database: Database
    orders: Orders


def disk_upload(services: DiskServices) -> Kind:
    """The kind of job. Its parameter: `upload`, its id. It returns `disk` and `volume`, their ids."""
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=lambda results: results["hold"]["made"],
        steps=(
            Step(name="hold", run=partial(_hold, services), undo=partial(_release, services)),
            Step(name="judge", run=partial(_judge, services)),
            Step(name="record", run=partial(_record, services)),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    upload = parameters.get("upload")
    if set(parameters) != {"upload"} or not isinstance(upload, str) or not 0 < len(upload) <= _ID_MAX:
        raise BadUpload(field="upload", problem="the id of an upload is wanted")


def _hold(services: DiskServices, context: Context) -> Any:
    with _changing(services, context) as tx:
        upload = tx.uploads.hold(_upload(context))
        if upload.job not in ("", context.job.id):
            raise UploadEnding(upload=upload.id, job=upload.job)
        if not upload.job:
            upload = tx.uploads.change(upload.id, None, job=context.job.id)
        known = known_of(tx, upload)
    place = known.file.place
    parameters = {"domain": place.domain, "volume": place.volume, "ticket": known.file.ticket}
    made = {"disk": upload.disk_id, "volume": place.volume}
    return {"host": place.host, "parameters": parameters, "made": made}


def _release(services: DiskServices, context: Context) -> None:
    with _changing(services, context) as tx:
        upload = tx.uploads.find(_upload(context))
        if upload is not None and upload.job == context.job.id:
            tx.uploads.change(upload.id, None, job="")


def _judge(services: DiskServices, context: Context) -> None:
    held = context.results["hold"]
    told = told_by(context, "the host judges what has arrived")
    services.orders.job(held["host"], order_for(context, ""), _HOST_KIND, held["parameters"], told)


def _record(services: DiskServices, context: Context) -> None:
    volume = context.results["hold"]["made"]["volume"]
    with _changing(services, context) as tx:
        if tx.uploads.find(_upload(context)) is None:
            return
        if tx.volumes.hold(volume).state is states.VolumeState.LOCKED:
            tx.volumes.move(volume, states.VOLUME, states.VolumeEvent.FILLED, job="", reason="")
        tx.uploads.remove(_upload(context))


def _upload(context: Context) -> str:
    return str(context.job.parameters["upload"])


@contextmanager
def _changing(services: DiskServices, context: Context) -> Iterator[Transaction]:
    """A transaction; a database that does not answer is waited for."""
    try:
        with services.database.write() as tx:
            yield tx
    except (DatabaseBusy, DatabaseUnusable) as error:
        raise TryAgain(job=context.job.id, problem=error.message) from error
