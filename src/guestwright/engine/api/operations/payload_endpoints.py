"""All operations on payload objects."""

from __future__ import annotations

from guestwright.engine.api.endpoint import Endpoint
from guestwright.engine.api.operations.payload_uploads import payload_upload_endpoints
from guestwright.engine.api.operations.payloads import object_endpoints
from guestwright.engine.inventory.database import Database
from guestwright.engine.payloads.payloads import Payloads


def payload_endpoints(database: Database, payloads: Payloads) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        payloads: of the engine.
    """
    return (
        *payload_upload_endpoints(database, payloads),  # before others: `uploads` is no id
        *object_endpoints(database, payloads),
    )
