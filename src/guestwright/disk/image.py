"""Opening a disk image after a change to it that was interrupted has been finished or discarded.

Theory of operation: only while the image's lock is held can it be told whether a redo log beside it is an
interrupted change or one that is just under way. So the image is opened and locked first (`disk.handle`), and
only then the log is looked for; if there is one, everything is released and `recovery.recover` runs.
"""

from __future__ import annotations

import os
from typing import Final

from guestwright.disk.errors import ImageInUse
from guestwright.disk.formats import choose_format
from guestwright.disk.handle import Identity, Image, open_unrecovered
from guestwright.disk.redo_names import log_path

__all__ = ["Identity", "Image", "open_image"]

_ATTEMPTS: Final = 3


def open_image(
    path: str,
    *,
    format: str | None = None,  # noqa: A002 - the word of every tool's option
    writable: bool = False,
    allow_backing: bool = False,
    allow_snapshots: bool = False,
) -> Image:
    """Open a disk image after finishing (or discarding) a change to it that was interrupted.

    Args:
        path: of the image file or block device.
        format: a name of `ImageFormat`; None to go by the suffixes .raw, .img and .qcow2.
        writable: open for writing: nobody else may have the image open at all. Otherwise nobody may have it
            open for writing.
        allow_backing: let it depend on a backing file or an external data file.
        allow_snapshots: let it hold internal snapshots.

    Raises:
        DiskError: see `guestwright.disk.errors`; nothing was changed, unless it is `CommitPending`.
        UsageError: the format is not known.
    """
    choice = choose_format(path, format)
    for _ in range(_ATTEMPTS):
        image = open_unrecovered(
            path, choice, writable=writable, allow_backing=allow_backing, allow_snapshots=allow_snapshots
        )
        if not os.path.lexists(log_path(image.path)):
            return image
        image.close()
        from guestwright.disk.recovery import recover  # noqa: PLC0415 - rare; each start would pay for it

        recover(path)
    raise ImageInUse(path=path, detail="other runs change it again and again")
