"""Uploads that nobody goes on with: given up, with all that has arrived of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.engine.disks.uploads import Uploads
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.payloads.uploads import forget_uploads

_LOG: Final = logging.getLogger(__name__)


def give_up_stale(database: Database, disks: Uploads, before: float) -> dict[str, int]:
    """Give up what was last written to before a moment; what a job ends is left to it.

    A disk whose host does not answer is tried again the next time.

    Args:
        database: the inventory.
        disks: uploads of disks.
        before: seconds since 1970.

    Returns:
        How many of what.
    """
    with database.read() as tx:
        found = tx.uploads.all(Filter("changed", Op.LESS, str(before)), Filter("job", Op.IS, ""))
    gone = sum(_done(disks.abandon, one.id) for one in found)
    with database.write() as tx:
        return {"disk uploads": gone, "payload uploads": forget_uploads(tx, before)}


def _done(abandon: Callable[[str], None], upload: str) -> bool:
    try:
        abandon(upload)
    except GuestwrightError as error:
        _LOG.warning("upload %s is not given up: %s", upload, error.message)
        return False
    return True
